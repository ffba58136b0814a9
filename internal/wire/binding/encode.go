package binding

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/scalar"
)

// Encode writes the members of the struct of shape s at p that travel in headers or
// are the status code into res.
func Encode(s *wire.Shape, p unsafe.Pointer, res *wire.Response) error {
	for i := range s.Members {
		m := &s.Members[i]
		if m.Location != wire.InHeader && m.Location != wire.InHeaders && m.Location != wire.InStatus {
			continue
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		var err error
		switch m.Location {
		case wire.InStatus:
			if m.Shape().Kind == wire.Integer {
				if n := int(*(*int32)(v)); n >= 100 && n <= 999 {
					res.Status = n
				}
			}
		case wire.InHeader:
			err = encodeHeader(m, v, res)
		case wire.InHeaders:
			err = encodePrefix(m, v, res)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func encodeHeader(m *wire.Member, v unsafe.Pointer, res *wire.Response) error {
	s := m.Shape()
	if s.Kind != wire.List {
		text, err := scalar.Append(nil, m, wire.HTTPDate, v)
		if err != nil {
			return err
		}
		if isJSON(m) {
			res.Header.Set(m.WireName, base64.StdEncoding.EncodeToString(text))
		} else {
			res.Header.Set(m.WireName, oneLine(string(text)))
		}
		return nil
	}
	n := s.ListOps.Len(v)
	if n == 0 {
		return nil
	}
	var list []byte
	for i := range n {
		if i > 0 {
			list = append(list, ", "...)
		}
		e := s.Elem.Shape().Present(s.ListOps.Index(v, i), s.Sparse)
		if e == nil {
			continue
		}
		text, err := scalar.Append(nil, &s.Elem, wire.HTTPDate, e)
		if err != nil {
			return err
		}
		if s.Elem.Shape().Kind == wire.String {
			list = appendListElement(list, string(text))
		} else {
			list = append(list, text...)
		}
	}
	res.Header.Set(m.WireName, oneLine(string(list)))
	return nil
}

func encodePrefix(m *wire.Member, v unsafe.Pointer, res *wire.Response) error {
	s := m.Shape()
	if s.Kind != wire.Map {
		return errShape
	}
	for name, e := range s.MapOps.All(v) {
		if e = s.Elem.Shape().Present(e, s.Sparse); e == nil {
			continue
		}
		text, err := scalar.Append(nil, &s.Elem, wire.HTTPDate, e)
		if err != nil {
			return err
		}
		if m.WireName == "" {
			res.Header.Set(oneLine(name), oneLine(string(text)))
			continue
		}
		// Not Set: clients take the rest of the name as it is on the wire, and it was
		// stored in lower case.
		res.Header[strings.ToLower(m.WireName)+oneLine(name)] = []string{oneLine(string(text))}
	}
	return nil
}

// oneLine replaces what would end a header line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
