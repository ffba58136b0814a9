package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"fastness/internal/store"
)

// fill writes enough for several frames of a backup.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	for i := range 60 {
		put(t, s, fmt.Sprintf("k%02d", i), string(bytes.Repeat([]byte{byte(i)}, 4000)))
	}
	put(t, s, "k07", "newer")
	del(t, s, "k08")
}

// contents is everything in the store, with revisions.
func contents(t *testing.T, s store.Store) string {
	t.Helper()
	var out bytes.Buffer
	view(t, s, func(r store.Reader) error {
		fmt.Fprintf(&out, "at %d\n", r.Revision())
		for it, err := range r.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%q %q %d\n", it.Key, it.Value, it.Revision)
		}
		return nil
	})
	return out.String()
}

func backup(t *testing.T, s store.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	rev, err := store.Backup(within(t), s, &b)
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	got, _, err := store.VerifyBackup(within(t), bytes.NewReader(b.Bytes()))
	if err != nil || got != rev {
		t.Fatalf("verify: revision %d, %v; backup said %d", got, err, rev)
	}
	return b.Bytes()
}

func testBackup(t *testing.T, s store.Store, open func(*testing.T) store.Store) {
	fill(t, s)
	lease := campaign(t, s, "n")
	b := backup(t, s)
	to := open(t)
	defer to.Close()
	rev, err := store.Restore(within(t), bytes.NewReader(b), to)
	if err != nil {
		t.Fatalf("restore: %v", err)
	}
	if got, want := contents(t, to), contents(t, s); got != want {
		t.Errorf("restored\n%.300s\nwant\n%.300s", got, want)
	}
	if again := campaign(t, to, "n"); again.Token() <= lease.Token() {
		t.Errorf("token %d after the restore, %d before", again.Token(), lease.Token())
	}
	if _, err := to.Watch(within(t), nil, rev-1); !errors.Is(err, store.ErrCompacted) {
		t.Errorf("watching from before the restore: %v", err)
	}
	w := watch(t, to, "", rev)
	if next := put(t, to, "after", "x"); next != rev+1 {
		t.Errorf("first commit after the restore has revision %d, want %d", next, rev+1)
	}
	expect(t, w, fmt.Sprint(rev+1, " after=x"))
	problems, err := store.Fsck(within(t), to)
	if err != nil || len(problems) > 0 {
		t.Errorf("fsck after the restore: %v, %v", problems, err)
	}
}

func testDamagedBackup(t *testing.T, s store.Store, open func(*testing.T) store.Store) {
	fill(t, s)
	good := backup(t, s)
	to := open(t)
	defer to.Close()
	try := func(name string, b []byte, want error) {
		t.Helper()
		if _, err := store.Restore(within(t), bytes.NewReader(b), to); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if got := contents(t, to); got != "at 0\n" {
			t.Fatalf("%s left something behind: %.200s", name, got)
		}
	}
	for _, at := range []int{0, 5, 16, 22, 30, 1000, len(good) / 2, len(good) - 40, len(good) - 1} {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		try(fmt.Sprintf("a flipped bit at %d", at), bad, store.ErrBackupDamaged)
	}
	for _, n := range []int{0, 10, 16, 30, len(good) / 2, len(good) - 41, len(good) - 1} {
		try(fmt.Sprintf("cut off after %d", n), good[:n], store.ErrBackupDamaged)
	}
	try("a byte too many", append(bytes.Clone(good), 0), store.ErrBackupDamaged)
	if _, err := store.Restore(within(t), bytes.NewReader(good), to); err != nil {
		t.Errorf("the good backup afterwards: %v", err)
	}
	if got, want := contents(t, to), contents(t, s); got != want {
		t.Errorf("restored\n%.300s\nwant\n%.300s", got, want)
	}
}

func testRestoreFull(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	b := backup(t, s)
	before := contents(t, s)
	if _, err := store.Restore(within(t), bytes.NewReader(b), s); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("restore into a store with data: %v", err)
	}
	if after := contents(t, s); after != before {
		t.Errorf("a refused restore changed %q to %q", before, after)
	}
}

func testFsck(t *testing.T, s store.Store) {
	fill(t, s)
	boom := errors.New("boom")
	problems, err := store.Fsck(within(t), s, store.Check{
		Name: "odd",
		Run: func(_ context.Context, r store.Reader, report func([]byte, string)) error {
			if get(t, r, "k07") == "newer" {
				report([]byte("k07"), "is newer")
			}
			return nil
		},
	}, store.Check{Name: "broken", Run: func(context.Context, store.Reader, func([]byte, string)) error { return boom }})
	if !errors.Is(err, boom) {
		t.Errorf("fsck: %v", err)
	}
	if len(problems) != 1 || problems[0].Check != "odd" || string(problems[0].Key) != "k07" {
		t.Errorf("fsck found %v", problems)
	}
}
