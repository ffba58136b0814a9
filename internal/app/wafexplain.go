package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/seal"
	"fastness/internal/service/wafv2"
	"fastness/internal/store"
)

// WebRequest asks what a web ACL makes of a request.
type WebRequest struct {
	// WebACL is an ARN.
	WebACL string `json:"webACL"`
	// Text is the request as HTTP/1.1 has it: the request line, the fields, an empty line and the
	// body, without a transfer coding. Lines may end in LF alone.
	Text []byte `json:"text"`
	// Client is the client's address; empty means 127.0.0.1.
	Client string `json:"client,omitempty"`
}

// parse reads the text. It takes nearly everything: what a proxy refuses can be asked about too.
func (q *WebRequest) parse() (*request.Request, error) {
	head, body, found := bytes.Cut(q.Text, []byte("\r\n\r\n"))
	if !found {
		head, body, _ = bytes.Cut(q.Text, []byte("\n\n"))
	}
	lines := strings.Split(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n")
	parts := strings.Fields(lines[0])
	if len(parts) < 2 || len(parts) > 3 {
		return nil, errors.New("the first line must be a method, a target and perhaps a protocol")
	}
	r := &request.Request{Method: parts[0], Target: parts[1], Scheme: "http", Proto: "HTTP/1.1", Body: body, Remote: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	if len(parts) == 3 {
		r.Proto = parts[2]
	}
	for _, line := range lines[1:] {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no field: it has no colon", line)
		}
		value = strings.Trim(value, " \t")
		r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
		if strings.EqualFold(name, "host") && r.Host == "" {
			r.Host = value
		}
	}
	if q.Client != "" {
		ip, err := netip.ParseAddr(q.Client)
		if err != nil {
			return nil, fmt.Errorf("the client's address: %w", err)
		}
		r.Remote = ip
	}
	return r, nil
}

// ExplainWAF tells which rules of a web ACL a request meets and what they find in it. Nothing is
// forwarded, counted or recorded.
func (a *App) ExplainWAF(ctx context.Context, q *WebRequest) (*waf.Explanation, error) {
	a.mu.Lock()
	r := a.rooms
	a.mu.Unlock()
	if r == nil {
		return nil, seal.ErrSealed
	}
	web, err := q.parse()
	if err != nil {
		return nil, err
	}
	web.Time = a.config.Clock.Now()
	var spec *wafv2.Specification
	err = r.plane.store.View(ctx, func(rd store.Reader) (err error) {
		spec, err = r.plane.rooms.firewall.Specification(rd, q.WebACL)
		return err
	})
	if err != nil {
		return nil, err
	}
	groups, err := ManagedGroups(a.config.Firewall, a.config.Log)
	if err != nil {
		return nil, err
	}
	options, err := FirewallOptions(a.config.Firewall, groups)
	if err != nil {
		return nil, err
	}
	options.Sets = spec.Sets
	program, err := waf.Compile(&spec.ACL, options)
	if err != nil {
		return nil, err
	}
	return program.Explain(web, nil, waf.NewScratch(request.DefaultLimits()))
}

// ExplainWAF asks the running server.
func (o *Operator) ExplainWAF(ctx context.Context, q *WebRequest) (*waf.Explanation, error) {
	e := new(waf.Explanation)
	return e, o.call(ctx, http.MethodPost, "/v1/waf/explain", q, e)
}
