#!/usr/bin/env python3
"""Writes blobs_v1.json: known answers for the ciphertext blob, version 1.

This is a second implementation of the format, on Python's hmac and the
cryptography package (OpenSSL), sharing nothing with the Go code. All inputs are
derived from fixed strings, so a run always writes the same file. The file is
frozen: blobs already in it must never change.
"""

import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def fixed(name, n):
    out = b""
    i = 0
    while len(out) < n:
        out += hashlib.sha512(f"fastness blob v1/{name}/{i}".encode()).digest()
        i += 1
    return out[:n]


def canonical(context):
    out = b""
    pairs = sorted((k.encode(), v.encode()) for k, v in context.items())
    for k, v in pairs:
        out += len(k).to_bytes(4, "big") + k + len(v).to_bytes(4, "big") + v
    return out


def kdf(key, label, context, bits):
    fixed_input = label + b"\0" + context + bits.to_bytes(4, "big")
    return hmac.new(key, (1).to_bytes(4, "big") + fixed_input, hashlib.sha256).digest()


def seal(material, key_ref, material_id, nonce, iv, context, plaintext):
    header = b"\x01\x01" + key_ref + material_id + nonce
    key = kdf(material, b"KMS-ENC-1", nonce, 256)
    return header + iv + AESGCM(key).encrypt(iv, plaintext, header + canonical(context))


PLAINTEXT_SIZES = [1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 255, 256, 257, 1000, 1024, 2048, 2376, 4095, 4096, 0]

CONTEXTS = [
    {},
    {"purpose": "test"},
    {"b": "2", "a": "1", "B": "3"},
    {"a": "b=c"},
    {"a=b": "c"},
    {"": ""},
    {"empty": ""},
    {"clé": "valeur", "鍵": "値", "🔑": "🔒"},
    {"aws:s3:arn": "arn:aws:s3:::bucket/key", "aws-crypto-public-key": "AAAA"},
    {f"key{i}": f"value{i}" for i in range(20)},
]

blobs = []
for i, size in enumerate(PLAINTEXT_SIZES):
    material = fixed(f"material {i % 4}", 32)
    key_id = ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"][i % 2]
    material_id = kdf(hashlib.sha256(material).digest(), b"KMS-MATERIAL-ID-1", key_id.encode(), 256)
    context = CONTEXTS[i % len(CONTEXTS)]
    plaintext = fixed(f"plaintext {i}", size)
    key_ref = fixed(f"key ref {i % 4}", 16)
    blob = seal(material, key_ref, material_id, fixed(f"nonce {i}", 16), fixed(f"iv {i}", 12), context, plaintext)
    blobs.append({
        "keyId": key_id,
        "material": material.hex(),
        "keyRef": key_ref.hex(),
        "materialId": material_id.hex(),
        "context": context,
        "plaintext": plaintext.hex(),
        "blob": blob.hex(),
    })

path = pathlib.Path(__file__).with_name("blobs_v1.json")
path.write_text(json.dumps(blobs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
