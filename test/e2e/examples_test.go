package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheExamplesOfEncryptionCLI runs what docs/encryption-cli.md says can be pasted.
func TestTheExamplesOfEncryptionCLI(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	w := newWorkshop(t, s)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "encryption-cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for i, block := range strings.Split(string(page), "```") {
		if text, ok := strings.CutPrefix(block, "sh\n"); ok && i%2 == 1 {
			script += text
		}
	}
	if err := os.Symlink(binary, w.path("fastness")); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "PATH="+w.dir+":"+os.Getenv("PATH"), "AWS_DEFAULT_REGION=us-east-1")
	out, log, status := w.exec(t, "", "bash", "-c", script)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, out, log)
	}
	for _, want := range []string{"attack at dawn\n", "encryption context  purpose = example\n", "plan.txt\n", "two\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
