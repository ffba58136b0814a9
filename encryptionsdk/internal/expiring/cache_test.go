package expiring

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatLeavesIsWiped(t *testing.T) {
	c := New[int](1, func(b []byte) { clear(b) })
	at := time.Unix(1e9, 0)
	now := func() time.Time { return at }
	store := func(id int) []byte {
		secret := bytes.Repeat([]byte{9}, 32)
		c.Put(id, secret, time.Minute, now)
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
	if !wiped(last) || len(c.entries) != 0 || c.recent.Len() != 0 {
		t.Error("not wiped by Clear")
	}
}

func TestTheTimeEndsWithoutAnyUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[int](2, func(b []byte) { clear(b) })
		first, second := []byte{1}, []byte{2}
		c.Put(1, first, time.Minute, time.Now)
		c.Put(2, []byte{9}, time.Minute, time.Now)
		<-time.After(30 * time.Second)
		c.Put(2, second, time.Minute, time.Now) // the timer of what was there must not end it
		<-time.After(30 * time.Second)
		synctest.Wait()
		if first[0] != 0 || second[0] != 2 || c.Len() != 1 {
			t.Errorf("after the first minute: %d, %d, %d entries", first[0], second[0], c.Len())
		}
		<-time.After(30 * time.Second)
		synctest.Wait()
		if second[0] != 0 || c.Len() != 0 {
			t.Errorf("after both: %d, %d entries", second[0], c.Len())
		}
	})
}
