//go:build !race

package envelope

import "testing"

// The race detector makes sync.Pool drop values at random, so this is measured
// without it.
func TestSealAndOpenAllocateOnlyTheMessageCipher(t *testing.T) {
	k := newTestKey(t, make([]byte, MaterialSize))
	context := map[string]string{"a": "1", "b": "2"}
	plaintext := make([]byte, 4096)
	dst := make([]byte, 0, 4096+Overhead)
	blob, err := k.Seal(nil, Header{}, context, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(200, func() { _, err = k.Seal(dst, Header{}, context, plaintext) }); n > 2 || err != nil {
		t.Errorf("Seal: %v allocations, %v", n, err)
	}
	if n := testing.AllocsPerRun(200, func() { _, err = k.Open(dst, blob, context) }); n > 2 || err != nil {
		t.Errorf("Open: %v allocations, %v", n, err)
	}
}
