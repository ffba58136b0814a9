package databases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// FerretDB starts a server that speaks MongoDB's protocol over TLS, with users and SCRAM
// as MongoDB has them, on SQLite. The admin's database is "admin". MongoDB itself is in
// no distribution that Debian carries.
func FerretDB(t testing.TB) *Server {
	t.Helper()
	built := ferretDB()
	if built.err != nil {
		t.Fatal(built.err)
	}
	h, s := newHost(t)
	program := h.path("ferretdb")
	if err := os.WriteFile(program, built.program, 0o755); err != nil {
		t.Fatal(err)
	}
	h.start(s, s.listening, program, "--handler=sqlite", "--sqlite-url=file:"+h.dir+"/", "--state-dir="+h.dir,
		"--listen-addr=", "--listen-tls=127.0.0.1:"+strconv.Itoa(s.Port),
		"--listen-tls-cert-file="+h.path("server.pem"), "--listen-tls-key-file="+h.path("server.key"),
		"--test-enable-new-auth", "--setup-database=admin", "--setup-username="+s.Admin, "--setup-password="+s.Password,
		"--telemetry=disable", "--debug-addr=-", "--log-level=info")
	return s
}

type ferretProgram struct {
	program []byte
	err     error
}

// ferretDB builds the program, once for all tests of a process; Go's build cache keeps
// the parts.
var ferretDB = sync.OnceValue(func() ferretProgram {
	program, err := buildFerretDB()
	if err != nil {
		err = fmt.Errorf("building FerretDB, whose source is the Go module github.com/FerretDB/FerretDB: %w", err)
	}
	return ferretProgram{program, err}
})

func buildFerretDB() ([]byte, error) {
	root, err := goOutput("", "list", "-m", "-f", "{{.Dir}}", "fastness")
	if err != nil {
		return nil, err
	}
	here := filepath.Join(strings.TrimSpace(string(root)), "test", "databases", "ferretdb")
	told, err := goOutput(here, "mod", "download", "-json", "github.com/FerretDB/FerretDB")
	if err != nil {
		return nil, err
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal(told, &module); err != nil {
		return nil, err
	}
	// It does not start without this file, which is no part of the module.
	source, err := os.MkdirTemp("", "ferretdb")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(source)
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(source, "build", "version", "version.txt"), []byte(module.Version), 0o644); err != nil {
		return nil, err
	}
	if _, err := goOutput(source, "build", "-trimpath", "-o", "ferretdb.exe", "./cmd/ferretdb"); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(source, "ferretdb.exe"))
}

func goOutput(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return out, nil
}
