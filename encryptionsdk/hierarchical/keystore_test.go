package hierarchical

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fastness/encryptionsdk"
)

func TestKeyStoreKeepsVersions(t *testing.T) {
	s := localStore(t, "a")
	first := must(s.ActiveBranchKey(t.Context(), "a"))(t)
	if err := s.Rotate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	second := must(s.ActiveBranchKey(t.Context(), "a"))(t)
	if first.Version == second.Version || bytes.Equal(first.Material, second.Material) || len(second.Material) != BranchKeyLen {
		t.Fatal("rotation changed nothing")
	}
	for _, want := range []*BranchKey{first, second} {
		got := must(s.BranchKeyVersion(t.Context(), "a", want.Version))(t)
		if got.ID != "a" || got.Version != want.Version || !bytes.Equal(got.Material, want.Material) {
			t.Errorf("version %s comes back changed", want.Version)
		}
	}
	if _, err := s.BranchKeyVersion(t.Context(), "a", newVersion()); !errors.Is(err, ErrNoBranchKey) {
		t.Error(err)
	}
	for _, id := range []string{"b", "", strings.Repeat("x", 70000)} {
		if _, err := s.ActiveBranchKey(t.Context(), id); !errors.Is(err, ErrNoBranchKey) {
			t.Error(err)
		}
	}
	if _, err := s.BranchKeyVersion(t.Context(), "a", "../../etc/passwd"); !errors.Is(err, ErrNoBranchKey) {
		t.Error(err)
	}
	if err := s.Create(t.Context(), "a", nil); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error("made a branch key that exists:", err)
	}
	if err := s.Rotate(t.Context(), "b"); !errors.Is(err, ErrNoBranchKey) {
		t.Error(err)
	}
}

func TestItemsLookLikeThoseOfAWS(t *testing.T) {
	s := localStore(t, "a")
	active := must(s.items.Item(t.Context(), "a", typeActive))(t)
	version := must(s.items.Item(t.Context(), "a", versionPrefix+active.Version()))(t)
	want := map[string]string{
		"branch-key-id": "a", "type": "branch:version:" + active.Version(), "create-time": "2001-09-09T01:46:40.123456Z",
		"kms-arn": "test key", "hierarchy-version": "1", "aws-crypto-ec:department": "admin",
	}
	if !maps.Equal(version.Attributes, want) {
		t.Errorf("version: %v", version.Attributes)
	}
	want["version"], want["type"] = want["type"], "branch:ACTIVE"
	if !maps.Equal(active.Attributes, want) {
		t.Errorf("active: %v", active.Attributes)
	}
}

// Whatever is changed in an item, it does not open any more.
func TestKeyStoreAuthenticatesItems(t *testing.T) {
	s := localStore(t, "a", "b")
	other := localStore(t, "a")
	dir := s.items.(*DirItems)
	path := must(dir.path("a", typeActive))(t)
	original := must(os.ReadFile(path))(t)
	for name, f := range map[string]func(map[string]string){
		"id":          func(m map[string]string) { m["branch-key-id"] = "b" },
		"type":        func(m map[string]string) { m["type"] = m["version"] },
		"version":     func(m map[string]string) { m["version"] = "branch:version:" + newVersion() },
		"no version":  func(m map[string]string) { delete(m, "version") },
		"time":        func(m map[string]string) { m["create-time"] = "2001-09-09T01:46:40.123457Z" },
		"key":         func(m map[string]string) { m["kms-arn"] = "another" },
		"hierarchy":   func(m map[string]string) { m["hierarchy-version"] = "2" },
		"custom":      func(m map[string]string) { m["aws-crypto-ec:department"] = "sales" },
		"less custom": func(m map[string]string) { delete(m, "aws-crypto-ec:department") },
		"more custom": func(m map[string]string) { m["aws-crypto-ec:x"] = "y" },
		"unknown":     func(m map[string]string) { m["x"] = "y" },
		"another key": func(m map[string]string) {
			item := must(other.items.Item(t.Context(), "a", typeActive))(t)
			m["enc"] = string(must(json.Marshal(item.Protected))(t))
			m["enc"] = strings.Trim(m["enc"], `"`)
		},
		"no key":     func(m map[string]string) { m["enc"] = "" },
		"not base64": func(m map[string]string) { m["enc"] = "!" },
	} {
		var m map[string]string
		if err := json.Unmarshal(original, &m); err != nil {
			t.Fatal(err)
		}
		f(m)
		if err := os.WriteFile(path, must(json.Marshal(m))(t), 0o600); err != nil {
			t.Fatal(err)
		}
		if k, err := s.ActiveBranchKey(t.Context(), "a"); err == nil {
			t.Errorf("%s: opened %v", name, k)
		}
		if err := s.Rotate(t.Context(), "a"); err == nil {
			t.Errorf("%s: rotated", name)
		}
	}
	if err := os.WriteFile(path, original, 0o600); err != nil {
		t.Fatal(err)
	}
	must(s.ActiveBranchKey(t.Context(), "a"))(t)
	// The same items in a store of another name do not open.
	renamed := must(NewKeyStore("another store", dir, s.protector, nil))(t)
	if _, err := renamed.ActiveBranchKey(t.Context(), "a"); err == nil {
		t.Error("opened in a store of another name")
	}
}

func TestDirItemsNeverLoseAVersion(t *testing.T) {
	s := localStore(t, "a")
	var wg sync.WaitGroup
	for range 16 {
		// Two stores over a directory stand for two processes.
		rival := must(NewKeyStore("test store", must(NewDirItems(s.items.(*DirItems).dir))(t), s.protector, nil))(t)
		wg.Go(func() {
			if err := rival.Rotate(t.Context(), "a"); err != nil && !strings.Contains(err.Error(), "meanwhile") {
				t.Error(err)
			}
			active, err := rival.ActiveBranchKey(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := rival.BranchKeyVersion(t.Context(), "a", active.Version); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left := must(filepath.Glob(filepath.Join(s.items.(*DirItems).branchDir("a"), ".new-*")))(t)
	if len(left) != 0 {
		t.Error("temporary files stay:", left)
	}
	version := must(s.items.Item(t.Context(), "a", typeActive))(t)
	again := &Item{Attributes: maps.Clone(version.Attributes), Protected: version.Protected}
	again.Attributes[attrType] = again.Attributes[attrVersion]
	delete(again.Attributes, attrVersion)
	if err := s.items.Add(t.Context(), again, version, version.Version()); err == nil {
		t.Error("a version was overwritten")
	}
}

func TestDirItemsAreForTheirOwnerOnly(t *testing.T) {
	s := localStore(t, "a")
	path := must(s.items.(*DirItems).path("a", typeActive))(t)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if got := must(os.Stat(name))(t).Mode().Perm(); got != want {
			t.Errorf("%s: %o", name, got)
		}
	}
}

func TestVersions(t *testing.T) {
	for range 100 {
		s := newVersion()
		u, ok := parseVersion(s)
		if !ok || u[6]>>4 != 4 || u[8]>>6 != 2 {
			t.Fatal(s)
		}
	}
	for _, s := range []string{"", "e9ce18a3-edb5-4272-9f86-1cacb7997ff", "E9CE18A3-EDB5-4272-9F86-1CACB7997FF6", "e9ce18a3+edb5-4272-9f86-1cacb7997ff6", "e9ce18a3-edb5-4272-9f86-1cacb7997ffg"} {
		if _, ok := parseVersion(s); ok {
			t.Errorf("%q: accepted", s)
		}
	}
}

func FuzzItem(f *testing.F) {
	s := localStore(f, "a")
	item := must(s.items.Item(f.Context(), "a", typeActive))(f)
	f.Add([]byte(must(json.Marshal(item))(f)))
	f.Add([]byte(`{"enc":"AA==","type":"branch:ACTIVE"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var i Item
		if json.Unmarshal(data, &i) != nil {
			return
		}
		if err := i.check(i.ID(), i.Type()); err != nil {
			return
		}
		var back Item
		if err := json.Unmarshal(must(json.Marshal(i))(t), &back); err != nil || !maps.Equal(back.Attributes, i.Attributes) || !bytes.Equal(back.Protected, i.Protected) {
			t.Fatal("an item changed by being written")
		}
	})
}
