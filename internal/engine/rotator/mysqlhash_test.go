package rotator

import (
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
)

func TestNativeHash(t *testing.T) {
	// MySQL Reference Manual: SELECT PASSWORD('mypass'); and the well-known hash of
	// "password".
	for password, want := range map[string]string{
		"mypass":   "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4",
		"password": "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
	} {
		if got := nativeHash([]byte(password)); got != want {
			t.Errorf("%s: %s, want %s", password, got, want)
		}
	}
}

func TestEd25519Hash(t *testing.T) {
	// MariaDB's documentation of the plugin: the password "secret".
	if got, want := ed25519Hash([]byte("secret")), "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSHA256CryptAgainstOpenSSL(t *testing.T) {
	for _, password := range []string{"x", "Hello world!", strings.Repeat("long", 40), "exactly thirty-two bytes, this 1"} {
		for _, salt := range []string{"a", "saltstring", "0123456789abcdef"} {
			out, err := exec.Command("openssl", "passwd", "-5", "-salt", salt, password).Output()
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSpace(string(out))
			if got := "$5$" + salt + "$" + sha256Crypt([]byte(password), []byte(salt), 5000); got != want {
				t.Errorf("%q with %q: %s, openssl says %s", password, salt, got, want)
			}
		}
	}
}

func TestCachingSHA2Hash(t *testing.T) {
	// The example hash of hashcat's mode 7401 (MySQL $A$): the password is "hashcat".
	salt, err := hex.DecodeString("F9CC98CE08892924F50A213B6BC571A2C11778C5")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hex.DecodeString("625479393559393965414D45316477456B484F41316E64484742577A2E3162785353526B7554584647562F")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cachingSHA2Hash([]byte("hashcat"), salt), "$A$005$"+string(salt)+string(hash); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMySQLHashesCanStandInAStatement(t *testing.T) {
	for _, plugin := range []string{"", pluginNative, pluginCachingSHA2, pluginEd25519} {
		for range 50 {
			hash, err := mysqlHash(plugin, []byte(`'; DROP "\`))
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsFunc(hash, func(r rune) bool { return r <= ' ' || r > '~' || r == '\'' || r == '"' || r == '\\' || r == '`' }) {
				t.Errorf("%s: %q", plugin, hash)
			}
		}
	}
	if _, err := mysqlHash("unix_socket", []byte("x")); err == nil {
		t.Error("a plugin without passwords was taken")
	}
}

func BenchmarkCachingSHA2Hash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cachingSHA2Hash([]byte("a password of thirty-two letters"), []byte("01234567890123456789"))
	}
}
