package http1

import (
	"bytes"
	"net/http"
	"strings"
)

// Sentinels of common refusals; they are never changed.
var (
	errBareLF      = bad("line feed without carriage return")
	errTooLarge    = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "request header too large"}
	errTarget      = &Refusal{http.StatusRequestURITooLong, "request target too long"}
	errFields      = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "too many header fields"}
	errVersion     = &Refusal{http.StatusHTTPVersionNotSupported, "unsupported protocol version"}
	errCoding      = &Refusal{http.StatusNotImplemented, "unsupported transfer coding"}
	errExpectation = &Refusal{http.StatusExpectationFailed, "unknown expectation"}
)

// maxAround is the most that the rest of a request line, method and version, may have when
// the length of targets is limited.
const maxAround = 256

// headEnd looks for the end of a head that begins at b[0]. line is where the line
// begins that was not complete before, and seen how much was looked at. It returns the length of
// the head, with the empty line that ends it, or 0 and what to pass as line next time.
//
// A bare LF is refused although RFC 9112 §2.2 would let a recipient take it for a line
// end: not all recipients do.
func headEnd(b []byte, line, seen int) (end, next int, err error) {
	for {
		i := bytes.IndexByte(b[seen:], '\n')
		if i < 0 {
			return 0, line, nil
		}
		i += seen
		if i == line || b[i-1] != '\r' {
			return 0, line, errBareLF
		}
		if i == line+1 {
			return i + 1, line, nil
		}
		line, seen = i+1, i+1
	}
}

// Parse reads a whole head: b ends with the empty line. The error is a *Refusal. h is
// overwritten; nothing of b is kept.
func Parse(h *Head, b []byte, limits Limits) error {
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
	return parse(h, b, &limits)
}

// parse reads a head whose lines headEnd has checked to end properly.
func parse(h *Head, b []byte, limits *Limits) error {
	text := string(b) // the one copy that all strings of the head share
	end := strings.IndexByte(text, '\n') - 1
	*h = Head{Fields: h.Fields[:0]}
	if limits.Target > 0 && end > limits.Target+maxAround {
		return errTarget
	}
	if err := h.requestLine(text[:end]); err != nil {
		return err
	}
	if limits.Target > 0 && len(h.Target) > limits.Target {
		return errTarget
	}
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
		if err := f.note(h, &field); err != nil {
			return err
		}
		at = end + 2
	}
	return f.settle(h)
}

// requestLine reads "method SP request-target SP HTTP-version" (RFC 9112 §3).
func (h *Head) requestLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || target == "" {
		return bad("malformed request line")
	}
	if method == "" || !all(method, tokenByte) {
		return bad("malformed method")
	}
	switch version {
	case "HTTP/1.1":
		h.Minor = 1
	case "HTTP/1.0":
		h.Close = true
	default:
		// A version of some other form is a malformed line; here that is one of another
		// protocol, too.
		if len(version) == 8 && version[:5] == "HTTP/" && isDigit(version[5]) && version[6] == '.' && isDigit(version[7]) {
			return errVersion
		}
		return bad("malformed request line")
	}
	if !all(target, targetByte) {
		return bad("invalid byte in the request target")
	}
	h.Method, h.Target = method, target
	return h.form()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseField reads "field-name : OWS field-value OWS" (RFC 9112 §5). A line that begins
// with whitespace is a folded one (§5.2), and a space before the colon is refused (§5.1):
// both are bytes that no field name has.
func parseField(b []byte, line string) (Field, error) {
	colon := strings.IndexByte(line, ':')
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return Field{}, bad("folded header line")
	case colon <= 0 || !all(line[:colon], tokenByte):
		return Field{}, bad("malformed header name")
	case hasControl(b[colon+1:]):
		return Field{}, bad("control byte in a header value")
	}
	return Field{line[:colon], trim(line[colon+1:])}, nil
}

// framing is what the fields say of where the request ends and whom it is for.
type framing struct {
	host              string
	hosts             int
	length, coding    bool
	keepAlive, closes bool
	expects           bool
}

// note takes down what a field says.
func (f *framing) note(h *Head, field *Field) error {
	name, value := field.Name, field.Value
	switch len(name) {
	case len("host"):
		if fold(name, "host") {
			f.host = value
			f.hosts++
		}
	case len("expect"):
		if fold(name, "expect") {
			if f.expects || !fold(value, "100-continue") {
				return errExpectation
			}
			f.expects = true
		}
	case len("connection"):
		if fold(name, "connection") {
			f.connection(value)
		}
	case len("content-length"):
		if fold(name, "content-length") {
			if f.length {
				return bad("more than one Content-Length")
			}
			f.length = true
			n, ok := parseLength(value)
			if !ok {
				return bad("malformed Content-Length")
			}
			h.Length = n
		}
	case len("transfer-encoding"):
		if fold(name, "transfer-encoding") {
			if f.coding {
				return bad("more than one Transfer-Encoding")
			}
			f.coding = true
			if !fold(value, "chunked") {
				return errCoding
			}
		}
	}
	return nil
}

// connection reads the options of a Connection field (RFC 9110 §7.6.1).
func (f *framing) connection(value string) {
	for value != "" {
		var option string
		option, value, _ = strings.Cut(value, ",")
		option = trim(option)
		f.closes = f.closes || fold(option, "close")
		f.keepAlive = f.keepAlive || fold(option, "keep-alive")
	}
}

// maxLengthDigits keeps lengths below 10^18, which an int64 holds.
const maxLengthDigits = 18

// parseLength reads 1*DIGIT (RFC 9110 §8.6). Some readers take a leading zero for the
// mark of an octal number, so none may lead.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > maxLengthDigits || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// settle decides once all fields are known.
func (f *framing) settle(h *Head) error {
	if f.coding {
		switch {
		case f.length: // RFC 9112 §6.1: "ought to be handled as an error"
			return bad("both Content-Length and Transfer-Encoding")
		case h.Minor == 0: // RFC 9112 §6.1: the framing is faulty
			return bad("Transfer-Encoding in HTTP/1.0")
		}
		h.Chunked, h.Length = true, -1
	}
	if h.Minor == 0 {
		h.Close = f.closes || !f.keepAlive // RFC 9112 §9.3
	} else {
		h.Close = f.closes
		h.Continue = f.expects // RFC 9110 §10.1.1: ignored in HTTP/1.0
	}
	return h.settleHost(f)
}
