package http2

import (
	"strings"

	"golang.org/x/net/http2"

	"fastness/internal/http1"
)

// head makes a request's head. malformed tells that the stream is to be reset
// (RFC 9113 §8.1.1); a *http1.Refusal is answered.
func head(h *http1.Head, f *http2.MetaHeadersFrame, limits http1.Limits) (malformed bool, err error) {
	method, path, authority, scheme := "", "", "", ""
	fields := make([]http1.Field, 0, len(f.Fields))
	cookie := -1
	for i := range f.Fields {
		field := &f.Fields[i]
		switch field.Name {
		case ":method":
			method = field.Value
			continue
		case ":path":
			path = field.Value
			continue
		case ":authority":
			authority = field.Value
			continue
		case ":scheme":
			scheme = field.Value
			continue
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings":
			return true, nil // §8.2.2
		case "te":
			if field.Value != "trailers" {
				return true, nil
			}
		case "cookie":
			if cookie >= 0 {
				fields[cookie].Value += "; " + field.Value // §8.2.3
				continue
			}
			cookie = len(fields)
		}
		if strings.HasPrefix(field.Name, ":") {
			return true, nil // :protocol was not offered, :status is not for requests
		}
		fields = append(fields, http1.Field{Name: field.Name, Value: field.Value})
	}
	switch {
	case method == "CONNECT":
		if path != "" || scheme != "" || authority == "" {
			return true, nil // §8.5
		}
	case method == "" || path == "" || scheme == "":
		return true, nil // §8.3.1
	case scheme != "http" && scheme != "https":
		return false, &http1.Refusal{Status: 400, Reason: "unknown scheme"}
	}
	if err := http1.Assemble(h, method, path, authority, fields, limits); err != nil {
		return false, err
	}
	if f.StreamEnded() {
		if h.Length > 0 {
			return true, nil // §8.1.1: the length does not match
		}
		h.Length = 0
	}
	return false, nil
}

// trailer makes a trailer section, or nil and false if it is malformed.
func trailer(f *http2.MetaHeadersFrame) ([]http1.Field, bool) {
	fields := make([]http1.Field, 0, len(f.Fields))
	for i := range f.Fields {
		name := f.Fields[i].Name
		if strings.HasPrefix(name, ":") || !http1.MayTrail(name) {
			return nil, false
		}
		fields = append(fields, http1.Field{Name: name, Value: f.Fields[i].Value})
	}
	return fields, true
}
