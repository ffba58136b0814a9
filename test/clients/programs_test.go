package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debianPackages have the programs that the tests run.
var debianPackages = map[string]string{
	"aws": "awscli", "curl": "curl (7.75 or newer)", "jq": "jq", "node": "nodejs", "npm": "npm", "openssl": "openssl", "bash": "bash",
}

// need finds a program. One that is missing fails the test.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: install the Debian package %s (test/deps.sh does)", program, debianPackages[program])
	}
	return path
}

// succeed runs a command in an environment and returns what it wrote to standard
// output; a failure ends the test with all output.
func succeed(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, all, err := execute(t, dir, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, all)
	}
	return out
}

// execute runs a command; all is both outputs.
func execute(t *testing.T, dir string, env []string, name string, args ...string) (out, all string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stdout, both strings.Builder
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = &tee{&stdout, &both}, &both
	err = cmd.Run()
	return stdout.String(), both.String(), err
}

type tee struct{ a, b *strings.Builder }

func (w *tee) Write(p []byte) (int, error) {
	w.a.Write(p)
	return w.b.Write(p)
}

// absolute is the absolute path of a file of this package.
func absolute(t *testing.T, elements ...string) string {
	t.Helper()
	return must[string](t)(filepath.Abs(filepath.Join(elements...)))
}

func TestAWSCLI(t *testing.T) {
	for _, program := range []string{"aws", "bash", "curl", "jq", "openssl"} {
		need(t, program)
	}
	for _, script := range []string{"awscli.sh", "awscli_ssm.sh"} {
		succeed(t, t.TempDir(), server.environment(server.credentials), "bash", absolute(t, "testdata", script))
	}
}

// TestAWSCLIByFiles uses the files of the first start, as the start banner says.
func TestAWSCLIByFiles(t *testing.T) {
	need(t, "aws")
	env := append(withoutAWS(os.Environ()), "NO_PROXY=*", "AWS_CONFIG_FILE="+server.configFile(), "AWS_SHARED_CREDENTIALS_FILE="+server.credentialFile())
	who := []string{"sts", "get-caller-identity", "--query", "Arn", "--output", "text"}
	if !cliReadsEndpoints(t) {
		who = append(who, "--endpoint-url", server.http())
	}
	for name, e := range map[string][]string{
		"http":  env,
		"https": append(env, "AWS_CA_BUNDLE="+server.caFile(), "AWS_ENDPOINT_URL="+server.https()),
	} {
		if got := strings.TrimSpace(succeed(t, t.TempDir(), e, "aws", who...)); got != rootARN {
			t.Errorf("by %s the caller is %s", name, got)
		}
	}
}

// cliReadsEndpoints tells whether the AWS CLI takes endpoint_url from its configuration
// and environment: since 1.29 and 2.13. Debian 12 has 2.9.
func cliReadsEndpoints(t *testing.T) bool {
	t.Helper()
	version := succeed(t, "", os.Environ(), "aws", "--version")
	var major, minor int
	if _, err := fmt.Sscanf(version, "aws-cli/%d.%d", &major, &minor); err != nil {
		t.Fatalf("%q: %v", version, err)
	}
	return major > 2 || major == 2 && minor >= 13 || major == 1 && minor >= 29
}

func TestBoto3(t *testing.T) {
	python := pythonWithBoto3(t)
	for _, script := range []string{"boto3_kms.py", "boto3_ssm.py"} {
		succeed(t, t.TempDir(), server.environment(server.credentials), python, absolute(t, "testdata", script))
	}
}

// pythonWithBoto3 is a Python that has boto3.
func pythonWithBoto3(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), candidate, "-c", "import boto3").Run() == nil {
			return candidate
		}
	}
	t.Fatal("boto3 is missing: install the Debian package python3-boto3 (test/deps.sh does)")
	return ""
}

func TestJavaScriptSDK(t *testing.T) {
	dir := installNode(t, "js", "kms.mjs")
	succeed(t, dir, server.environment(server.credentials), "node", "kms.mjs")
}

// installNode installs what the lock file of a directory here names, next to a script from
// it. It stays in an ignored directory between runs, whose path is returned.
func installNode(t *testing.T, from, script string) string {
	t.Helper()
	need(t, "node")
	need(t, "npm")
	dir := absolute(t, "generated", from)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, name := range []string{"package.json", "package-lock.json", script} {
		wanted := must[[]byte](t)(os.ReadFile(filepath.Join(from, name)))
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && string(have) == string(wanted) {
			continue
		}
		changed = changed || name == "package-lock.json"
		if err := os.WriteFile(filepath.Join(dir, name), wanted, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil || changed {
		succeed(t, dir, os.Environ(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	}
	return dir
}

// TestSOPS encrypts a file as people do: with two keys and an encryption context, so
// that either key opens it; rotates its data key; and is refused by policy.
func TestSOPS(t *testing.T) {
	dir := t.TempDir()
	sops := filepath.Join(dir, "sops")
	succeed(t, "", os.Environ(), "go", "build", "-o", sops, "github.com/getsops/sops/v3/cmd/sops")
	first, second := newKey(t, symmetric), newKey(t, symmetric)
	env := server.environment(server.credentials)
	const secret = "database:\n    password: correct horse battery staple\n"
	if err := os.WriteFile(filepath.Join(dir, "plain.yaml"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	encrypted := succeed(t, dir, env, sops, "encrypt", "--kms", first.arn+","+second.arn, "--encryption-context", "app:billing,stage:test", "plain.yaml")
	if strings.Contains(encrypted, "horse") || !strings.Contains(encrypted, first.arn) || !strings.Contains(encrypted, "app: billing") {
		t.Fatalf("encrypted:\n%s", encrypted)
	}
	file := filepath.Join(dir, "secret.yaml")
	if err := os.WriteFile(file, []byte(encrypted), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := succeed(t, dir, env, sops, "decrypt", file); got != secret {
		t.Errorf("decrypted:\n%s", got)
	}

	succeed(t, dir, env, sops, "rotate", "--in-place", file)
	rotated := string(must[[]byte](t)(os.ReadFile(file)))
	if rotated == encrypted {
		t.Error("rotation changed nothing")
	}
	// A context that was tampered with no longer opens it.
	tampered := filepath.Join(dir, "tampered.yaml")
	if err := os.WriteFile(tampered, []byte(strings.ReplaceAll(rotated, "app: billing", "app: payroll")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, all, err := execute(t, dir, env, sops, "decrypt", tampered); err == nil || !strings.Contains(all, "InvalidCiphertextException") {
		t.Errorf("a changed encryption context: %v\n%s", err, all)
	}

	// A user with the second key only opens it, and with none does not.
	one := newUser(t, "sops-one", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"`+second.arn+`"}]}`)
	if got := succeed(t, dir, server.environment(one), sops, "decrypt", file); got != secret {
		t.Errorf("decrypted by the second key:\n%s", got)
	}
	none := newUser(t, "sops-none", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"billing"}}}]}`)
	if _, all, err := execute(t, dir, server.environment(none), sops, "decrypt", file); err == nil || !strings.Contains(all, "AccessDeniedException") {
		t.Errorf("a denied user: %v\n%s", err, all)
	}
}
