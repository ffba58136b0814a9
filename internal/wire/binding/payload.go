package binding

import (
	"bytes"
	"io"
	"unicode/utf8"
	"unsafe"

	"fastness/internal/wire"
)

// InBody tells whether a member is part of the body document.
func InBody(m *wire.Member) bool { return m.Location == wire.InBody || m.Location == wire.InHostLabel }

// Payload is the member of s that is the whole body, or nil.
func Payload(s *wire.Shape) *wire.Member {
	if s.Payload < 0 || int(s.Payload) >= len(s.Members) {
		return nil
	}
	return &s.Members[s.Payload]
}

// HasBody tells whether a structure has members for a body document, or no members
// at all.
func HasBody(s *wire.Shape) bool {
	for i := range s.Members {
		if InBody(&s.Members[i]) {
			return true
		}
	}
	return len(s.Members) == 0
}

// DecodeRaw reads a payload that is not a document: a blob, a stream or a string. It
// reports false when the member is none of these.
func DecodeRaw(m *wire.Member, req *wire.Request, dst unsafe.Pointer) (bool, error) {
	s := m.Shape()
	switch {
	case s.Streaming:
		stream := req.Stream
		if stream == nil {
			stream = io.NopCloser(bytes.NewReader(req.Body))
		}
		*(*io.ReadCloser)(dst) = stream
		return true, nil
	case s.Kind == wire.Blob:
		if len(req.Body) > 0 {
			*(*[]byte)(s.Place(dst, m.Boxed())) = bytes.Clone(req.Body)
		}
		return true, nil
	case s.Kind == wire.String:
		if !utf8.Valid(req.Body) {
			return true, fail(m, errUTF8)
		}
		if len(req.Body) > 0 {
			*(*string)(s.Place(dst, m.Boxed())) = string(req.Body)
		}
		return true, nil
	}
	return false, nil
}

// EncodeRaw writes a payload at v (nil when absent) that is not a document into res.
// It reports false when the member is a document.
func EncodeRaw(m *wire.Member, v unsafe.Pointer, res *wire.Response) bool {
	s := m.Shape()
	switch {
	case s.Streaming:
		if v != nil {
			res.Stream = *(*io.ReadCloser)(v)
		}
		setDefaultType(res, "application/octet-stream", v)
	case s.Kind == wire.Blob:
		if v != nil {
			res.Body = append(res.Body, *(*[]byte)(v)...)
		}
		setDefaultType(res, "application/octet-stream", v)
	case s.Kind == wire.String:
		if v != nil {
			res.Body = append(res.Body, *(*string)(v)...)
		}
		setDefaultType(res, "text/plain", v)
	default:
		return false
	}
	return true
}

// setDefaultType sets the content type unless a member bound to the header has.
func setDefaultType(res *wire.Response, contentType string, v unsafe.Pointer) {
	if v != nil && res.Header.Get("Content-Type") == "" {
		res.Header.Set("Content-Type", contentType)
	}
}
