package expiring

import (
	"bytes"
	"testing"
	"time"
)

func TestWhatLeavesIsWiped(t *testing.T) {
	c := New[int](1, func(b []byte) { clear(b) })
	at := time.Unix(1e9, 0)
	now := func() time.Time { return at }
	store := func(id int) []byte {
		secret := bytes.Repeat([]byte{9}, 32)
		c.Put(id, secret, at.Add(time.Minute))
		return secret
	}
	wiped := func(secret []byte) bool { return bytes.Equal(secret, make([]byte, 32)) }
	take := func(use bool) {
		release, found, err := c.Acquire(t.Context(), 2, now, func([]byte) bool { return use })
		if err != nil {
			t.Fatal(err)
		}
		if !found {
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
