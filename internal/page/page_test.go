package page

import (
	"bytes"
	"errors"
	"testing"

	"fastness/internal/page/pagetest"
)

func TestTokenOpensOnlyInItsListing(t *testing.T) {
	s := New(pagetest.New(t))
	token, err := s.Seal("ListKeys", "111122223333", "a", []byte("position"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Open("ListKeys", "111122223333", "a", token)
	if err != nil || !bytes.Equal(got, []byte("position")) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	altered := []byte(token)
	altered[3] ^= 1
	for name, args := range map[string][4]string{
		"operation":       {"ListAliases", "111122223333", "a", token},
		"account":         {"ListKeys", "111122223334", "a", token},
		"filter":          {"ListKeys", "111122223333", "b", token},
		"shifted binding": {"ListKeys1", "11122223333", "a", token},
		"altered":         {"ListKeys", "111122223333", "a", string(altered)},
		"cut":             {"ListKeys", "111122223333", "a", token[:len(token)-4]},
		"empty":           {"ListKeys", "111122223333", "a", ""},
		"not base64":      {"ListKeys", "111122223333", "a", "%%%"},
	} {
		if _, err := s.Open(args[0], args[1], args[2], args[3]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPositionIsBounded(t *testing.T) {
	if _, err := New(pagetest.New(t)).Seal("o", "a", "f", make([]byte, MaxPosition+1)); err == nil {
		t.Fatal("a position over the bound was sealed")
	}
}

func FuzzOpen(f *testing.F) {
	s := New(pagetest.New(f))
	f.Add("AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if p, err := s.Open("o", "a", "f", token); err == nil && len(p) > MaxPosition {
			t.Fatal("a token nobody made opened")
		}
	})
}
