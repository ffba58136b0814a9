package proxy

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// forwardAuth is a ForwardAuth made ready.
type forwardAuth struct{ trusted []netip.Prefix }

func (a *forwardAuth) trusts(addr netip.Addr) bool {
	for _, p := range a.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

const (
	// AuthField is in every answer of a forward-auth endpoint: the decision, and that the
	// body was not inspected.
	AuthField = "X-Fastness-Waf"
	// AuthStatusField is the status that the web ACL asked for, where whoever asks understands
	// fewer.
	AuthStatusField = "X-Fastness-Waf-Status"
)

// described is the request that is asked about. There are two ways to describe one, and an answer to
// the wrong one would be an answer to whatever the client wants to be asked about: proxies pass the fields of
// the client on too. So only the fields of one way are read, and a request that is described in both, or twice, is
// refused.
//
// nginx sends what its configuration says; what is usual is X-Original-URI (or -URL),
// X-Original-Method, X-Original-Host and X-Original-Proto, with the client's address in X-Real-IP, or else
// appended to X-Forwarded-For. Traefik and Caddy send X-Forwarded-Method, -Uri, -Host and -Proto, and
// append the client's address to X-Forwarded-For.
type described struct {
	method, uri, host, scheme string
	times                     int // how often the target was given
}

// authorize answers whether a request that another proxy asks about may pass.
func (f *flow) authorize() {
	if !f.listener.auth.trusts(f.seen.Remote) {
		f.p.log.Warn("a forward-auth request from an address that is not trusted", "listener", f.listener.arn, "address", f.seen.Remote)
		f.authAnswer(http.StatusForbidden, "refuse; caller-not-trusted")
		return
	}
	if !f.describe() {
		f.authAnswer(http.StatusBadRequest, "refuse; request-not-described")
		return
	}
	f.p.bodiesUnseen.Do(func() {
		f.p.log.Warn("a forward-auth endpoint is in use: bodies of requests are not sent to it, so rules on bodies are not evaluated", "listener", f.listener.arn)
	})
	if f.decide() {
		f.authAnswer(http.StatusOK, "allow")
	}
}

// describe makes f.seen the request that is asked about.
func (f *flow) describe() bool {
	var original, forwarded described
	var realIP, path, host string
	realIPs := 0
	f.fields = f.fields[:0]
	for _, field := range f.x.Head().Fields {
		name := strings.ToLower(field.Name)
		switch name {
		case "x-original-uri", "x-original-url":
			original.uri = field.Value
			original.times++
		case "x-original-method":
			original.method = field.Value
		case "x-original-host":
			original.host = field.Value
		case "x-original-proto":
			original.scheme = field.Value
		case "x-forwarded-uri":
			forwarded.uri = field.Value
			forwarded.times++
		case "x-forwarded-method":
			forwarded.method = field.Value
		case "x-forwarded-host":
			forwarded.host = field.Value
		case "x-forwarded-proto":
			forwarded.scheme = field.Value
		case "x-forwarded-for":
			if path != "" {
				path += ", "
			}
			path += field.Value
		case "x-real-ip":
			realIP = field.Value
			realIPs++
		case "x-forwarded-port", "x-forwarded-server", "content-length", "transfer-encoding", "connection":
		case "host":
			host = field.Value
		default:
			f.fields = append(f.fields, request.Field(field))
		}
	}
	f.nginx = original.times > 0
	if original.times+forwarded.times != 1 || realIPs > 1 {
		return false
	}
	d, address := forwarded, ""
	if f.nginx {
		d, address = original, realIP
	}
	if address == "" {
		// The last address is what the proxy that asks has seen; the others came with the
		// request.
		i := strings.LastIndexByte(path, ',')
		address, path = strings.TrimSpace(path[i+1:]), path[:max(i, 0)]
	}
	if path != "" {
		f.fields = append(f.fields, request.Field{Name: "X-Forwarded-For", Value: path})
	}
	if d.host == "" {
		d.host = host
	}
	// X-Original-URL of some controllers is a whole URL.
	if scheme, rest, ok := strings.Cut(d.uri, "://"); ok && !strings.HasPrefix(d.uri, "/") {
		d.scheme = scheme
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			d.host, d.uri = rest[:i], rest[i:]
		} else {
			d.host, d.uri = rest, "/"
		}
	}
	if d.method == "" {
		d.method = http.MethodGet
	}
	client, err := netip.ParseAddr(address)
	// The same form as a request that came itself.
	var h http1.Head
	if err != nil || http1.Assemble(&h, d.method, d.uri, d.host, nil, headLimits) != nil {
		return false
	}
	if d.scheme != "https" {
		d.scheme = "http"
	}
	f.fields = append(f.fields, request.Field{Name: "Host", Value: d.host})
	f.seen.Method, f.seen.Target, f.seen.Host, f.seen.Scheme = d.method, d.uri, d.host, d.scheme
	f.seen.Fields, f.seen.Remote = f.fields, client.Unmap().WithZone("")
	f.seen.BodyUnseen = true
	f.seen.JA3, f.seen.JA4 = "", ""
	f.outcome.ClientPort = 0
	return true
}

// authAnswer answers with a status and without a body.
func (f *flow) authAnswer(status int, decision string) {
	f.authorized = decision
	r := *page(http.StatusForbidden)
	if status == http.StatusOK {
		r = Response{Fields: f.verdict.Insert}
	}
	r.Status = status
	f.answer(&r, "waf")
}

// authFields appends what answers of the endpoint have, and returns the status that whoever
// asks understands: nginx takes any but 2XX, 401 and 403 for a failure of the endpoint.
func (f *flow) authFields(fields []http1.Field, status int) ([]http1.Field, int) {
	decision := f.authorized
	if decision == "" {
		decision = "block"
	}
	fields = append(fields, http1.Field{Name: AuthField, Value: decision + "; body-not-inspected"})
	if f.nginx && status/100 != 2 && status != http.StatusUnauthorized && status != http.StatusForbidden {
		fields = append(fields, http1.Field{Name: AuthStatusField, Value: strconv.Itoa(status)})
		status = http.StatusForbidden
	}
	if status/100 == 2 && decision != "allow" {
		// A custom response of 2XX, or a challenge of 202, must not be taken for consent.
		fields = append(fields, http1.Field{Name: AuthStatusField, Value: strconv.Itoa(status)})
		status = http.StatusForbidden
	}
	return fields, status
}
