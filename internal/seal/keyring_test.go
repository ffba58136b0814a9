package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/securemem"
	"fastness/internal/store"
)

type fixture struct {
	inner *memStore
	arena *securemem.Arena
	clock *clock.Manual
	path  string
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return &fixture{
		inner: newMemStore(),
		arena: newArena(t),
		clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		path:  filepath.Join(t.TempDir(), "root.key"),
	}
}

func (x *fixture) provider() Provider { return NewFile(x.arena, x.path) }

func (x *fixture) options() Options {
	return Options{Clock: x.clock, Arena: x.arena, Initialize: true}
}

func (x *fixture) open(t testing.TB) *Keyring {
	t.Helper()
	k, err := Open(t.Context(), x.inner, x.provider(), x.options())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func putValue(t testing.TB, s store.Store, key, value string) {
	t.Helper()
	if _, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte(key), []byte(value)) }); err != nil {
		t.Fatal(err)
	}
}

func getValue(t testing.TB, s store.Store, key string) (string, error) {
	t.Helper()
	var v string
	err := s.View(t.Context(), func(r store.Reader) error {
		it, err := r.Get([]byte(key))
		v = string(it.Value)
		return err
	})
	return v, err
}

func wantValue(t testing.TB, s store.Store, key, want string) {
	t.Helper()
	if got, err := getValue(t, s, key); err != nil || got != want {
		t.Fatalf("%s: %q, %v; want %q", key, got, err, want)
	}
}

func TestKeyringOpensAgain(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	putValue(t, k.Store(x.inner), "a", "secret value")
	info, err := k.Info()
	if err != nil {
		t.Fatal(err)
	}
	k.Seal()
	k.Seal()
	if _, err := getValue(t, k.Store(x.inner), "a"); !errors.Is(err, ErrSealed) {
		t.Errorf("a sealed keyring reads: %v", err)
	}
	if _, err := k.Info(); !errors.Is(err, ErrSealed) {
		t.Errorf("Info: %v", err)
	}
	k = x.open(t)
	wantValue(t, k.Store(x.inner), "a", "secret value")
	again, err := k.Info()
	if err != nil || again.Fingerprint != info.Fingerprint || again.Installation != info.Installation || len(info.Fingerprint) != 32 {
		t.Errorf("%+v, then %+v, %v", info, again, err)
	}
	insp, err := Inspect(t.Context(), x.inner)
	if err != nil || insp.Fingerprint != info.Fingerprint || insp.Provider != KindFile {
		t.Errorf("Inspect: %+v, %v", insp, err)
	}
	for _, raw := range x.inner.data {
		if bytes.Contains(raw.Value, []byte("secret value")) {
			t.Error("the value is stored in clear")
		}
	}
	if st := x.arena.Stats(); st.Secrets == 0 {
		t.Error("no key is in locked memory")
	}
	k.Seal()
	if st := x.arena.Stats(); st.Secrets != 0 {
		t.Errorf("%d secrets are left after Seal", st.Secrets)
	}
}

func TestNeverAFreshRootOverData(t *testing.T) {
	x := newFixture(t)
	if _, err := Inspect(t.Context(), x.inner); !errors.Is(err, ErrUninitialized) {
		t.Errorf("Inspect of an empty store: %v", err)
	}
	o := x.options()
	o.Initialize = false
	if _, err := Open(t.Context(), x.inner, x.provider(), o); !errors.Is(err, ErrUninitialized) {
		t.Errorf("Open without Initialize: %v", err)
	}
	x.inner.set("any", []byte("thing"))
	if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrKeyringMissing) {
		t.Errorf("Open over data: %v", err)
	}
	if _, err := os.Stat(x.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file was made: %v", err)
	}
	// The record is lost from a store that had one.
	y := newFixture(t)
	k := y.open(t)
	putValue(t, k.Store(y.inner), "a", "b")
	delete(y.inner.data, recordKey)
	if _, err := Open(t.Context(), y.inner, y.provider(), y.options()); !errors.Is(err, ErrKeyringMissing) {
		t.Errorf("Open with the record lost: %v", err)
	}
}

func TestOpenWithTheWrongKeyFile(t *testing.T) {
	x := newFixture(t)
	x.open(t)
	if err := os.Remove(x.path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrKeyFileMissing) {
		t.Errorf("missing key file: %v", err)
	}
	if _, err := os.Stat(x.path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a key file was made for an initialized store")
	}
	y := newFixture(t)
	y.open(t)
	if _, err := Open(t.Context(), x.inner, y.provider(), x.options()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key file: %v", err)
	}
}

func TestEveryFlippedBitOfTheRecordIsFound(t *testing.T) {
	x := newFixture(t)
	x.open(t)
	good := x.inner.raw(recordKey)
	secrets := x.arena.Stats().Secrets
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			x.inner.set(recordKey, bad)
			_, err := Open(t.Context(), x.inner, x.provider(), x.options())
			if !errors.Is(err, ErrIntegrity) && !errors.Is(err, ErrWrongKey) && !errors.Is(err, ErrWrongProvider) {
				t.Fatalf("byte %d (%q) bit %d: %v", i, good[i], bit, err)
			}
		}
	}
	for cut := range good {
		x.inner.set(recordKey, good[:cut])
		if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrIntegrity) {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
	}
	if n := x.arena.Stats().Secrets; n != secrets {
		t.Errorf("failed opens leave %d secrets behind", n-secrets)
	}
}

func TestRotationKeepsOldValuesReadable(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	tok, err := k.AEAD(PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	var tokens [][]byte
	for i := range 5 {
		putValue(t, s, fmt.Sprint("key", i), fmt.Sprint("value", i))
		b, err := tok.Seal(nil, []byte("token"), []byte("aad"))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, b)
		for _, purpose := range []string{PurposeStore, PurposeToken} {
			if v, err := k.Rotate(t.Context(), purpose); err != nil || v != uint32(i+2) {
				t.Fatalf("rotation %d of %s: %d, %v", i, purpose, v, err)
			}
		}
	}
	for _, ring := range []*Keyring{k, x.open(t)} {
		for i := range 5 {
			wantValue(t, ring.Store(x.inner), fmt.Sprint("key", i), fmt.Sprint("value", i))
		}
		tok, err := ring.AEAD(PurposeToken)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range tokens {
			if v, err := tok.Version(b); err != nil || v != uint32(i+1) {
				t.Errorf("token %d has version %d, %v", i, v, err)
			}
			if got, err := tok.Open(nil, b, []byte("aad")); err != nil || string(got) != "token" {
				t.Errorf("token %d: %q, %v", i, got, err)
			}
			if _, err := tok.Open(nil, b, []byte("other")); !errors.Is(err, ErrIntegrity) {
				t.Errorf("token %d with other associated data: %v", i, err)
			}
		}
	}
	if _, err := k.Rotate(t.Context(), "nothing"); !errors.Is(err, ErrUnknownPurpose) {
		t.Errorf("rotation of an unknown purpose: %v", err)
	}
	if _, err := k.AEAD("nothing"); !errors.Is(err, ErrUnknownPurpose) {
		t.Errorf("AEAD of an unknown purpose: %v", err)
	}
}

func TestPurposesAreSeparate(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	a, err := k.AEAD(PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.AEAD(PurposePage)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := a.Seal([]byte("before"), []byte("x"), nil)
	if err != nil || string(sealed[:6]) != "before" || len(sealed) != 6+1+Overhead {
		t.Fatalf("%q, %v", sealed, err)
	}
	if _, err := b.Open(nil, sealed[6:], nil); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a token opened as a page: %v", err)
	}
}

func TestRewrapThenDrop(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	for i := range 100 {
		putValue(t, s, fmt.Sprintf("k%03d", i), fmt.Sprint(i))
	}
	old := x.inner.raw("k007")
	if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
		t.Fatal(err)
	}
	putValue(t, s, "k100", "100")
	x.clock.Advance(2 * time.Hour)
	if err := k.Drop(t.Context(), PurposeStore, 1); !errors.Is(err, ErrInUse) {
		t.Fatalf("Drop of a version in use: %v", err)
	}
	total := 0
	for next := []byte(nil); ; {
		p, err := s.Rewrap(t.Context(), next, 17)
		if err != nil {
			t.Fatal(err)
		}
		if p.Scanned > 17 {
			t.Fatalf("%+v", p)
		}
		total += p.Rewrapped
		if p.Done {
			break
		}
		next = p.Next
	}
	if total != 100 {
		t.Errorf("%d values rewrapped, want 100", total)
	}
	if err := k.Drop(t.Context(), PurposeStore, 2); !errors.Is(err, ErrInUse) {
		t.Errorf("Drop of the active version: %v", err)
	}
	if err := k.Drop(t.Context(), PurposeStore, 1); err != nil {
		t.Fatal(err)
	}
	if err := k.Drop(t.Context(), PurposeStore, 1); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("Drop twice: %v", err)
	}
	for i := range 101 {
		wantValue(t, s, fmt.Sprintf("k%03d", i), fmt.Sprint(i))
	}
	x.inner.set("k007", old)
	if _, err := getValue(t, s, "k007"); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("a value of the dropped version: %v", err)
	}
	v, err := k.Versions(PurposeStore)
	if err != nil || len(v) != 1 || v[0].Version != 2 || !v[0].Active {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := k.Rotate(t.Context(), PurposeStore); err != nil || v != 3 {
		t.Errorf("a dropped version's number is used again: %d, %v", v, err)
	}
	if err := k.Drop(t.Context(), PurposeStore, 2); !errors.Is(err, ErrInUse) {
		t.Errorf("Drop right after the rotation: %v", err)
	}
}

func TestRotateRootChangesFingerprintAndKeepsData(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	putValue(t, s, "a", "1")
	before, err := k.Info()
	if err != nil {
		t.Fatal(err)
	}
	oldRecord := x.inner.raw(recordKey)
	newPath := filepath.Join(filepath.Dir(x.path), "second.key")
	if err := k.RotateRoot(t.Context(), NewFile(x.arena, newPath)); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "a", "1")
	putValue(t, s, "b", "2")
	after, err := k.Info()
	if err != nil || after.Fingerprint == before.Fingerprint || after.Installation != before.Installation {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("the old key file: %v", err)
	}
	k2, err := Open(t.Context(), x.inner, NewFile(x.arena, newPath), x.options())
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, k2.Store(x.inner), "a", "1")
	wantValue(t, k2.Store(x.inner), "b", "2")
	// An older record put back is noticed by a running process.
	x.inner.set(recordKey, oldRecord)
	if err := k.Reload(t.Context()); err == nil {
		t.Error("an older record was accepted")
	}
	wantValue(t, s, "a", "1")
}

func TestMigrateToAnotherProvider(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	putValue(t, k.Store(x.inner), "a", "1")
	before, err := k.Info()
	if err != nil {
		t.Fatal(err)
	}
	p := newTestPassphrase(t, x.arena, "correct horse battery")
	if err := k.Migrate(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), PurposeAudit); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrWrongProvider) {
		t.Errorf("the old provider: %v", err)
	}
	k2, err := Open(t.Context(), x.inner, p, x.options())
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, k2.Store(x.inner), "a", "1")
	if after, err := k2.Info(); err != nil || after.Fingerprint != before.Fingerprint {
		t.Errorf("the root changed: %+v, %v", after, err)
	}
}

// Two processes on one store: what one rotates, the other follows.
func TestAnotherProcessFollowsRotation(t *testing.T) {
	x := newFixture(t)
	k1 := x.open(t)
	k2 := x.open(t)
	s1, s2 := k1.Store(x.inner), k2.Store(x.inner)
	w, err := s2.Watch(t.Context(), []byte("w"), x.inner.rev)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k1.Rotate(t.Context(), PurposeStore); err != nil {
		t.Fatal(err)
	}
	putValue(t, s1, "a", "1")
	wantValue(t, s2, "a", "1")
	if _, err := k1.Rotate(t.Context(), PurposeStore); err != nil {
		t.Fatal(err)
	}
	putValue(t, s1, "w1", "2")
	c, err := w.Next(t.Context())
	if err != nil || len(c.Changes) != 1 || string(c.Changes[0].Value) != "2" {
		t.Errorf("%+v, %v", c, err)
	}
	if v, err := k2.Rotate(t.Context(), PurposeStore); err != nil || v != 4 {
		t.Errorf("rotation by the second: %d, %v", v, err)
	}
	tok1, err := k1.AEAD(PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	tok2, err := k2.AEAD(PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k1.Rotate(t.Context(), PurposeToken); err != nil {
		t.Fatal(err)
	}
	b, err := tok1.Seal(nil, []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tok2.Open(nil, b, nil); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	// The root is rotated by the first, under the same key file.
	if err := k1.RotateRoot(t.Context(), x.provider()); err != nil {
		t.Fatal(err)
	}
	if _, err := k2.Rotate(t.Context(), PurposeToken); err != nil {
		t.Errorf("rotation after the root changed: %v", err)
	}
	wantValue(t, s2, "a", "1")
	// And under another one, which the second does not know.
	if err := k1.RotateRoot(t.Context(), NewFile(x.arena, x.path+"2")); err != nil {
		t.Fatal(err)
	}
	if _, err := k2.Rotate(t.Context(), PurposeToken); !errors.Is(err, ErrRootChanged) {
		t.Errorf("rotation with an unknown root: %v", err)
	}
	wantValue(t, s2, "a", "1")
}

func TestFailedAndDoubtfulCommitsOfTheKeyring(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	boom := errors.New("disk full")
	x.inner.failCommit = boom
	if _, err := k.Rotate(t.Context(), PurposeStore); !errors.Is(err, boom) {
		t.Errorf("Rotate: %v", err)
	}
	x.inner.failCommit = boom
	if err := k.RotateRoot(t.Context(), x.provider()); !errors.Is(err, boom) {
		t.Errorf("RotateRoot: %v", err)
	}
	putValue(t, k.Store(x.inner), "a", "1")
	x.inner.loseAnswer = true
	if _, err := k.Rotate(t.Context(), PurposeStore); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("Rotate: %v", err)
	}
	if v, err := k.Versions(PurposeStore); err != nil || len(v) != 2 {
		t.Errorf("memory does not follow what was stored: %+v, %v", v, err)
	}
	x.inner.loseAnswer = true
	if err := k.RotateRoot(t.Context(), x.provider()); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("RotateRoot: %v", err)
	}
	putValue(t, k.Store(x.inner), "b", "2")
	wantValue(t, x.open(t).Store(x.inner), "a", "1")
	if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
		t.Errorf("Rotate after the doubt: %v", err)
	}
}

func TestInitializationThatFailsLeavesNothing(t *testing.T) {
	x := newFixture(t)
	x.inner.failCommit = errors.New("disk full")
	if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); err == nil {
		t.Fatal("Open succeeded")
	}
	if st := x.arena.Stats(); st.Secrets != 0 {
		t.Errorf("%d secrets are left", st.Secrets)
	}
	x.open(t) // the key file of the first attempt is used
	y := newFixture(t)
	y.inner.loseAnswer = true
	y.open(t)
}

func TestNewPurposeIsAddedToAnOldKeyring(t *testing.T) {
	x := newFixture(t)
	x.open(t)
	o := x.options()
	o.Purposes = append(DefaultPurposes(), "later", "later")
	k, err := Open(t.Context(), x.inner, x.provider(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.AEAD("later"); err != nil {
		t.Error(err)
	}
	o.Purposes = []string{"Bad Name"}
	if _, err := Open(t.Context(), x.inner, x.provider(), o); !errors.Is(err, ErrUnknownPurpose) {
		t.Errorf("bad purpose: %v", err)
	}
}

func TestDeriveIsStablePerVersionAndSeparate(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	bytesOf := func(s *securemem.Secret, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Destroy()
		var b string
		_ = s.With(func(p []byte) { b = string(p) })
		return b
	}
	s, v, err := k.Derive(PurposeToken, "one", 48)
	one := bytesOf(s, err)
	if len(one) != 48 || v != 1 {
		t.Fatalf("%d bytes of version %d", len(one), v)
	}
	if _, err := k.Rotate(t.Context(), PurposeToken); err != nil {
		t.Fatal(err)
	}
	if got := bytesOf(x.open(t).DeriveVersion(PurposeToken, 1, "one", 48)); got != one {
		t.Error("the same version and label give other bytes")
	}
	seen := map[string]bool{one[:32]: true}
	s, v, err = k.Derive(PurposeToken, "one", 32)
	if v != 2 {
		t.Errorf("version %d", v)
	}
	for _, b := range []string{bytesOf(s, err), bytesOf(k.DeriveVersion(PurposeToken, 1, "two", 32)), bytesOf(k.DeriveVersion(PurposePage, 1, "one", 32)), bytesOf(k.DeriveVersion(PurposeToken, 1, "one", 32))} {
		if seen[b] {
			t.Error("two derivations give the same bytes")
		}
		seen[b] = true
	}
	for _, n := range []int{0, -1, maxDerivedBytes + 1} {
		if _, _, err := k.Derive(PurposeToken, "x", n); err == nil {
			t.Errorf("derived %d bytes", n)
		}
	}
}

func TestTooManyVersions(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	// A record one short of full, as many rotations would leave it.
	r := k.ring.Load()
	rec := r.rec
	for v := uint32(2); len(rec.Keys) < maxDomainKeys-1; v++ {
		w, err := k.newDomainKey(r.root, rec.Installation, PurposePage, v)
		if err != nil {
			t.Fatal(err)
		}
		rec.Keys = append(rec.Keys, w)
	}
	raw, err := rec.encode(r.root)
	if err != nil {
		t.Fatal(err)
	}
	x.inner.set(recordKey, raw)
	if _, err := k.Rotate(t.Context(), PurposePage); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), PurposePage); !errors.Is(err, ErrTooManyKeys) {
		t.Fatalf("rotation of a full record: %v", err)
	}
	if n := len(x.inner.raw(recordKey)); n > store.MaxValueBytes {
		t.Errorf("the record has %d bytes", n)
	}
	x.clock.Advance(2 * time.Hour)
	if err := k.Drop(t.Context(), PurposePage, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), PurposePage); err != nil {
		t.Errorf("after Drop: %v", err)
	}
}

func FuzzParseRecord(f *testing.F) {
	x := newFixture(f)
	if _, err := Open(context.Background(), x.inner, x.provider(), x.options()); err != nil {
		f.Fatal(err)
	}
	f.Add(x.inner.raw(recordKey))
	f.Add([]byte(recordMagic + "{}0123456789abcdef"))
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := parseRecord(b); err != nil && !errors.Is(err, ErrIntegrity) {
			t.Fatal(err)
		}
	})
}
