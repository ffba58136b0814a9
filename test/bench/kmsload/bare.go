package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"fastness/test/bench/contest"
)

// The works of the bare server.
const (
	bareP256    = "P-256"
	bareRSA2048 = "RSA-2048"
)

// bareAnswer is how the bare server answers: what fastness answered, with a signature
// of its own in the place of the signature.
type bareAnswer struct {
	sign           func() ([]byte, error)
	before, behind []byte
}

// serveBare is the bare algorithm: a net/http server that reads a request, signs 32
// bytes with the standard library and answers with as many bytes as fastness, and does
// nothing else. Its difference to the echo server is the algorithm. It prints its
// address.
func serveBare() error {
	signers, err := bareSigners()
	if err != nil {
		return err
	}
	var answer atomic.Pointer[bareAnswer]
	return contest.ServeFloor(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.Method == http.MethodPut {
			a, err := learn(signers[r.URL.RawQuery], body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			answer.Store(a)
			return
		}
		a := answer.Load()
		if a == nil {
			http.Error(w, "nothing taught", http.StatusServiceUnavailable)
			return
		}
		signature, err := a.sign()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b := make([]byte, 0, len(a.before)+base64.StdEncoding.EncodedLen(len(signature))+len(a.behind))
		b = base64.StdEncoding.AppendEncode(append(b, a.before...), signature)
		b = append(b, a.behind...)
		w.Header()["Content-Type"] = []string{contest.JSON11}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
		_, _ = w.Write(b)
	})
}

// bareSigners sign with the algorithms, parameters and calls that KMS documents for
// ECDSA_SHA_256 and RSASSA_PSS_SHA_256 (a salt as long as the digest).
func bareSigners() (map[string]func() ([]byte, error), error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	message, err := base64.StdEncoding.DecodeString(digest)
	if err != nil {
		return nil, err
	}
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	return map[string]func() ([]byte, error){
		bareP256:    func() ([]byte, error) { return ecdsa.SignASN1(rand.Reader, ec, message) },
		bareRSA2048: func() ([]byte, error) { return rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, message, pss) },
	}, nil
}

// learn splits an answer around its signature.
func learn(sign func() ([]byte, error), answer []byte) (*bareAnswer, error) {
	var out struct{ Signature string }
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, err
	}
	before, behind, found := bytes.Cut(answer, []byte(out.Signature))
	if sign == nil || out.Signature == "" || !found {
		return nil, fmt.Errorf("no work, or no signature in %s", answer)
	}
	return &bareAnswer{sign: sign, before: before, behind: behind}, nil
}
