//go:build unix

package filecrypt

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// names lists a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestATargetAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	tg, err := newTarget(openRoot(t, dir), "out")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(tg, "whole"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before the end: %v", err)
	}
	if err := tg.commit(false); err != nil {
		t.Fatal(err)
	}
	if err := tg.abort(); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "out" {
		t.Errorf("%v", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out")); string(text) != "whole" {
		t.Errorf("%q %v", text, err)
	}
}

func TestAnAbortedTargetLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "out"), []byte("old"), 0o640)
	tg, err := newTarget(openRoot(t, dir), "out")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(tg, "new"); err != nil {
		t.Fatal(err)
	}
	if err := tg.abort(); err != nil {
		t.Fatal(err)
	}
	if err := tg.commit(false); err == nil {
		t.Error("committed after the abort")
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out")); string(text) != "old" {
		t.Errorf("%q %v", text, err)
	}
}

func TestAReplacedFileKeepsItsMode(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "out"), []byte("old"), 0o640)
	tg, err := newTarget(openRoot(t, dir), "out")
	if err != nil {
		t.Fatal(err)
	}
	if err := tg.commit(false); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o640 || st.Size() != 0 {
		t.Errorf("%v %v", st, err)
	}
}

// A file that somebody makes while ours is being written is kept.
func TestCommitKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	tg, err := newTarget(openRoot(t, dir), "out")
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, filepath.Join(dir, "out"), []byte("theirs"), 0o600)
	if err := tg.commit(true); !errors.Is(err, errExists) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(file); string(text) != "theirs" {
		t.Errorf("%q %v", text, err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
