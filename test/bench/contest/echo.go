package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

// serveEcho is the floor: a net/http server that reads a request and answers with
// bytes it was given for its X-Amz-Target, and does nothing else. It prints its
// address.
func serveEcho() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var answers sync.Map // target to body
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		target := r.Header.Get("X-Amz-Target")
		if r.Method == http.MethodPut {
			answers.Store(r.URL.RawQuery, body)
		}
		answer, _ := answers.Load(target)
		b, _ := answer.([]byte)
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
		_, _ = w.Write(b)
	})
	fmt.Fprintln(os.Stdout, l.Addr())
	return http.Serve(l, h) //nolint:gosec // a test server on loopback
}
