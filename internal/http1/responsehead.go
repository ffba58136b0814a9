package http1

import (
	"net/http"
	"strings"
)

// ResponseHead is what the head of a response says. Its strings share the memory of one
// copy of the head. It may be used for one response after another.
type ResponseHead struct {
	// Minor is the minor version: 1, or 0 for HTTP/1.0.
	Minor int
	// Status is 100–599.
	Status int
	// Fields are all header fields in order.
	Fields []Field
	// Length is the length of the body that follows, in bytes; -1 when it is Chunked or
	// ends with the connection.
	Length int64
	// Declared is the value of Content-Length, -1 without one: to a request by HEAD and with
	// status 304 no body follows it.
	Declared int64
	// Chunked tells whether the body is in the chunked coding.
	Chunked bool
	// Close tells whether the connection ends behind this response.
	Close bool
}

// ParseResponse reads the whole head of a response to a request by method: b ends with the
// empty line. The error is a *Refusal: what two clients could read differently is refused
// as Parse does. h is overwritten; nothing of b is kept.
func ParseResponse(h *ResponseHead, b []byte, method string, limits Limits) error {
	if len(b) > limits.Bytes {
		return errTooLarge
	}
	end, _, err := headEnd(b, 0, 0)
	if err != nil {
		return err
	}
	if end != len(b) || end == 0 {
		return bad("incomplete header")
	}
	return parseResponse(h, b, method, &limits)
}

// parseResponse reads a head whose lines headEnd has checked to end properly.
func parseResponse(h *ResponseHead, b []byte, method string, limits *Limits) error {
	text := string(b)
	end := strings.IndexByte(text, '\n') - 1
	*h = ResponseHead{Fields: h.Fields[:0]}
	if err := h.statusLine(text[:end], b[:end]); err != nil {
		return err
	}
	var request Head // what framing notes of length and coding it notes there
	f := framing{}
	for at := end + 2; ; {
		end := strings.IndexByte(text[at:], '\n') + at - 1
		if end == at {
			break
		}
		if len(h.Fields) == limits.Fields {
			return errFields
		}
		field, err := parseField(b[at:end], text[at:end])
		if err != nil {
			return err
		}
		h.Fields = append(h.Fields, field)
		if len(field.Name) != len("expect") {
			if err := f.note(&request, &field); err != nil {
				return err
			}
		}
		at = end + 2
	}
	return h.settle(&f, request.Length, method)
}

// statusLine reads "HTTP-version SP status-code SP [ reason-phrase ]" (RFC 9112 §4). The
// space before a reason that is not there is often left out.
func (h *ResponseHead) statusLine(line string, raw []byte) error {
	const least = len("HTTP/1.1 200")
	switch {
	case len(line) < least || line[:7] != "HTTP/1." || line[8] != ' ' || len(line) > least && line[least] != ' ':
		return bad("malformed status line")
	case hasControl(raw):
		return bad("control byte in the status line")
	case line[7] == '1':
		h.Minor = 1
	case line[7] != '0':
		return errVersion
	}
	for _, c := range []byte(line[9:least]) {
		if !isDigit(c) {
			return bad("malformed status")
		}
		h.Status = h.Status*10 + int(c-'0')
	}
	if h.Status < 100 || h.Status > 599 {
		return bad("malformed status")
	}
	return nil
}

// settle decides once all fields are known (RFC 9112 §6.3).
func (h *ResponseHead) settle(f *framing, length int64, method string) error {
	if f.coding && (f.length || h.Minor == 0) {
		return bad("ambiguous length of a response")
	}
	h.Declared = -1
	if f.length {
		h.Declared = length
	}
	if h.Minor == 0 {
		h.Close = f.closes || !f.keepAlive
	} else {
		h.Close = f.closes
	}
	switch {
	case method == http.MethodHead || h.Status < 200 || h.Status == http.StatusNoContent || h.Status == http.StatusNotModified:
		if h.Status < 200 && (f.coding || f.length && length > 0) {
			return bad("an informational response with a body")
		}
	case f.coding:
		h.Chunked, h.Length = true, -1
	case f.length:
		h.Length = length
	default:
		h.Length, h.Close = -1, true
	}
	return nil
}
