package http1

import "strings"

// Assemble makes a head of what HTTP/2 says in fields of its own, as strictly as Parse makes
// one of text: what Parse would refuse cannot be said in HTTP/2 either. fields are those
// without the pseudo-header fields. authority may be empty if there is a Host; if there are
// both they must be equal. Length is -1 when no Content-Length says it. The error is a
// *Refusal. h is overwritten and keeps fields.
func Assemble(h *Head, method, target, authority string, fields []Field, limits Limits) error {
	*h = Head{Method: method, Target: target, Minor: 1, Fields: fields, Length: -1}
	switch {
	case len(fields) > limits.Fields:
		return errFields
	case method == "" || !all(method, tokenByte):
		return bad("malformed method")
	case method == "CONNECT":
		h.Target = authority
	case target == "" || !all(target, targetByte):
		return bad("invalid byte in the request target")
	case limits.Target > 0 && len(target) > limits.Target:
		return errTarget
	case target[0] != '/' && target != "*":
		return bad("malformed request target")
	}
	if err := h.form(); err != nil {
		return err
	}
	f := framing{}
	for i := range fields {
		field := &fields[i]
		switch {
		case field.Name == "" || !all(field.Name, tokenByte):
			return bad("malformed header name")
		case hasControl([]byte(field.Value)) || trim(field.Value) != field.Value:
			return bad("malformed header value")
		}
		if err := f.note(h, field); err != nil {
			return err
		}
	}
	if f.coding {
		return bad("Transfer-Encoding in HTTP/2")
	}
	if authority == "" {
		h.Continue = f.expects
		return h.settleHost(&f)
	}
	switch {
	case f.hosts > 1:
		return bad("more than one Host")
	case f.hosts == 1 && !strings.EqualFold(f.host, authority):
		return bad("Host is another than :authority")
	case !validHost(authority):
		return bad("malformed :authority")
	}
	h.Host, h.Continue = authority, f.expects
	return nil
}
