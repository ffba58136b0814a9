// AWS's Encryption SDK for JavaScript does the jobs of the JSON file that it is given:
// each one encrypts or decrypts files under one keyring and one algorithm suite.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy, KmsKeyringNode, RawAesKeyringNode, RawAesWrappingSuiteIdentifier, RawRsaKeyringNode,
} from '@aws-crypto/client-node';
import { constants } from 'node:crypto';

function keyring({ provider, namespace, name, keyFile, padding, arn }) {
  if (provider === 'aws-kms') return new KmsKeyringNode({ generatorKeyId: arn });
  const key = readFileSync(keyFile);
  if (provider === 'raw-aes') {
    return new RawAesKeyringNode({
      keyNamespace: namespace, keyName: name, unencryptedMasterKey: new Uint8Array(key), utf8Sorting: true,
      wrappingSuite: RawAesWrappingSuiteIdentifier[`AES${key.length * 8}_GCM_IV12_TAG16_NO_PADDING`],
    });
  }
  const rsaKey = { privateKey: key, publicKey: readFileSync(keyFile + '.pub') };
  if (padding === 'pkcs1') return new RawRsaKeyringNode({ keyNamespace: namespace, keyName: name, rsaKey, padding: constants.RSA_PKCS1_PADDING });
  return new RawRsaKeyringNode({
    keyNamespace: namespace, keyName: name, rsaKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: padding.replace('oaep-', ''),
  });
}

for (const { operation, suite, frameLength, context, keys, files } of JSON.parse(readFileSync(process.argv[2]))) {
  const commits = suite === AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
    || suite === AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384;
  const { encrypt, decrypt } = buildClient(commits ? CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT : CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
  for (const { from, to } of files) {
    const input = readFileSync(from);
    if (operation === 'encrypt') {
      const { result } = await encrypt(keyring(keys), input, { suiteId: suite, frameLength, encryptionContext: context });
      writeFileSync(to, result);
      continue;
    }
    const { plaintext, messageHeader } = await decrypt(keyring(keys), input).catch((cause) => {
      throw new Error(`decrypting ${from} of suite ${suite} with ${JSON.stringify(keys)}`, { cause });
    });
    assert.equal(messageHeader.suiteId, suite);
    assert.equal(messageHeader.frameLength, frameLength);
    for (const [name, value] of Object.entries(context)) assert.equal(messageHeader.encryptionContext[name], value);
    writeFileSync(to, plaintext);
  }
}
console.log('all good');
