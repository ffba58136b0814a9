package encryptionsdk

import (
	"bytes"
	"crypto/cipher"
	"io"
	"testing"
)

// FuzzHeader: a header that can be read is written again byte for byte, and reading it
// from memory or byte by byte makes no difference. Seeds are in testdata/fuzz.
func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		h, err := ReadHeader(r)
		again, _, memErr := scanHeader(&headerScanner{raw: data}, maxDataKeys)
		if (err == nil) != (memErr == nil) {
			t.Fatalf("from a reader: %v; in memory: %v", err, memErr)
		}
		if err != nil {
			return
		}
		if h.Length != len(data)-r.Len() || again.Length != h.Length {
			t.Fatalf("length %d and %d, %d bytes read", h.Length, again.Length, len(data)-r.Len())
		}
		out, err := h.AppendBinary(nil)
		if err != nil || !bytes.Equal(out, data[:h.Length]) {
			t.Fatalf("written again: %x (%v), was %x", out, err, data[:h.Length])
		}
	})
}

// FuzzContext: a context that can be read in order is what its pairs serialize to.
func FuzzContext(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 65535 {
			return
		}
		c, order, err := parseContext(data, 0)
		if err != nil {
			return
		}
		if len(c) != len(order) {
			t.Fatalf("%d pairs, %d keys", len(c), len(order))
		}
		out, err := c.AppendBinary(nil)
		if err != nil || len(c) > 0 && len(out) != len(data) {
			t.Fatalf("written again: %x (%v), was %x", out, err, data)
		}
	})
}

// fuzzFrame is the frame length of the message that FuzzBody changes.
const fuzzFrame = 8

// fuzzBody is the body of a message of 20 bytes.
func fuzzBody(aead cipher.AEAD, id []byte) []byte {
	var c frameCoder
	c.init(aead, id)
	return c.seal(nil, []byte("twenty bytes of text"), fuzzFrame, 1, true)
}

// FuzzBody: only the body that belongs to a header opens, in memory and as a stream.
func FuzzBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		var right []byte
		header := handmade{content: contentFramed, frame: fuzzFrame}.build(t, func(aead cipher.AEAD, id []byte) []byte {
			right = fuzzBody(aead, id)
			return nil
		})
		m := append(header, body...)
		got, _, err := Decrypt(t.Context(), m, testRead)
		d, streamErr := NewDecrypter(t.Context(), bytes.NewReader(m), testRead)
		if streamErr != nil {
			t.Fatal(streamErr) // the header is good
		}
		streamed, streamErr := io.ReadAll(d)
		if (err == nil) != bytes.Equal(body, right) || (err == nil) != (streamErr == nil) {
			t.Fatalf("in memory: %v; as a stream: %v", err, streamErr)
		}
		if err != nil && got != nil || !bytes.HasPrefix([]byte("twenty bytes of text"), streamed) {
			t.Fatalf("gave out %q and %q", got, streamed)
		}
	})
}

// FuzzUnframed is FuzzBody for unframed bodies. The seeds hold a right one and changed
// ones, of which a mutation makes the right one again.
func FuzzUnframed(f *testing.F) {
	const plain = "nineteen bytes, oh "
	f.Fuzz(func(t *testing.T, body []byte) {
		var right []byte
		m := handmade{content: contentUnframed}.build(t, func(aead cipher.AEAD, id []byte) []byte {
			right = unframed([]byte(plain))(aead, id)
			return body
		})
		got, err := bothWays(t, m, testRead)
		switch {
		case bytes.Equal(body, right):
			if err != nil || string(got) != plain {
				t.Fatalf("the right body: %q, %v", got, err)
			}
		case err == nil || got != nil:
			t.Fatalf("%q opened", got)
		}
	})
}
