package encryptionsdk

import (
	"bytes"
	"context"
	"testing"
	"time"
)

func TestMaterialsCacheWipesWhatLeaves(t *testing.T) {
	c, err := NewMaterialsCache(1)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 0)
	now := func() time.Time { return at }
	store := func(id byte) []byte {
		key := bytes.Repeat([]byte{9}, 32)
		c.put(cacheID{id}, &cacheEntry{decryption: &DecryptionMaterials{PlaintextDataKey: key}, expires: at.Add(time.Minute)})
		return key
	}
	wiped := func(key []byte) bool { return bytes.Equal(key, make([]byte, 32)) }
	take := func(use bool) {
		release, _, err := c.acquire(context.Background(), cacheID{2}, now, func(*cacheEntry) bool { return use })
		if err != nil {
			t.Fatal(err)
		}
		if release != nil {
			release()
		}
	}

	a := store(1)
	b := store(2)
	if !wiped(a) || wiped(b) {
		t.Error("not wiped on eviction")
	}
	again := store(2)
	if !wiped(b) || wiped(again) {
		t.Error("not wiped on replacement")
	}
	take(true)
	if wiped(again) {
		t.Error("wiped by use")
	}
	take(false)
	if !wiped(again) || c.Len() != 0 {
		t.Error("not wiped when used up")
	}
	old := store(2)
	at = at.Add(time.Minute)
	take(true)
	if !wiped(old) || c.Len() != 0 {
		t.Error("not wiped when expired")
	}
	last := store(3)
	c.Clear()
	if !wiped(last) || len(c.expiring) != 0 || c.recent.Len() != 0 {
		t.Error("not wiped by Clear")
	}
}
