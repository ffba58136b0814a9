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

// described are the fields in which proxies describe the request that they ask about, in
// lower case.
//
// nginx sends what its configuration says; what is usual is X-Original-URI (or -URL),
// X-Original-Method, X-Original-Host, X-Original-Proto. Traefik and Caddy send
// X-Forwarded-Method, -Uri, -Host and -Proto. All append the client's address to
// X-Forwarded-For, or nginx sends X-Real-IP.
type described struct {
	method, uri, host, scheme, client string
	nginx                             bool
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
	var d described
	f.fields = f.fields[:0]
	for _, field := range f.x.Head().Fields {
		switch strings.ToLower(field.Name) {
		case "x-original-uri", "x-original-url":
			d.uri, d.nginx = field.Value, true
		case "x-original-method":
			d.method, d.nginx = field.Value, true
		case "x-original-host":
			d.host = field.Value
		case "x-original-proto":
			d.scheme = field.Value
		case "x-forwarded-uri":
			d.uri = field.Value
		case "x-forwarded-method":
			d.method = field.Value
		case "x-forwarded-host":
			d.host = field.Value
		case "x-forwarded-proto":
			d.scheme = field.Value
		case "x-forwarded-for":
			// The last address is what the proxy that asks has seen; the others came with the
			// request.
			i := strings.LastIndexByte(field.Value, ',')
			d.client = strings.TrimSpace(field.Value[i+1:])
			if i > 0 {
				field.Value = field.Value[:i]
				f.fields = append(f.fields, request.Field(field))
			}
		case "x-real-ip":
			if d.client == "" {
				d.client = field.Value
			}
		case "x-forwarded-port", "x-forwarded-server", "content-length", "transfer-encoding", "connection":
		case "host":
			if d.host == "" {
				d.host = field.Value
			}
		default:
			f.fields = append(f.fields, request.Field(field))
		}
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
	client, err := netip.ParseAddr(d.client)
	// The same form as a request that came itself.
	var h http1.Head
	if err != nil || http1.Assemble(&h, d.method, d.uri, d.host, nil, headLimits) != nil {
		return false
	}
	if d.scheme != "https" {
		d.scheme = "http"
	}
	f.fields = append(f.fields, request.Field{Name: "Host", Value: d.host})
	f.nginx = d.nginx
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
