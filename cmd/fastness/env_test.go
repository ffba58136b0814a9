package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fastness/internal/app"
)

// A real shell runs what env prints, whatever the directory is called.
func TestEnvIsForShells(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `it's "$HOME" `+"`x` & ")
	secrets := filepath.Join(dir, "data-secrets")
	if err := os.MkdirAll(filepath.Join(secrets, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config": "[default]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:4566\n", "tls/ca.pem": ""} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := installationEnv(app.Config{DataDir: filepath.Join(dir, "data")}, true)
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	if err := printEnv(&output{Writer: &script}, "sh", list); err != nil {
		t.Fatal(err)
	}
	script.WriteString("env")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script.String())
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=left over", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_CONFIG_FILE=" + filepath.Join(secrets, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(secrets, "credentials"),
		"AWS_CA_BUNDLE=" + filepath.Join(secrets, "tls", "ca.pem"), "AWS_ENDPOINT_URL=https://127.0.0.1:4566",
	} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "left over") {
		t.Error("credentials of the environment win over the file")
	}
}

func TestQuoteFish(t *testing.T) {
	if got := quoteFish(`a'b\c$d`); got != `'a\'b\\c$d'` {
		t.Error(got)
	}
}

func TestEnvNeedsAnInstallation(t *testing.T) {
	if _, err := installationEnv(app.Config{DataDir: t.TempDir()}, false); err == nil || !strings.Contains(err.Error(), "start the server first") {
		t.Error(err)
	}
}

func TestShow(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"a", "b"}, {"long", "c"}}
	if err := (&output{Writer: &b}).show(nil, rows); err != nil || b.String() != "a     b\nlong  c\n" {
		t.Errorf("%q %v", b.String(), err)
	}
	b.Reset()
	if err := (&output{&b, true}).show(map[string]string{"a": "<"}, rows); err != nil || !json.Valid([]byte(b.String())) || !strings.Contains(b.String(), "<") {
		t.Errorf("%q %v", b.String(), err)
	}
}
