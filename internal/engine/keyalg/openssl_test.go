package keyalg

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl runs the command of that name, which these tests need, in a directory
// of its own.
type openssl struct {
	t   *testing.T
	dir string
}

func newOpenSSL(t *testing.T) *openssl {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("these tests need the openssl command, version 3: ", err)
	}
	return &openssl{t: t, dir: t.TempDir()}
}

// write puts data in a file and returns its path.
func (o *openssl) write(name string, data []byte) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

func (o *openssl) try(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("openssl %s: %w: %s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out, err
}

func (o *openssl) run(args ...string) []byte {
	o.t.Helper()
	out, err := o.try(args...)
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// keyFiles writes both halves of a key.
func (o *openssl) keyFiles(key *Key) (private, public string) {
	o.t.Helper()
	pkcs8, err := key.MarshalPKCS8()
	if err != nil {
		o.t.Fatal(err)
	}
	return o.write("private.der", pkcs8), o.write("public.der", key.pub.SPKI())
}

// opensslSpecs are the asymmetric key specs that OpenSSL 3.0 knows: all but
// ML-DSA, which came with 3.5.
var opensslSpecs = map[Spec][]string{
	RSA2048:      {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
	RSA3072:      {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"},
	RSA4096:      {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"},
	P256:         {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
	P384:         {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
	P521:         {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"},
	Secp256k1:    {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"},
	Edwards25519: {"-algorithm", "ED25519"},
	SM2:          {"-algorithm", "SM2"},
}

func TestOpenSSLReadsOurKeys(t *testing.T) {
	for spec := range opensslSpecs {
		t.Run(string(spec), func(t *testing.T) {
			o, key := newOpenSSL(t), testKeys()[spec]
			private, public := o.keyFiles(key)
			o.run("pkey", "-inform", "DER", "-in", private, "-check", "-noout")
			if got := o.run("pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER"); !bytes.Equal(got, key.pub.SPKI()) {
				t.Errorf("OpenSSL derives the public key %x, we %x", got, key.pub.SPKI())
			}
			o.run("pkey", "-pubin", "-inform", "DER", "-in", public, "-pubcheck", "-noout")
		})
	}
}

func TestWeReadOpenSSLKeys(t *testing.T) {
	for spec, args := range opensslSpecs {
		t.Run(string(spec), func(t *testing.T) {
			o := newOpenSSL(t)
			private := o.write("private.pem", o.run(append([]string{"genpkey"}, args...)...))
			der := o.run("pkcs8", "-topk8", "-nocrypt", "-in", private, "-outform", "DER")
			key, err := ImportMaterial(spec, der)
			if err != nil {
				t.Fatal(err)
			}
			if want := o.run("pkey", "-in", private, "-pubout", "-outform", "DER"); !bytes.Equal(key.pub.SPKI(), want) {
				t.Errorf("public key %x, want %x", key.pub.SPKI(), want)
			}
		})
	}
}

func TestOpenSSLRefusedExplicitCurveParameters(t *testing.T) {
	o := newOpenSSL(t)
	private := o.write("private.pem", o.run("genpkey", "-algorithm", "EC",
		"-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"))
	der := o.run("pkcs8", "-topk8", "-nocrypt", "-in", private, "-outform", "DER")
	if _, err := ImportMaterial(P256, der); err == nil {
		t.Error("a private key with explicit parameters is accepted")
	}
	spki := o.run("pkey", "-in", private, "-pubout", "-outform", "DER")
	if _, err := ParsePublicKey(P256, spki); err == nil {
		t.Error("a public key with explicit parameters is accepted")
	}
}

// opensslSignArgs returns the pkeyutl options of an algorithm. ED25519_PH is not
// in OpenSSL 3.0.
func opensslSignArgs(name Algorithm) []string {
	args := []string{"-rawin"}
	a := lookupAlgorithm(name)
	switch a.scheme {
	case schemePSS:
		return append(args, "-digest", opensslHash(a), "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest")
	case schemePKCS1:
		return append(args, "-digest", opensslHash(a), "-pkeyopt", "rsa_padding_mode:pkcs1")
	case schemeECDSA:
		return append(args, "-digest", opensslHash(a))
	case schemeSM2DSA:
		return append(args, "-digest", "sm3", "-pkeyopt", "distid:"+sm2UserID)
	case schemeEd25519:
		return args
	}
	return nil
}

func opensslHash(a *algorithmInfo) string { return strings.ReplaceAll(a.hash.String(), "-", "") }

func TestOpenSSLVerifiesAndMakesOurSignatures(t *testing.T) {
	message := []byte("signed on one side, verified on the other")
	for spec := range opensslSpecs {
		for _, name := range spec.Algorithms(SignVerify) {
			args := opensslSignArgs(name)
			if args == nil {
				continue
			}
			t.Run(fmt.Sprint(spec, "/", name), func(t *testing.T) {
				o, key := newOpenSSL(t), testKeys()[spec]
				private, public := o.keyFiles(key)
				in := o.write("message", message)
				signature, err := key.Sign(name, Raw, message)
				if err != nil {
					t.Fatal(err)
				}
				verify := append([]string{"pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", public,
					"-in", in, "-sigfile", o.write("signature", signature)}, args...)
				o.run(verify...)
				signature[len(signature)-1] ^= 1
				o.write("signature", signature)
				if _, err := o.try(verify...); err == nil {
					t.Error("OpenSSL accepts anything")
				}
				theirs := o.run(append([]string{"pkeyutl", "-sign", "-keyform", "DER", "-inkey", private, "-in", in}, args...)...)
				if err := key.Verify(name, Raw, message, theirs); err != nil {
					t.Errorf("OpenSSL's signature: %v", err)
				}
			})
		}
	}
}

func TestOpenSSLEncryptsAndDecrypts(t *testing.T) {
	plaintext := []byte("a data key, thirty-two bytes long")
	for _, spec := range []Spec{RSA2048, RSA3072, RSA4096, SM2} {
		for _, name := range spec.Algorithms(EncryptDecrypt) {
			t.Run(fmt.Sprint(spec, "/", name), func(t *testing.T) {
				o, key := newOpenSSL(t), testKeys()[spec]
				private, public := o.keyFiles(key)
				var args []string
				if a := lookupAlgorithm(name); a.scheme == schemeOAEP {
					h := opensslHash(a)
					args = []string{"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:" + h, "-pkeyopt", "rsa_mgf1_md:" + h}
				}
				ours, err := key.Encrypt(name, plaintext)
				if err != nil {
					t.Fatal(err)
				}
				got := o.run(append([]string{"pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", private, "-in", o.write("c", ours)}, args...)...)
				if !bytes.Equal(got, plaintext) {
					t.Errorf("OpenSSL decrypts to %q", got)
				}
				theirs := o.run(append([]string{"pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, "-in", o.write("p", plaintext)}, args...)...)
				got, err = key.Decrypt(name, theirs)
				if err != nil || !bytes.Equal(got, plaintext) {
					t.Errorf("we decrypt to %q: %v", got, err)
				}
			})
		}
	}
}

func TestOpenSSLDerivesTheSameSecret(t *testing.T) {
	for _, spec := range []Spec{P256, P384, P521} {
		t.Run(string(spec), func(t *testing.T) {
			o, key := newOpenSSL(t), testKeys()[spec]
			private := o.write("theirs.pem", o.run(append([]string{"genpkey"}, opensslSpecs[spec]...)...))
			peer := o.run("pkey", "-in", private, "-pubout", "-outform", "DER")
			ours, err := key.DeriveSharedSecret(ECDH, peer)
			if err != nil {
				t.Fatal(err)
			}
			_, public := o.keyFiles(key)
			theirs := o.run("pkeyutl", "-derive", "-inkey", private, "-peerkey", public, "-peerform", "DER")
			if !bytes.Equal(ours, theirs) {
				t.Errorf("we derive %x, OpenSSL %x", ours, theirs)
			}
		})
	}
}

func TestOpenSSLMakesTheSameMAC(t *testing.T) {
	message := []byte("authenticated on both sides")
	for _, spec := range []Spec{HMAC224, HMAC256, HMAC384, HMAC512} {
		t.Run(string(spec), func(t *testing.T) {
			o, key := newOpenSSL(t), testKeys()[spec]
			name := spec.Algorithms(GenerateVerifyMAC)[0]
			material, err := key.Material()
			if err != nil {
				t.Fatal(err)
			}
			mac, err := key.MAC(name, message)
			if err != nil {
				t.Fatal(err)
			}
			theirs := o.run("mac", "-binary", "-digest", opensslHash(lookupAlgorithm(name)), "-macopt", fmt.Sprintf("hexkey:%x", material),
				"-in", o.write("message", message), "HMAC")
			if !bytes.Equal(mac, theirs) {
				t.Errorf("our MAC is %x, OpenSSL's %x", mac, theirs)
			}
		})
	}
}
