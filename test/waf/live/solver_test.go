package live

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"strings"
)

// A puzzle's solution is sealed in its form under the key that the operator gave to the proxy. Who has
// this key can read it: that is how the tests see the picture. Nothing else does, and nothing in the program
// helps. The format is that of challenge/seal.go, read here by other code.

// opened is what a sealed puzzle holds.
type opened struct{ letters, digits, domain string }

// open reads a sealed puzzle: purpose (3) and key ID, which are authenticated, then XAES-256-GCM (C2SP).
func open(key []byte, sealed string) (o opened, err error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) < 5+24+16 || b[0] != 3 {
		return o, errors.New("no sealed puzzle")
	}
	head, nonce, box := b[:5], b[5:29], b[29:]
	block, err := aes.NewCipher(key)
	if err != nil {
		return o, err
	}
	// CMAC's first subkey: the encrypted zero block, doubled in GF(2^128) (NIST SP 800-38B).
	var zero [16]byte
	block.Encrypt(zero[:], zero[:])
	hi, lo := binary.BigEndian.Uint64(zero[:]), binary.BigEndian.Uint64(zero[8:])
	carry := hi >> 63
	hi, lo = hi<<1|lo>>63, lo<<1^carry*0x87
	var derived [32]byte
	for counter := range 2 {
		in := derived[16*counter : 16*counter+16]
		copy(in, []byte{0, byte(counter + 1), 'X', 0})
		copy(in[4:], nonce[:12])
		binary.BigEndian.PutUint64(in, binary.BigEndian.Uint64(in)^hi)
		binary.BigEndian.PutUint64(in[8:], binary.BigEndian.Uint64(in[8:])^lo)
		block.Encrypt(in, in)
	}
	inner, err := aes.NewCipher(derived[:])
	if err != nil {
		return o, err
	}
	aead, err := cipher.NewGCM(inner)
	if err != nil {
		return o, err
	}
	plain, err := aead.Open(nil, nonce[12:], box, head)
	const stamp = 16 + 16 + 8
	if err != nil || len(plain) < stamp+12 {
		return o, errors.New("sealed under another key")
	}
	return opened{string(plain[stamp : stamp+6]), string(plain[stamp+6 : stamp+12]), string(plain[stamp+12:])}, nil
}

// hear solves a puzzle by its sound alone, as a listener does: it tells high tones from low ones, and groups by
// the pauses between them. b is a WAV file with 8-bit samples at 8,000 Hz.
func hear(b []byte) (string, error) {
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[36:40]) != "data" {
		return "", errors.New("no WAV file")
	}
	const rate, window = 8000, 160 // 20 ms
	var digits strings.Builder
	high, silent, sounding := 0, 0, 0
	samples := b[44:]
	var crossings int
	end := func() { // of a tone: 130 ms, so about 286 crossings of zero at 1,100 Hz and 94 at 360 Hz
		if sounding > 0 && float64(crossings)/float64(sounding) > 2*700*float64(window)/rate {
			high++
		}
		crossings, sounding = 0, 0
	}
	for at := 0; at+window <= len(samples); at += window {
		var energy float64
		flips := 0
		for i, s := range samples[at : at+window] {
			v := float64(s) - 128
			energy += v * v
			if i > 0 && (s >= 128) != (samples[at+i-1] >= 128) {
				flips++
			}
		}
		if math.Sqrt(energy/window) > 15 {
			sounding++
			crossings += flips
			silent = 0
			continue
		}
		end()
		if silent++; silent == 40 && high > 0 { // 0.8 s
			digits.WriteByte(byte('0' + high))
			high = 0
		}
	}
	return digits.String(), nil
}

// solver answers GET /see?p=SEALED with the letters of a puzzle's picture, and POST /hear with the digits of the sound in
// the body.
func solver(key []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /see", func(w http.ResponseWriter, r *http.Request) {
		o, err := open(key, r.FormValue("p"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(o.letters))
	})
	mux.HandleFunc("POST /hear", func(w http.ResponseWriter, r *http.Request) {
		var b [1 << 20]byte
		n := 0
		for n < len(b) {
			m, err := r.Body.Read(b[n:])
			n += m
			if err != nil {
				break
			}
		}
		digits, err := hear(b[:n])
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(digits))
	})
	return mux
}
