package transform

import (
	"bytes"
	"testing"
)

// vector is what a transformation makes of a value.
type vector struct{ in, out string }

// check runs the vectors of a transformation, of which there are at least twenty, and the
// promises of Append with each.
func check(t *testing.T, k Kind, vectors []vector) {
	t.Helper()
	if len(vectors) < 20 {
		t.Errorf("%s has only %d vectors", k, len(vectors))
	}
	for _, v := range vectors {
		src := []byte(v.in)
		got, changed := Append(nil, k, src)
		if !changed {
			if len(got) != 0 {
				t.Errorf("%s(%q) changed nothing but wrote %q", k, v.in, got)
			}
			got = src
		}
		if string(got) != v.out {
			t.Errorf("%s(%q) = %q, want %q", k, v.in, got, v.out)
		}
		if changed != (v.in != v.out) {
			t.Errorf("%s(%q) = %q says changed = %v", k, v.in, got, changed)
		}
		if string(src) != v.in {
			t.Errorf("%s(%q) wrote to its input: %q", k, v.in, src)
		}

		// The value may lie in dst, and dst may have no room.
		dst := append([]byte("before"), v.in...)
		out, changed := Append(dst[:len(dst):len(dst)], k, dst[len("before"):])
		if !bytes.HasPrefix(out, append([]byte("before"), v.in...)) {
			t.Errorf("%s(%q) behind its own input damaged it: %q", k, v.in, out)
		}
		if changed && string(out[len(dst):]) != v.out {
			t.Errorf("%s(%q) behind its own input = %q, want %q", k, v.in, out[len(dst):], v.out)
		}
	}
}

// checkSettled runs vectors of a transformation that changes nothing the second time.
func checkSettled(t *testing.T, k Kind, vectors []vector) {
	t.Helper()
	check(t, k, vectors)
	for _, v := range vectors {
		if twice, changed := Append(nil, k, []byte(v.out)); changed {
			t.Errorf("%s(%q) = %q, and once more %q", k, v.in, v.out, twice)
		}
	}
}

// allBytes are the 256 bytes in their order.
var allBytes = func() string {
	var b [256]byte
	for i := range b {
		b[i] = byte(i)
	}
	return string(b[:])
}()

// mapped is s with every byte replaced by what f says; nothing if that is negative.
func mapped(s string, f func(c byte) int) string {
	var out []byte
	for i := range len(s) {
		if c := f(s[i]); c >= 0 {
			out = append(out, byte(c))
		}
	}
	return string(out)
}

// without is s without the bytes of cut.
func without(s, cut string) string {
	return mapped(s, func(c byte) int {
		if bytes.IndexByte([]byte(cut), c) >= 0 {
			return -1
		}
		return int(c)
	})
}

// replaced is s with old replaced by new, one after the other, pair by pair.
func replaced(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = string(bytes.ReplaceAll([]byte(s), []byte(pairs[i]), []byte(pairs[i+1])))
	}
	return s
}
