package front

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"fastness/internal/audit"
)

// Status is what /health says.
type Status struct {
	// Status is "ok", "sealed", "starting" or "failed".
	Status  string `json:"status"`
	Version string `json:"version"`
	// FIPS tells whether the FIPS 140-3 mode is on, FIPSEnforced whether what is not
	// approved is refused, FIPSModule which version of the Go Cryptographic Module runs.
	FIPS         bool   `json:"fips"`
	FIPSEnforced bool   `json:"fipsEnforced"`
	FIPSModule   string `json:"fipsModule"`
	// Detail says what is wrong, without secrets; empty when nothing is.
	Detail string `json:"detail,omitempty"`
}

// Gate is the handler of the server: it answers the operational paths itself and
// passes everything else to the door, once there is one. Until then, or when the
// server is sealed, it says so and serves nothing.
type Gate struct {
	mux    *http.ServeMux
	inside atomic.Pointer[inside]
	status func() Status
}

// inside is what an open gate leads to.
type inside struct {
	door  *Door
	sides []Side
}

// Side serves requests that are no AWS API's, such as those to an external key store
// proxy.
type Side interface {
	http.Handler
	// Serves tells whether a request is for this side. It sees every request that is not
	// operational, before anything of it was checked, and must not read the body.
	Serves(r *http.Request) bool
}

// NewGate makes a Gate whose /health and /ready report status. metrics serves
// /metrics; unseal serves /v1/seal/… (nil: no such paths).
func NewGate(status func() Status, metrics, unseal http.Handler) *Gate {
	g := &Gate{mux: http.NewServeMux(), status: status}
	g.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { g.report(w, http.StatusOK) })
	g.mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { g.report(w, http.StatusServiceUnavailable) })
	g.mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { g.report(w, http.StatusOK) })
	g.mux.Handle("GET /metrics", metrics)
	if unseal != nil {
		g.mux.Handle("/v1/seal/", unseal)
	}
	return g
}

// Open lets requests through to the sides that want them, and all others to d; a nil
// door closes the gate.
func (g *Gate) Open(d *Door, sides ...Side) {
	if d == nil {
		g.inside.Store(nil)
		return
	}
	g.inside.Store(&inside{d, sides})
}

// operational are the exact paths and prefixes that never belong to an AWS API.
func operational(path string) bool {
	switch path {
	case "/health", "/ready", "/version", "/metrics":
		return true
	}
	const seal = "/v1/seal/"
	return len(path) > len(seal) && path[:len(seal)] == seal
}

// ServeHTTP implements http.Handler. The mux, which cleans paths, only ever sees
// the operational ones: an AWS path is signed as it is.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 && !wellFormed(r) {
		w.Header().Set("X-Amzn-Requestid", audit.NewID())
		http.Error(w, "malformed request", http.StatusBadRequest)
		return
	}
	if operational(r.URL.Path) && r.Header.Get("Authorization") == "" && r.Header.Get("X-Amz-Target") == "" {
		g.mux.ServeHTTP(w, r)
		return
	}
	if in := g.inside.Load(); in != nil {
		for _, side := range in.sides {
			if side.Serves(r) {
				side.ServeHTTP(w, r)
				return
			}
		}
		in.door.ServeHTTP(w, r)
		return
	}
	// Both forms of AWS's JSON errors, so that every SDK shows the sentence.
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", "ServiceUnavailableException")
	w.Header().Set("X-Amzn-Requestid", audit.NewID())
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"__type": "ServiceUnavailableException", "message": "Fastness is " + g.status().Status + ".",
	})
}

// wellFormed checks what net/http leaves unchecked in HTTP/2: :path is a path or the
// asterisk (RFC 9113, 8.3.1), and there is one length.
func wellFormed(r *http.Request) bool {
	return r.URL.Host == "" && len(r.Header["Content-Length"]) <= 1
}

func (g *Gate) report(w http.ResponseWriter, unready int) {
	s := g.status()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if s.Status != "ok" {
		w.WriteHeader(unready)
	}
	_ = json.NewEncoder(w).Encode(s)
}
