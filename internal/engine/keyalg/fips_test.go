package keyalg

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// TestFIPSOnlyRefusesWhatIsNotApproved runs this test binary again with FIPS mode
// enforced, since the mode of a process cannot change.
func TestFIPSOnlyRefusesWhatIsNotApproved(t *testing.T) {
	if !fips140.Enforced() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSOnlyRefusesWhatIsNotApproved$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("enforced: true")) {
			t.Errorf("with fips140=only: %v\n%s", err, out)
		}
		return
	}
	t.Log("enforced:", FIPSEnforced())
	for _, spec := range Specs() {
		key, err := Generate(spec)
		if !Approved(spec, "") {
			if !errors.Is(err, ErrNotApproved) {
				t.Errorf("%s: %v", spec, err)
			}
			if _, err := ParseMaterial(spec, nil); !errors.Is(err, ErrNotApproved) {
				t.Errorf("%s material: %v", spec, err)
			}
			if _, err := ParsePublicKey(spec, nil); !errors.Is(err, ErrNotApproved) {
				t.Errorf("%s public key: %v", spec, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		material, err := key.Material()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ImportMaterial(spec, material); err != nil {
			t.Errorf("import %s: %v", spec, err)
		}
		for _, name := range spec.Algorithms(SignVerify) {
			message, mt := []byte("m"), Raw
			if name == Ed25519PHSHA512 {
				message, mt = make([]byte, 64), Digest
			}
			signature, err := key.Sign(name, mt, message)
			if err == nil {
				err = key.Verify(name, mt, message, signature)
			}
			if err != nil {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
		for _, name := range spec.Algorithms(EncryptDecrypt) {
			if spec == SymmetricDefault {
				continue // the envelope engine's
			}
			ciphertext, err := key.Encrypt(name, []byte("m"))
			if err == nil {
				_, err = key.Decrypt(name, ciphertext)
			}
			if Approved(spec, name) != (err == nil) || err != nil && !errors.Is(err, ErrNotApproved) {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
		for _, name := range spec.Algorithms(GenerateVerifyMAC) {
			if _, err := key.MAC(name, nil); err != nil {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
		for _, name := range spec.Algorithms(KeyAgreement) {
			if _, err := key.DeriveSharedSecret(name, key.pub.SPKI()); err != nil {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
	}
}

func TestApproved(t *testing.T) {
	for _, c := range []struct {
		spec      Spec
		algorithm Algorithm
		want      bool
	}{
		{RSA2048, "", true}, {RSA2048, OAEPSHA256, true}, {RSA2048, OAEPSHA1, false}, {RSA2048, ECDSASHA256, false},
		{P521, ECDSASHA512, true}, {Secp256k1, "", false}, {Secp256k1, ECDSASHA256, false}, {SM2, SM2DSA, false},
		{MLDSA65, "", false}, {Edwards25519, Ed25519PHSHA512, true}, {HMAC224, HMACSHA224, true}, {"X", "", false},
		{RSA2048, "X", false}, {SymmetricDefault, SymmetricAlgorithm, true},
	} {
		if got := Approved(c.spec, c.algorithm); got != c.want {
			t.Errorf("Approved(%q, %q) = %v", c.spec, c.algorithm, got)
		}
	}
}
