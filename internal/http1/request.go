package http1

import (
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// maxKeptFields is the largest header whose map is used again.
const maxKeptFields = 64

// request makes the http.Request of the head that was read. It is what net/http would
// make of it, except that Trailer is set when the body was read, and only then, and that
// Pragma does not become Cache-Control. The error is a *Refusal.
func (c *conn) request() (*http.Request, error) {
	h, r := &c.head, &c.req
	*r = *c.blank
	u, err := c.target(h)
	if err != nil {
		return nil, err
	}
	if len(c.header) > maxKeptFields {
		c.header = make(http.Header, len(h.Fields))
	} else {
		clear(c.header)
	}
	if cap(c.values) < len(h.Fields) || cap(c.values) > maxKeptFields {
		c.values = make([]string, len(h.Fields))
	}
	c.values = c.values[:len(h.Fields)]
	for i := range h.Fields {
		f := &h.Fields[i]
		if fold(f.Name, "host") || fold(f.Name, "transfer-encoding") {
			continue // r.Host, r.TransferEncoding
		}
		key := textproto.CanonicalMIMEHeaderKey(f.Name)
		if before, ok := c.header[key]; ok {
			c.header[key] = append(before, f.Value)
			continue
		}
		value := c.values[i : i+1 : i+1]
		value[0] = f.Value
		c.header[key] = value
	}
	r.Method, r.URL, r.RequestURI, r.Host = h.Method, u, h.Target, h.Host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if h.Minor == 0 {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	r.Header, r.ContentLength, r.Close = c.header, h.Length, h.Close
	if h.Chunked {
		r.TransferEncoding = []string{"chunked"}
	}
	r.Body = http.NoBody
	if h.Length != 0 {
		r.Body = &c.body
	}
	return r, nil
}

// target makes the URL of the request. A path without anything to decode is most often
// what a client of an API sends, and needs no parser.
func (c *conn) target(h *Head) (*url.URL, error) {
	if h.Form == Origin {
		path, query, found := strings.Cut(h.Target, "?")
		if all(path, plainByte) {
			c.url = url.URL{Path: path, RawQuery: query, ForceQuery: found && query == ""}
			return &c.url, nil
		}
	}
	target := h.Target
	if h.Form == Authority {
		target = "http://" + target
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, bad("malformed request target")
	}
	if h.Form == Authority {
		u.Scheme = ""
	}
	return u, nil
}

// connContext is the context of all requests of a connection.
type connContext struct {
	context.Context
	c *conn
}

type headKey struct{}

// Value implements context.Context.
func (x *connContext) Value(key any) any {
	switch key {
	case headKey{}:
		return &x.c.head
	case http.LocalAddrContextKey:
		return x.c.nc.LocalAddr()
	}
	return x.Context.Value(key)
}

// HeadOf returns the head of the request that a Server's handler serves in ctx: its
// fields in order and as they were spelled. It is nil elsewhere, and not to be used after
// the handler has returned.
func HeadOf(ctx context.Context) *Head {
	h, _ := ctx.Value(headKey{}).(*Head)
	return h
}
