package e2e

import (
	"strings"
	"testing"
)

// TestTheFIPSBuild starts the program as `make fips` builds it.
func TestTheFIPSBuild(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.program = i.path("fastness-fips")
	if err := build(t.Context(), i.program, "GOFIPS140=v1.26.0", "GOFLAGS=-tags=fips"); err != nil {
		t.Fatal(err)
	}
	s := i.serve(t)
	if _, body := s.get(t, "/version"); !strings.Contains(body, `"fips":true`) || !strings.Contains(body, `"fipsEnforced":true`) || !strings.Contains(body, `"fipsModule":"v1.26.0`) {
		t.Errorf("/version says %s", body)
	}
	s.mustDecrypt(t, s.encrypt(t, s.createKey(t), secretText), secretText)
	for _, spec := range []string{"RSA_2048", "ECC_NIST_P384", "HMAC_256"} {
		usage := "SIGN_VERIFY"
		if spec == "HMAC_256" {
			usage = "GENERATE_VERIFY_MAC"
		}
		s.kms(t, "CreateKey", object{"KeySpec": spec, "KeyUsage": usage})
	}
	for _, spec := range []string{"ECC_SECG_P256K1", "SM2"} {
		if _, err := s.tryKMS(s.key, "CreateKey", object{"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"}); err == nil || !strings.Contains(err.Error(), "UnsupportedOperationException") {
			t.Errorf("%s, which is not approved: %v", spec, err)
		}
	}
	s.stop(t)
	other := newInstallation(t, "--seal", "passphrase", "--seal-passphrase-file", i.path("passphrase"))
	other.program = i.program
	other.refused(t, "FIPS 140-3 does not approve", "", "serve", "--listen", "127.0.0.1:0")
}
