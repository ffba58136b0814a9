package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// workshop is a directory where the encryption commands run, as a client of a server.
type workshop struct {
	dir string
	env []string
}

func newWorkshop(t *testing.T, s *server) *workshop {
	t.Helper()
	w := &workshop{dir: t.TempDir()}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			w.env = append(w.env, v)
		}
	}
	// Nothing of whoever runs the test, and no search for the role of a machine.
	w.env = append(w.env, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	if s != nil {
		w.env = append(w.env, "AWS_ENDPOINT_URL=http://"+s.addr, "AWS_REGION=us-east-1",
			"AWS_ACCESS_KEY_ID="+s.key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+string(s.key.Secret))
	}
	return w
}

// exec runs a program and returns both outputs and the exit status.
func (w *workshop) exec(t *testing.T, input, program string, args ...string) (out, log string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// run is exec of the program under test, which must succeed.
func (w *workshop) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, log, status := w.exec(t, input, binary, args...)
	if status != 0 {
		t.Fatalf("fastness %v: status %d\n%s", args, status, log)
	}
	return out
}

// fails is exec of the program under test, which must end with a status and a message.
func (w *workshop) fails(t *testing.T, want int, message, input string, args ...string) {
	t.Helper()
	if out, log, status := w.exec(t, input, binary, args...); status != want || !strings.Contains(log, message) {
		t.Errorf("fastness %v: status %d, not %d with %q\n%s%s", args, status, want, message, out, log)
	}
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) file(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rawKey makes an AES key and returns the arguments for it.
func (w *workshop) rawKey(t *testing.T) []string {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	w.file(t, "aes.key", key)
	return []string{"-w", "provider=raw-aes", "namespace=e2e", "name=key", "key=file:" + w.path("aes.key")}
}

func TestEncryptionWithKMSKeys(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	w := newWorkshop(t, s)
	arn := func(in object) string {
		t.Helper()
		return s.kms(t, "CreateKey", in)["KeyMetadata"].(object)["Arn"].(string)
	}
	first, second := arn(object{}), arn(object{})
	s.kms(t, "CreateAlias", object{"AliasName": "alias/files", "TargetKeyId": first})
	alias := first[:strings.Index(first, ":key/")] + ":alias/files"
	account := strings.Split(first, ":")[4]
	const text = "the quick brown fox"

	// Either key opens what both wrapped; who has neither does not.
	both := w.run(t, text, "encrypt", "-w", "key="+first, "key="+second, "-c", "purpose=e2e")
	for _, keys := range [][]string{{"key=" + first}, {"key=" + second}, {"discovery=true"}, {"discovery=true", "discovery-partition=aws", "discovery-account=" + account}} {
		if got := w.run(t, both, append([]string{"decrypt", "-c", "purpose", "-w"}, keys...)...); got != text {
			t.Errorf("%v: %q", keys, got)
		}
	}
	w.fails(t, 1, "no encrypted data key", both, "decrypt", "-w", "discovery=true", "discovery-partition=aws", "discovery-account=999999999999")
	w.fails(t, 1, "no encrypted data key", both, "decrypt", "-w", "key="+arn(object{}))
	s.kms(t, "DisableKey", object{"KeyId": first})
	if got := w.run(t, both, "decrypt", "-w", "key="+first, "-w", "key="+second); got != text {
		t.Errorf("with a disabled key: %q", got)
	}
	w.fails(t, 1, "disabled", both, "decrypt", "-w", "key="+first)
	w.fails(t, 1, "disabled", text, "encrypt", "-w", "key="+first)
	s.kms(t, "EnableKey", object{"KeyId": first})

	// Aliases name keys to encrypt with, and the message carries the key's ARN.
	for _, name := range []string{alias, "alias/files"} {
		message := w.run(t, text, "encrypt", "-w", "key="+name)
		var seen struct {
			Keys []struct{ Provider, Key string } `json:"encrypted_data_keys"`
		}
		if err := json.Unmarshal([]byte(w.run(t, message, "inspect", "--output", "json", "-")), &seen); err != nil {
			t.Fatal(err)
		}
		if len(seen.Keys) != 1 || seen.Keys[0].Provider != "aws-kms" || seen.Keys[0].Key != first {
			t.Errorf("%s: %+v", name, seen)
		}
		if got := w.run(t, message, "decrypt", "-w", "key="+first); got != text {
			t.Errorf("%s: %q", name, got)
		}
	}

	// A replica of a multi-Region key stands for the key.
	primary := arn(object{"MultiRegion": true})
	s.kms(t, "ReplicateKey", object{"KeyId": primary, "ReplicaRegion": "eu-west-1"})
	replica := strings.Replace(primary, ":us-east-1:", ":eu-west-1:", 1)
	message := w.run(t, text, "encrypt", "-w", "key="+primary)
	if got := w.run(t, message, "decrypt", "-w", "key="+replica); got != text {
		t.Errorf("by the replica: %q", got)
	}
	if got := w.run(t, w.run(t, text, "encrypt", "-w", "key="+replica), "decrypt", "-w", "discovery=true", "region=us-east-1"); got != text {
		t.Errorf("discovery in the primary's Region: %q", got)
	}
	w.fails(t, 1, "same multi-Region key", text, "encrypt", "-w", "key="+primary, "key="+replica)

	// A KMS key and a raw key together, and the profile of a configuration file.
	raw := w.rawKey(t)
	message = w.run(t, text, append([]string{"encrypt", "-w", "key=" + first}, raw...)...)
	if got := w.run(t, message, append([]string{"decrypt"}, raw...)...); got != text {
		t.Errorf("by the raw key: %q", got)
	}
	w.file(t, "config", []byte("[profile files]\nregion = us-east-1\nendpoint_url = http://"+s.addr+
		"\naws_access_key_id = "+s.key.AccessKeyID+"\naws_secret_access_key = "+string(s.key.Secret)+"\n"))
	lone := newWorkshop(t, nil)
	lone.env = append(lone.env, "AWS_CONFIG_FILE="+w.path("config"))
	if got := lone.run(t, message, "decrypt", "-w", "key="+first, "profile=files"); got != text {
		t.Errorf("by a profile: %q", got)
	}
	if got := lone.run(t, lone.run(t, text, "encrypt", "-w", "key=alias/files", "profile=files"), "decrypt", "-w", "discovery=true", "profile=files"); got != text {
		t.Errorf("by an alias in the profile's Region: %q", got)
	}
	lone.fails(t, 1, "Region", text, "encrypt", "-w", "key=alias/files")
}

// A server under --dev takes any credentials.
func TestEncryptionAgainstADevelopmentServer(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t, "--dev")
	w := newWorkshop(t, nil)
	w.env = append(w.env, "AWS_ENDPOINT_URL=http://"+s.addr, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=development", "AWS_SECRET_ACCESS_KEY=development")
	s.key.AccessKeyID, s.key.Secret = "development", []byte("development")
	key := s.kms(t, "CreateKey", object{})["KeyMetadata"].(object)["Arn"].(string)
	if got := w.run(t, w.run(t, "hello", "encrypt", "-w", "key="+key), "decrypt", "-w", "key="+key); got != "hello" {
		t.Errorf("%q", got)
	}
}

// Called aws-encryption-cli, the program takes what AWS's tool takes.
func TestTheProgramAsAWSEncryptionCLI(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, nil)
	tool := w.path("aws-encryption-cli")
	if err := os.Symlink(binary, tool); err != nil {
		t.Fatal(err)
	}
	key := w.rawKey(t)
	w.file(t, "in/a.txt", []byte("a"))
	w.file(t, "in/deep/b.txt", []byte("b"))
	for _, dir := range []string{"out", "back"} {
		if err := os.Mkdir(w.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.file(t, "keys.conf", []byte("--wrapping-keys "+strings.Join(key[1:], " ")+" # for all\n"))
	must := func(args ...string) string {
		t.Helper()
		out, log, status := w.exec(t, "", tool, args...)
		if status != 0 {
			t.Fatalf("%v: %d\n%s", args, status, log)
		}
		return out
	}
	must("--encrypt", "--recursive", "--input", "in", "--output", "out", "--encryption-context", "purpose=test", "--metadata-output", "meta", "@keys.conf")
	meta := must("--decrypt", "--recursive", "--input", "out", "--output", "back", "--encryption-context", "purpose", "--metadata-output", "-", "@keys.conf")
	for name, want := range map[string]string{"back/a.txt.encrypted.decrypted": "a", "back/deep/b.txt.encrypted.decrypted": "b"} {
		if got, err := os.ReadFile(w.path(name)); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	written, err := os.ReadFile(w.path("meta"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lines := range []string{string(written), meta} {
		if n := strings.Count(lines, "\n"); n != 2 {
			t.Errorf("%d lines of metadata:\n%s", n, lines)
		}
		for line := range strings.Lines(lines) {
			var v struct{ Mode, Input, Output string }
			if err := json.Unmarshal([]byte(line), &v); err != nil || !filepath.IsAbs(v.Input) || !slices.Contains([]string{"encrypt", "decrypt"}, v.Mode) {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
	if out := must("--version"); !strings.HasPrefix(out, "fastness ") {
		t.Errorf("--version: %q", out)
	}
	if out := must("--help"); !strings.Contains(out, "--wrapping-keys") {
		t.Errorf("--help: %q", out)
	}
	for message, args := range map[string][]string{
		"is needed":      {"--encrypt", "-S", "-i", "-", "-o", "-"},
		"did you mean":   {"-decrypt", "-S"},
		"--encrypt":      {"-S"},
		"never from the": {"-e", "-S", "-i", "-", "-o", "-", "-w", "provider=raw-aes", "namespace=n", "name=k", "key=000102030405060708090a0b0c0d0e0f"},
	} {
		if _, log, status := w.exec(t, "", tool, args...); status != 2 || !strings.Contains(log, message) {
			t.Errorf("%v: %d, without %q\n%s", args, status, message, log)
		}
	}
	w.fails(t, 2, "takes one message", "", "inspect")
	w.fails(t, 1, "not an AWS Encryption SDK message", "nonsense and more of it", "inspect", "-")
}

// A failed file is told by the exit status, and leaves nothing.
func TestATruncatedMessageLeavesNoOutput(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, nil)
	key := w.rawKey(t)
	message := w.run(t, strings.Repeat("x", 1<<20), append([]string{"encrypt"}, key...)...)
	w.file(t, "cut", []byte(message[:len(message)/2]))
	w.file(t, "wrong.key", make([]byte, 32))
	w.fails(t, 1, "truncated", "", append([]string{"decrypt", "-i", "cut", "-o", "out"}, key...)...)
	w.fails(t, 1, "no encrypted data key", message, "decrypt", "-o", "out", "-w", "provider=raw-aes", "namespace=e2e", "name=key", "key=file:wrong.key")
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{"aes.key", "wrong.key", "cut"}, e.Name()) {
			t.Errorf("%s is left", e.Name())
		}
	}
	if err := os.Chmod(w.path("aes.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.fails(t, 1, "lets group or others in", message, append([]string{"decrypt"}, key...)...)
}
