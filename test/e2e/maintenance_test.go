package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// destroy removes the data directory.
func (i *installation) destroy(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(i.data()); err != nil {
		t.Fatal(err)
	}
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	key := s.createKey(t)
	blob := s.encrypt(t, key, secretText)
	user := s.newUser(t, "alice")

	// Of the running server, while it is being written to.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.tryKMS(s.key, "CreateKey", object{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	online := i.path("online")
	i.run(t, "", "backup", "--to", online)
	close(stop)
	wg.Wait()
	later := s.encrypt(t, s.createKey(t), "after the backup")
	i.refused(t, "exists", "", "backup", "--to", online)
	s.stop(t)
	// And of the stopped one.
	offline := i.path("offline")
	i.run(t, "", "backup", "--to", offline)
	i.refused(t, "not empty", "", "restore", "--from", offline)

	i.destroy(t)
	i.refused(t, "no Fastness store", "", "fsck")
	i.run(t, "", "restore", "--from", online)
	if out := i.run(t, "", "fsck"); !strings.Contains(out, "no problems found") {
		t.Errorf("fsck of a restored backup: %s", out)
	}
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
	if _, err := s.tryKMS(s.key, "Decrypt", object{"CiphertextBlob": later}); err == nil {
		t.Error("a key made after the backup is there")
	}
	if _, err := s.tryIAM(user, "GetUser"); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("alice's key after the restore: %v", err)
	}
	s.stop(t)

	i.destroy(t)
	i.run(t, "", "restore", "--from", offline)
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
	s.mustDecrypt(t, later, "after the backup")
}

// TestADamagedBackupIsRefused flips bytes and cuts files; after each failure the data
// directory is as empty as before.
func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	s.createKey(t)
	s.stop(t)
	backup := i.path("backup")
	i.run(t, "", "backup", "--to", backup)
	i.destroy(t)
	for _, name := range []string{"store.backup", "keyslots", "manifest.json"} {
		file := filepath.Join(backup, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 0x20
		for what, text := range map[string][]byte{"flipped": flipped, "cut": whole[:len(whole)/2], "empty": nil} {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := i.try(t, "", "restore", "--from", backup); err == nil {
				t.Errorf("%s %s was restored: %s", what, name, out)
			}
			if left, err := os.ReadDir(i.data()); err == nil && len(left) > 0 {
				t.Errorf("%s %s: the data directory holds %v", what, name, left)
			}
		}
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(backup, "keyslots")); err != nil {
		t.Fatal(err)
	}
	i.refused(t, "keyslots", "", "restore", "--from", backup)
}

// TestARestoreThatWasInterruptedIsRepeated leaves what a crash leaves.
func TestARestoreThatWasInterruptedIsRepeated(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	s.stop(t)
	backup := i.path("backup")
	i.run(t, "", "backup", "--to", backup)
	i.destroy(t)
	if err := os.MkdirAll(filepath.Join(i.data(), ".restoring", "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	i.refused(t, "did not end", "", "serve", "--listen", "127.0.0.1:0")
	i.run(t, "", "restore", "--from", backup)
	i.serve(t).mustDecrypt(t, blob, secretText)
}

// TestFsckFindsDamage flips one byte in a table file, then one in the key slots.
func TestFsckFindsDamage(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	for range 3 {
		s.createKey(t)
	}
	i.refused(t, "", "", "fsck") // not while the server runs
	s.stop(t)
	if out := i.run(t, "", "fsck"); !strings.Contains(out, "no problems found") {
		t.Errorf("fsck of good data: %s", out)
	}

	var table string
	err := filepath.WalkDir(i.data(), func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".sst") {
			table = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if table == "" {
		t.Fatal("no table file was written when the server stopped")
	}
	flip(t, table, 100)
	if out, err := i.try(t, "", "fsck"); err == nil || strings.Contains(out, "no problems") {
		t.Errorf("fsck of a damaged table: %v %s", err, out)
	}
	flip(t, table, 100)
	if out := i.run(t, "", "fsck"); !strings.Contains(out, "no problems found") {
		t.Errorf("fsck of mended data: %s", out)
	}

	// Both copies of a slot: pages A and B of the first group. The slot that is used
	// first is the first one.
	slots := filepath.Join(i.data(), "keyslots")
	flip(t, slots, 4096+60)
	flip(t, slots, 8192+60)
	if out, err := i.try(t, "", "fsck"); err == nil || !strings.Contains(out, "key slots") {
		t.Errorf("fsck of damaged key slots: %v %s", err, out)
	}
}

// flip changes a bit of a file in place.
func flip(t *testing.T, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// TestTheOperatorsSocketIsPrivate looks at its mode, and that it is gone afterwards.
func TestTheOperatorsSocketIsPrivate(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	socket := filepath.Join(i.data(), "admin.sock")
	st, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 || st.Mode().Type() != os.ModeSocket {
		t.Errorf("the socket has mode %v", st.Mode())
	}
	s.kill(t)
	s = i.serve(t) // over the socket that the crash left
	i.run(t, "", "backup", "--to", i.path("backup"))
	s.stop(t)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there after the stop")
	}
}
