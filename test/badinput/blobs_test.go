package badinput

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// do makes a good call of KMS and reads its answer into out.
func (s *server) do(t *testing.T, op string, in map[string]any, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(s.call(t, s.kms(op, body), "kms"), out); err != nil {
		t.Fatal(err)
	}
}

// try makes a call of KMS that may fail.
func (s *server) try(t *testing.T, op string, in map[string]any) *request {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return s.kms(op, body).sign(s.by("kms"))
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func code(c string, message string) want {
	return want{status: 400, code: c, message: message, recorded: true}
}

type cipher struct{ CiphertextBlob []byte }

func TestAlteredCiphertexts(t *testing.T) {
	s, other := start(t), start(t)
	key := s.createKey(t, "{}")
	context := map[string]string{"purpose": "test"}
	var good, foreign, second cipher
	s.do(t, "Encrypt", map[string]any{"KeyId": key, "Plaintext": canary, "EncryptionContext": context}, &good)
	s.do(t, "Encrypt", map[string]any{"KeyId": s.createKey(t, "{}"), "Plaintext": canary, "EncryptionContext": context}, &second)
	other.do(t, "Encrypt", map[string]any{"KeyId": other.createKey(t, "{}"), "Plaintext": canary, "EncryptionContext": context}, &foreign)

	invalid := code("InvalidCiphertextException", "")
	decrypt := func(blob []byte, more ...string) *request {
		in := map[string]any{"CiphertextBlob": b64(blob), "EncryptionContext": context}
		if len(more) > 0 {
			in["KeyId"] = more[0]
		}
		return s.try(t, "Decrypt", in)
	}
	refused := func(what string, blob []byte, more ...string) {
		t.Helper()
		a := s.send(t, decrypt(blob, more...))
		s.checkHeaders(t, a)
		if f := parseFault(t, a); a.status != invalid.status || f.code != invalid.code || f.message != "" {
			t.Errorf("%s: %d %s %q", what, a.status, f.code, f.message)
		}
	}
	blob := good.CiphertextBlob
	t.Run("each bit", func(t *testing.T) {
		for i := range len(blob) * 8 {
			b := append([]byte(nil), blob...)
			b[i/8] ^= 1 << (i % 8)
			refused(fmt.Sprintf("bit %d", i), b)
			if i%8 == 0 {
				refused(fmt.Sprintf("bit %d, key stated", i), b, key)
			}
		}
	})
	t.Run("each length", func(t *testing.T) {
		for n := 1; n < len(blob); n++ {
			refused(fmt.Sprintf("%d bytes", n), blob[:n])
			refused(fmt.Sprintf("last %d bytes", n), blob[n:])
		}
		refused("one more", append(append([]byte(nil), blob...), 0))
		refused("twice", append(append([]byte(nil), blob...), blob...))
	})
	t.Run("noise", func(t *testing.T) {
		for n := 1; n <= 6144; n = n*2 + 1 {
			b := make([]byte, n)
			rand.Read(b)
			refused(fmt.Sprintf("%d bytes", n), b)
			b[0] = 1
			refused(fmt.Sprintf("%d bytes, version 1", n), b)
		}
	})
	t.Run("of another installation", func(t *testing.T) { s.refused(t, decrypt(foreign.CiphertextBlob), invalid) })
	t.Run("head of one, tail of another", func(t *testing.T) {
		half := len(blob) / 2
		refused("spliced", append(append([]byte(nil), blob[:half]...), second.CiphertextBlob[half:]...))
	})
	t.Run("another key stated", func(t *testing.T) {
		s.refused(t, decrypt(second.CiphertextBlob, key), code("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."))
	})
	for name, c := range map[string]map[string]string{
		"no context": {}, "other value": {"purpose": "Test"}, "other name": {"Purpose": "test"},
		"one more": {"purpose": "test", "a": "b"}, "boundary moved": {"purposet": "est"},
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(t, s.try(t, "Decrypt", map[string]any{"CiphertextBlob": b64(blob), "EncryptionContext": c}), invalid)
			s.refused(t, s.try(t, "ReEncrypt", map[string]any{"CiphertextBlob": b64(blob), "SourceEncryptionContext": c, "DestinationKeyId": key}), invalid)
		})
	}
	t.Run("too long for the model", func(t *testing.T) {
		s.refused(t, decrypt(make([]byte, 6145)), want{status: 400, code: "ValidationException", contains: "at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144", recorded: true})
	})
	t.Run("the good one", func(t *testing.T) {
		if a := s.send(t, decrypt(blob, key)); a.status != http.StatusOK || !strings.Contains(string(a.body), canary) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestGarbageTokens(t *testing.T) {
	s := start(t)
	key := s.createKey(t, "{}")
	var grant, elsewhere struct{ GrantToken, GrantId string }
	in := map[string]any{"KeyId": key, "GranteePrincipal": "arn:aws:iam::" + account + ":root", "Operations": []string{"Encrypt"}}
	s.do(t, "CreateGrant", in, &grant)
	other := start(t)
	in["KeyId"] = other.createKey(t, "{}")
	other.do(t, "CreateGrant", in, &elsewhere)

	flipped := []byte(grant.GrantToken)
	flipped[len(flipped)/2] ^= 1
	for name, token := range map[string]string{
		"garbage": "garbage", "flipped": string(flipped), "cut short": grant.GrantToken[:len(grant.GrantToken)-1],
		"of another installation": elsewhere.GrantToken, "a grant id": grant.GrantId, "longest": strings.Repeat("A", 8192),
		"NUL": "\x00", "not ASCII": "é",
	} {
		t.Run(name, func(t *testing.T) {
			w := code("InvalidGrantTokenException", "*")
			s.refused(t, s.try(t, "Encrypt", map[string]any{"KeyId": key, "Plaintext": canary, "GrantTokens": []string{token}}), w)
			s.refused(t, s.try(t, "RetireGrant", map[string]any{"GrantToken": token}), w)
		})
	}
	t.Run("eleven", func(t *testing.T) {
		tokens := make([]string, 11)
		for i := range tokens {
			tokens[i] = grant.GrantToken
		}
		s.refused(t, s.try(t, "Encrypt", map[string]any{"KeyId": key, "Plaintext": canary, "GrantTokens": tokens}),
			want{status: 400, code: "ValidationException", contains: "at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10", recorded: true})
	})
	t.Run("markers", func(t *testing.T) {
		for _, op := range []string{"ListKeys", "ListAliases"} {
			for _, marker := range []string{"garbage", strings.Repeat("A", 1024), "é"} {
				s.refused(t, s.try(t, op, map[string]any{"Marker": marker}), code("InvalidMarkerException", "*"))
			}
		}
	})
	// A structure given twice is the second one, not a blend of both.
	body := fmt.Appendf(nil, `{"KeyId":%q,"GranteePrincipal":"arn:aws:iam::`+account+`:root","Operations":["Decrypt"],"Operations":["Encrypt"],`+
		`"Constraints":{"EncryptionContextSubset":{"x":"1"}},"Constraints":{"EncryptionContextEquals":{"y":"2"}},"Name":"last"}`, key)
	s.call(t, s.kms("CreateGrant", body), "kms")
	var list struct {
		Grants []struct {
			Name        string
			Operations  []string
			Constraints map[string]map[string]string
		}
	}
	s.do(t, "ListGrants", map[string]any{"KeyId": key}, &list)
	for _, g := range list.Grants {
		if g.Name == "last" && (fmt.Sprint(g.Operations) != "[Encrypt]" || fmt.Sprint(g.Constraints) != "map[EncryptionContextEquals:map[y:2]]") {
			t.Errorf("%+v", g)
		}
	}
}

type parameters struct{ ImportToken, PublicKey []byte }

// wrapping is a key that waits for material, and what its import takes.
func (s *server) wrapping(t *testing.T, spec string) (key string, p parameters, wrap func([]byte) []byte) {
	t.Helper()
	create := `{"Origin":"EXTERNAL"}`
	if spec != "" {
		create = `{"Origin":"EXTERNAL","KeyUsage":"SIGN_VERIFY","KeySpec":"` + spec + `"}`
	}
	key = s.createKey(t, create)
	s.do(t, "GetParametersForImport", map[string]any{"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}, &p)
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, p, func(material []byte) []byte {
		sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
}

func TestGarbageImports(t *testing.T) {
	s := start(t)
	key, p, wrap := s.wrapping(t, "")
	_, foreign, _ := s.wrapping(t, "")
	material := make([]byte, 32)
	rand.Read(material)
	load := func(key string, token, sealed []byte) *request {
		return s.try(t, "ImportKeyMaterial", map[string]any{"KeyId": key, "ImportToken": b64(token), "EncryptedKeyMaterial": b64(sealed), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
	}
	badToken := code("InvalidImportTokenException", "*")
	flip := func(b []byte, i int) []byte {
		c := append([]byte(nil), b...)
		c[i] ^= 0x10
		return c
	}
	t.Run("token of another key", func(t *testing.T) { s.refused(t, load(key, foreign.ImportToken, wrap(material)), badToken) })
	t.Run("garbage for a token", func(t *testing.T) { s.refused(t, load(key, []byte("garbage"), wrap(material)), badToken) })
	t.Run("6144 bytes of noise for a token", func(t *testing.T) {
		noise := make([]byte, 6144)
		rand.Read(noise)
		s.refused(t, load(key, noise, wrap(material)), badToken)
	})
	t.Run("each byte of the token altered", func(t *testing.T) {
		for i := range p.ImportToken {
			a := s.send(t, load(key, flip(p.ImportToken, i), wrap(material)))
			if f := parseFault(t, a); f.code != badToken.code {
				t.Fatalf("byte %d: %d %s", i, a.status, f.code)
			}
		}
	})
	for name, sealed := range map[string][]byte{
		"noise":          flip(wrap(material), 100),
		"one byte":       {1},
		"plain material": material,
		"zeros":          make([]byte, 256),
		"all ones":       []byte(strings.Repeat("\xff", 256)),
		"too long":       make([]byte, 512),
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(t, load(key, p.ImportToken, sealed), code("InvalidCiphertextException", "*"))
		})
	}
	for _, n := range []int{1, 16, 31, 33, 64} {
		t.Run(fmt.Sprintf("%d bytes of material", n), func(t *testing.T) {
			a := s.refused(t, load(key, p.ImportToken, wrap(make([]byte, n))), code("IncorrectKeyMaterialException", "*"))
			_ = a
		})
	}
	t.Run("the good one", func(t *testing.T) {
		if a := s.send(t, load(key, p.ImportToken, wrap(material))); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("other material for the same key", func(t *testing.T) {
		s.refused(t, load(key, p.ImportToken, wrap(make([]byte, 32))), want{status: 400, code: "IncorrectKeyMaterialException", message: "*", recorded: true})
	})
}

func TestMalformedPKCS8(t *testing.T) {
	s := start(t)
	key, p, wrap := s.wrapping(t, "ECC_NIST_P256")
	der := func(curve elliptic.Curve) []byte {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := der(elliptic.P256())
	for name, material := range map[string][]byte{
		"empty sequence":   {0x30, 0},
		"noise":            []byte("not DER at all, not even close to it"),
		"endless length":   {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		"indefinite":       {0x30, 0x80, 2, 1, 0, 0, 0},
		"cut short":        good[:len(good)-1],
		"trailing garbage": append(append([]byte(nil), good...), 0),
		"wrong curve":      der(elliptic.P224()),
		"a raw scalar":     make([]byte, 32),
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(t, s.try(t, "ImportKeyMaterial", map[string]any{"KeyId": key, "ImportToken": b64(p.ImportToken), "EncryptedKeyMaterial": b64(wrap(material)), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}),
				code("IncorrectKeyMaterialException", "*"))
		})
	}
	if a := s.send(t, s.try(t, "ImportKeyMaterial", map[string]any{"KeyId": key, "ImportToken": b64(p.ImportToken), "EncryptedKeyMaterial": b64(wrap(good)), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestGarbageForCryptography(t *testing.T) {
	s := start(t)
	sign := s.createKey(t, `{"KeyUsage":"SIGN_VERIFY","KeySpec":"ECC_NIST_P256"}`)
	agree := s.createKey(t, `{"KeyUsage":"KEY_AGREEMENT","KeySpec":"ECC_NIST_P256"}`)
	hmac := s.createKey(t, `{"KeyUsage":"GENERATE_VERIFY_MAC","KeySpec":"HMAC_256"}`)
	symmetric := s.createKey(t, `{}`)
	message := b64([]byte("message"))
	badSignature := code("KMSInvalidSignatureException", "")
	for _, signature := range [][]byte{{0}, {0x30, 0}, {0x30, 6, 2, 1, 0, 2, 1, 0}, {0x30, 6, 2, 1, 1, 2, 1, 1}, make([]byte, 64), []byte(strings.Repeat("\xff", 6144))} {
		t.Run(fmt.Sprintf("signature %.20x", signature), func(t *testing.T) {
			s.refused(t, s.try(t, "Verify", map[string]any{"KeyId": sign, "Message": message, "Signature": b64(signature), "SigningAlgorithm": "ECDSA_SHA_256"}), badSignature)
		})
	}
	for _, mac := range [][]byte{{0}, make([]byte, 31), make([]byte, 32), make([]byte, 33), make([]byte, 6144)} {
		t.Run(fmt.Sprintf("mac of %d bytes", len(mac)), func(t *testing.T) {
			s.refused(t, s.try(t, "VerifyMac", map[string]any{"KeyId": hmac, "Message": message, "Mac": b64(mac), "MacAlgorithm": "HMAC_SHA_256"}), code("KMSInvalidMacException", ""))
		})
	}
	point := elliptic.P256().Params()
	offCurve := append([]byte{4}, append(point.Gx.FillBytes(make([]byte, 32)), make([]byte, 32)...)...)
	spki := append([]byte{0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0}, offCurve...)
	for name, public := range map[string][]byte{"garbage": {1, 2, 3}, "a point off the curve": spki, "the bare point": offCurve, "8192 zeros": make([]byte, 8192), "an empty sequence": {0x30, 0}} {
		t.Run("public key: "+name, func(t *testing.T) {
			s.refused(t, s.try(t, "DeriveSharedSecret", map[string]any{"KeyId": agree, "KeyAgreementAlgorithm": "ECDH", "PublicKey": b64(public)}), code("ValidationException", "*"))
		})
	}
	for name, document := range map[string][]byte{"garbage": {1}, "empty COSE": {0x84, 0x40, 0xa0, 0x40, 0x40}, "deep CBOR": []byte(strings.Repeat("\x81", 30000)), "endless CBOR": {0x9f}, "huge length": {0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		t.Run("attestation: "+name, func(t *testing.T) {
			s.refused(t, s.try(t, "GenerateDataKey", map[string]any{"KeyId": symmetric, "KeySpec": "AES_256", "Recipient": map[string]any{"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b64(document)}}), code("ValidationException", "*"))
		})
	}
	t.Run("digest of the wrong length", func(t *testing.T) {
		s.refused(t, s.try(t, "Sign", map[string]any{"KeyId": sign, "Message": message, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}), code("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256."))
	})
}

// Key ids are looked up, never parsed into anything else.
func TestKeyIdsThatAreNone(t *testing.T) {
	s := start(t)
	for _, id := range []string{"x", "../../etc/passwd", "alias/", "alias", "*", "key/*", "arn:aws:kms:us-east-1:" + account + ":key/*", "arn:", strings.Repeat(":", 2048), "00000000-0000-0000-0000-000000000000", "alias/none", "arn:aws:kms:us-east-1:" + account + ":alias/none", "arn:aws:kms:us-east-1:444455556666:key/00000000-0000-0000-0000-000000000000", "arn:aws:iam::" + account + ":user/x", "mrk-" + strings.Repeat("0", 32), "\x00", "\u202e", "é", "' OR 1=1 --", "${aws:username}", "%00", "<x>&"} {
		t.Run(id[:min(len(id), 30)], func(t *testing.T) {
			for _, op := range []string{"DescribeKey", "ScheduleKeyDeletion", "PutKeyPolicy", "Encrypt"} {
				in := map[string]any{"KeyId": id}
				switch op {
				case "PutKeyPolicy":
					in["Policy"] = "{}"
				case "Encrypt":
					in["Plaintext"] = canary
				}
				before := s.state(t)
				a := s.send(t, s.try(t, op, in))
				f := parseFault(t, a)
				switch f.code {
				case "NotFoundException", "ValidationException", "InvalidArnException", "AccessDeniedException":
				default:
					t.Errorf("%s: %d %s %s", op, a.status, f.code, f.message)
				}
				if s.record(t, a.header.Get("X-Amzn-Requestid")) == "" {
					t.Errorf("%s: not recorded", op)
				}
				if s.state(t) != before {
					t.Error("something changed")
				}
			}
		})
	}
}
