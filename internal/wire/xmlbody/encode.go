package xmlbody

import (
	"fmt"
	"unicode/utf8"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/scalar"
)

// AppendMembers appends the body members of the struct of shape s at p as elements.
// With bodyOnly, members that travel outside the body are left out.
func AppendMembers(dst []byte, s *wire.Shape, p unsafe.Pointer, bodyOnly bool) ([]byte, error) {
	var err error
	for i := range s.Members {
		m := &s.Members[i]
		if m.XMLAttribute || bodyOnly && m.Location != wire.InBody && m.Location != wire.InHostLabel {
			continue
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		if dst, err = appendMember(dst, m, v); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return dst, nil
}

// appendMember appends a member at v: one element, or for a flattened list or map
// one for each of its elements.
func appendMember(dst []byte, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	s := m.Shape()
	if m.Flattened || s.Flattened {
		switch s.Kind {
		case wire.List:
			return appendItems(dst, s, v, m.WireName)
		case wire.Map:
			return appendEntries(dst, s, v, m.WireName, m)
		}
	}
	return AppendElement(dst, m.WireName, m, v)
}

// AppendRoot appends the value of member m at v as the root element of a document. Its
// namespace is the member's, else that of its shape.
func AppendRoot(dst []byte, name string, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	uri, prefix := m.XMLNamespace, m.XMLNamespacePrefix
	if uri == "" {
		uri, prefix = m.Shape().XMLNamespace, m.Shape().XMLNamespacePrefix
	}
	return appendIn(dst, name, uri, prefix, m, v)
}

// AppendElement appends the value of member m at v as one element called name.
func AppendElement(dst []byte, name string, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	return appendIn(dst, name, m.XMLNamespace, m.XMLNamespacePrefix, m, v)
}

// appendIn appends an element that declares the namespace uri.
func appendIn(dst []byte, name, uri, prefix string, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	s := m.Shape()
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = appendXMLNS(dst, uri, prefix)
	var err error
	switch s.Kind {
	case wire.Structure:
		if dst, err = appendAttributes(dst, s, v); err != nil {
			return nil, err
		}
		dst = append(dst, '>')
		dst, err = AppendMembers(dst, s, v, false)
	case wire.List:
		dst = append(dst, '>')
		item := s.Elem.WireName
		if item == "" {
			item = "member"
		}
		dst, err = appendItems(dst, s, v, item)
	case wire.Map:
		dst = append(dst, '>')
		dst, err = appendEntries(dst, s, v, "entry", nil)
	case wire.String:
		dst = append(dst, '>')
		dst = AppendText(dst, *(*string)(v))
	default:
		dst = append(dst, '>')
		// No other scalar has a character that XML escapes.
		dst, err = scalar.Append(dst, m, wire.ISO8601, v)
	}
	if err != nil {
		return nil, err
	}
	return AppendEnd(dst, name), nil
}

func appendItems(dst []byte, s *wire.Shape, v unsafe.Pointer, name string) ([]byte, error) {
	var err error
	for i := range s.ListOps.Len(v) {
		e := s.ListOps.Index(v, i)
		if s.Sparse {
			if e = s.Elem.Shape().Present(e, true); e == nil {
				dst = AppendStart(dst, name, "")
				dst = AppendEnd(dst, name)
				continue
			}
		}
		if dst, err = AppendElement(dst, name, &s.Elem, e); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return dst, nil
}

// appendEntries appends the entries of a map, each as an element called name. In a
// flattened map the element is the member's own, with its namespace.
func appendEntries(dst []byte, s *wire.Shape, v unsafe.Pointer, name string, m *wire.Member) ([]byte, error) {
	keyName, valueName := s.Key.WireName, s.Elem.WireName
	if keyName == "" {
		keyName = "key"
	}
	if valueName == "" {
		valueName = "value"
	}
	var err error
	for k, e := range s.MapOps.All(v) {
		dst = append(dst, '<')
		dst = append(dst, name...)
		if m != nil {
			dst = appendXMLNS(dst, m.XMLNamespace, m.XMLNamespacePrefix)
		}
		dst = append(dst, '>')
		if dst, err = AppendElement(dst, keyName, &s.Key, unsafe.Pointer(&k)); err != nil {
			return nil, fmt.Errorf("key of a map: %w", err)
		}
		if s.Sparse {
			e = s.Elem.Shape().Present(e, true)
		}
		if e == nil {
			dst = AppendEnd(AppendStart(dst, valueName, ""), valueName)
		} else if dst, err = AppendElement(dst, valueName, &s.Elem, e); err != nil {
			return nil, fmt.Errorf("value of a map: %w", err)
		}
		dst = AppendEnd(dst, name)
	}
	return dst, nil
}

// appendXMLNS appends the declaration of a namespace, if there is one.
func appendXMLNS(dst []byte, uri, prefix string) []byte {
	if uri == "" {
		return dst
	}
	dst = append(dst, " xmlns"...)
	if prefix != "" {
		dst = append(dst, ':')
		dst = append(dst, prefix...)
	}
	dst = append(dst, `="`...)
	dst = appendEscaped(dst, uri, true)
	return append(dst, '"')
}

func appendAttributes(dst []byte, s *wire.Shape, p unsafe.Pointer) ([]byte, error) {
	for i := range s.Members {
		m := &s.Members[i]
		if !m.XMLAttribute {
			continue
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		text, err := scalar.Append(nil, m, wire.ISO8601, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		dst = append(dst, ' ')
		dst = append(dst, m.WireName...)
		dst = append(dst, `="`...)
		dst = appendEscaped(dst, string(text), true)
		dst = append(dst, '"')
	}
	return dst, nil
}

// AppendStart appends a start tag, with xmlns when namespace is not empty.
func AppendStart(dst []byte, name, namespace string) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = appendXMLNS(dst, namespace, "")
	return append(dst, '>')
}

// AppendEnd appends an end tag.
func AppendEnd(dst []byte, name string) []byte {
	dst = append(dst, "</"...)
	dst = append(dst, name...)
	return append(dst, '>')
}

// AppendTextElement appends <name>text</name>.
func AppendTextElement(dst []byte, name, text string) []byte {
	dst = AppendStart(dst, name, "")
	dst = AppendText(dst, text)
	return AppendEnd(dst, name)
}

// AppendText appends character data. Characters that XML 1.0 cannot hold become
// U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		n := 1
		var with string
		switch {
		case c == '&':
			with = "&amp;"
		case c == '<':
			with = "&lt;"
		case c == '>':
			with = "&gt;"
		case c == '"' && attribute:
			with = "&quot;"
		case c == '\r':
			// A literal one would be read back as a line feed.
			with = "&#xD;"
		case c == '\n':
			if attribute {
				with = "&#xA;"
			}
		case c == '\t':
			if attribute {
				with = "&#x9;"
			}
		case c < 0x20:
			with = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			r, n = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				with = "\uFFFD"
			}
		}
		if with != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, with...)
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

// AppendErrorDetails appends the body members of a modelled error but its message. A
// member that cannot be written is left out: an error must always have an answer.
func AppendErrorDetails(dst []byte, s *wire.Shape, p unsafe.Pointer) []byte {
	for i := range s.Members {
		m := &s.Members[i]
		if s.Error != nil && int(s.Error.Message) == i || m.Location != wire.InBody || m.XMLAttribute {
			continue
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		if out, err := appendMember(dst, m, v); err == nil {
			dst = out
		}
	}
	return dst
}
