package page

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

var call = Binding{Operation: "kms:ListAliases", Account: "111122223333", Region: "eu-west-1", Filters: []string{"key", "a"}, Version: 1}

func sealer(t testing.TB, fill byte) *Sealer {
	t.Helper()
	s, err := NewSealer(bytes.Repeat([]byte{fill}, KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t testing.TB, s *Sealer, b Binding, cursor string) string {
	t.Helper()
	token, err := s.Seal(b, []byte(cursor))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenComesBack(t *testing.T) {
	s := sealer(t, 1)
	for _, cursor := range []string{"", "alias/secret-name", strings.Repeat("x", MaxCursor)} {
		token := seal(t, s, call, cursor)
		if strings.Contains(token, "secret") {
			t.Errorf("token %q can be read", token)
		}
		got, err := sealer(t, 1).Open(call, token) // another server with the key
		if err != nil || string(got) != cursor {
			t.Errorf("%.20q came back as %.20q, %v", cursor, got, err)
		}
	}
	if seal(t, s, call, "a") == seal(t, s, call, "a") {
		t.Error("two tokens for one place are equal")
	}
	if _, err := s.Seal(call, make([]byte, MaxCursor+1)); err == nil {
		t.Error("a cursor that is too large was sealed")
	}
}

func TestTokenOfAnotherCall(t *testing.T) {
	s := sealer(t, 1)
	token := seal(t, s, call, "place")
	for name, change := range map[string]func(*Binding){
		"operation":       func(b *Binding) { b.Operation = "kms:ListKeys" },
		"account":         func(b *Binding) { b.Account = "444455556666" },
		"region":          func(b *Binding) { b.Region = "eu-west-2" },
		"filter":          func(b *Binding) { b.Filters = []string{"key", "b"} },
		"filter left out": func(b *Binding) { b.Filters = []string{"key"} },
		"filters joined":  func(b *Binding) { b.Filters = []string{"keya"} },
		"filters moved":   func(b *Binding) { b.Filters = []string{"ke", "ya"} },
		"fields moved":    func(b *Binding) { b.Account, b.Region = b.Account+"e", b.Region[1:] },
		"version":         func(b *Binding) { b.Version = 2 },
	} {
		b := call
		change(&b)
		if _, err := s.Open(b, token); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sealer(t, 2).Open(call, token); !errors.Is(err, ErrToken) {
		t.Errorf("another key: %v", err)
	}
}

func TestEveryBitOfATokenCounts(t *testing.T) {
	s := sealer(t, 1)
	token := seal(t, s, call, "place")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		bad := bytes.Clone(raw)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := s.Open(call, base64.RawURLEncoding.EncodeToString(bad)); !errors.Is(err, ErrToken) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	for _, bad := range []string{"", "x", token[:len(token)-1], token + "A", token + "=", " " + token, token[:40], strings.Repeat("A", 1<<20)} {
		if _, err := s.Open(call, bad); !errors.Is(err, ErrToken) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

func TestKeySize(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewSealer(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, 1)
	f.Add(seal(f, s, call, "place"))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		cursor, err := s.Open(call, token)
		if err != nil && !errors.Is(err, ErrToken) || err == nil && string(cursor) != "place" {
			t.Errorf("%q: %q, %v", token, cursor, err)
		}
	})
}

func BenchmarkSealOpen(b *testing.B) {
	s := sealer(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(call, seal(b, s, call, "alias/some-name")); err != nil {
			b.Fatal(err)
		}
	}
}
