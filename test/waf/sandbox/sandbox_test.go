//go:build sandbox

package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Probe()
	os.Exit(m.Run())
}

func TestABoxHolds(t *testing.T) {
	if err := Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// debian is a box with Debian's programs.
func debian(t *testing.T, spec Spec) *Box {
	t.Helper()
	spec.Shown = map[string]string{"/usr": "/usr"}
	spec.Links = map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
	spec.Environment = []string{"LC_ALL=C"}
	b, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestProgramsInABoxGetNoFurther(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("here"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := debian(t, Spec{Files: map[string]string{"/own": "mine"}, Writable: []string{"/tmp"}, Processes: 20})
	for _, c := range []struct{ name, line, want string }{
		{"its own files", "read x </own; printf %s $x", "mine"},
		{"a file of the host", "/bin/cat " + secret + " 2>&1", "No such file"},
		{"its own file cannot be changed", "echo >/own 2>&1", ""},
		{"nor removed", "/bin/rm -rf --no-preserve-root /own /bin /usr/bin/true 2>&1; /usr/bin/true && echo there", "there"},
		{"a directory in memory", "echo a >/tmp/a && read x </tmp/a; echo $x", "a"},
		{"which is bounded", "/bin/head -c 40000000 /dev/zero 2>&1 >/tmp/a; exec 2>&1; /bin/cat /tmp/a /tmp/a /tmp/a >/tmp/b", ""},
		{"a user namespace", "/bin/unshare --user --map-root-user true 2>&1", "unshare failed"},
		{"a network", "/bin/bash -c 'echo >/dev/tcp/127.0.0.1/80' 2>&1", "unreachable"},
		{"rights", "/bin/id -u; /bin/chown 0 /tmp 2>&1", "Invalid argument"},
		{"processes without end", "f() { f | f & }; f 2>/dev/null; echo begun", "begun"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := b.Command(t.Context(), "/bin/dash", "-c", c.line)
			out, _ := cmd.CombinedOutput() // what does not work is what is asked for
			if !strings.Contains(string(out), c.want) {
				t.Errorf("%q", out)
			}
		})
	}
	if s, err := os.ReadFile(filepath.Join(b.root, "own")); err != nil || string(s) != "mine" {
		t.Errorf("%q %v", s, err)
	}
}

// A box's programs end with what they were started for.
func TestAWorkerIsStartedAnew(t *testing.T) {
	b := debian(t, Spec{})
	w := NewWorker(b, time.Minute, "/bin/dash", "-c", `while read x; do case $x in '"end"') exit;; '"silence"') echo nothing;; *) echo "[$x]";; esac; done`)
	defer w.Close()
	for range 2 {
		var got []string
		if err := w.Ask(t.Context(), "a", &got); err != nil || len(got) != 1 || got[0] != "a" {
			t.Fatalf("%q %v", got, err)
		}
		for _, q := range []string{"end", "silence"} {
			if err := w.Ask(t.Context(), q, &got); !errors.Is(err, ErrEnded) {
				t.Errorf("%s: %v", q, err)
			}
		}
	}
	late := NewWorker(b, time.Millisecond, "/bin/sleep", "1000")
	defer late.Close()
	if err := late.Ask(t.Context(), "a", new(string)); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

func TestPathsThatAreNotCleanAreRefused(t *testing.T) {
	for _, name := range []string{"relative", "/a/../b", "/a/"} {
		if b, err := New(Spec{Files: map[string]string{name: ""}}); err == nil {
			t.Errorf("%s, %v", name, b.Close())
		}
	}
}

func TestLastWordsAreBounded(t *testing.T) {
	var b bytes.Buffer
	w := bounded{&b}
	for range 9 {
		if n, err := w.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
	}
	if b.Len() != 4096 {
		t.Error(b.Len())
	}
}
