package xmlbody

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/scalar"
)

// MaxDepth is how deep elements may nest.
const MaxDepth = 100

// A document of n bytes may make the reader allocate at most
// baseBudget + budgetPerByte*n bytes of list elements, map entries and structures.
const (
	baseBudget    = 1 << 20
	budgetPerByte = 64
)

// Error says why a document cannot be read. Message, which may be empty, is for the
// caller when a value has the wrong type.
type Error struct {
	Message string
	Detail  string
	Offset  int64
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return fmt.Sprintf("invalid XML: %s at offset %d", e.Detail, e.Offset)
}

// DecodeStruct reads the document in body into the struct of shape s at dst. The name
// of the root element is not checked: AWS's services take any. With bodyOnly, members
// that travel outside the body are ignored at the top level.
func DecodeStruct(body []byte, s *wire.Shape, dst unsafe.Pointer, bodyOnly bool) error {
	d := newDecoder(body)
	start, err := d.root()
	if err != nil {
		return err
	}
	if err := d.structure(s, dst, start, bodyOnly); err != nil {
		return err
	}
	return d.end()
}

// DecodeValue reads the document in body into the field of member m at dst.
func DecodeValue(body []byte, m *wire.Member, dst unsafe.Pointer) error {
	d := newDecoder(body)
	start, err := d.root()
	if err != nil {
		return err
	}
	if err := d.value(m, dst, m.Boxed(), start); err != nil {
		return err
	}
	return d.end()
}

type decoder struct {
	x      *xml.Decoder
	depth  int
	budget int
}

func newDecoder(body []byte) *decoder {
	x := xml.NewDecoder(bytes.NewReader(body))
	x.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		return nil, errors.New("the encoding is not UTF-8")
	}
	return &decoder{x: x, budget: baseBudget + budgetPerByte*len(body)}
}

func (d *decoder) fail(detail string) error {
	return &Error{Detail: detail, Offset: d.x.InputOffset()}
}

func (d *decoder) charge(n int) error {
	d.budget -= n
	if d.budget < 0 {
		return d.fail("too many elements")
	}
	return nil
}

// token returns the next start tag, end tag or character data.
func (d *decoder) token() (xml.Token, error) {
	for {
		// RawToken would not check that tags match.
		t, err := d.x.Token()
		if err == io.EOF {
			return nil, d.fail("unexpected end")
		}
		if err != nil {
			return nil, d.fail(err.Error())
		}
		switch t.(type) {
		case xml.Directive:
			return nil, d.fail("a document type declaration is not allowed")
		case xml.Comment, xml.ProcInst:
			continue
		case xml.StartElement:
			if d.depth++; d.depth > MaxDepth {
				return nil, d.fail("nested too deep")
			}
		case xml.EndElement:
			d.depth--
		}
		return t, nil
	}
}

func (d *decoder) root() (xml.StartElement, error) {
	for {
		t, err := d.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return xml.StartElement{}, d.fail("text before the root element")
			}
		}
	}
}

// end checks that nothing but white space and comments follows the root element.
func (d *decoder) end() error {
	for {
		t, err := d.x.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return d.fail(err.Error())
		}
		switch t := t.(type) {
		case xml.Comment, xml.ProcInst:
			continue
		case xml.CharData:
			if len(bytes.TrimSpace(t)) == 0 {
				continue
			}
		}
		return d.fail("something follows the root element")
	}
}

// skip reads to the end of the element that has just begun.
func (d *decoder) skip() error {
	for depth := d.depth; ; {
		t, err := d.token()
		if err != nil {
			return err
		}
		if _, ok := t.(xml.EndElement); ok && d.depth < depth {
			return nil
		}
	}
}

// children calls visit for each child element; visit must read to its end. Text
// between elements is ignored.
func (d *decoder) children(visit func(xml.StartElement) error) error {
	for {
		t, err := d.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (d *decoder) structure(s *wire.Shape, dst unsafe.Pointer, start xml.StartElement, bodyOnly bool) error {
	if err := d.attributes(s, dst, start); err != nil {
		return err
	}
	var set *wire.Member
	return d.children(func(child xml.StartElement) error {
		m := lookup(s, child.Name.Local)
		if m == nil || bodyOnly && m.Location != wire.InBody && m.Location != wire.InHostLabel {
			return d.skip()
		}
		if s.Union && set != nil && set != m {
			return d.fail("more than one member of a union")
		}
		set = m
		if ms := m.Shape(); m.Flattened || ms.Flattened {
			switch ms.Kind {
			case wire.List:
				p := d.open(ms, m.Field(dst), m.Boxed())
				return d.item(ms, p, child)
			case wire.Map:
				p := d.open(ms, m.Field(dst), m.Boxed())
				return d.entry(ms, p)
			}
		}
		return d.value(m, m.Field(dst), m.Boxed(), child)
	})
}

// lookup finds the member with an element name. The name of the elements of a
// flattened list is taken too: some of AWS's models give only that.
func lookup(s *wire.Shape, name string) *wire.Member {
	if m := s.Member(name); m != nil {
		if m.XMLAttribute {
			return nil
		}
		return m
	}
	for i := range s.Members {
		m := &s.Members[i]
		if ms := m.Shape(); ms.Kind == wire.List && (m.Flattened || ms.Flattened) && ms.Elem.WireName == name && name != "member" {
			return m
		}
	}
	return nil
}

// open makes a list or map present at its first element and addresses it.
func (d *decoder) open(s *wire.Shape, dst unsafe.Pointer, boxed bool) unsafe.Pointer {
	if p := s.Present(dst, boxed); p != nil {
		return p
	}
	dst = s.Place(dst, boxed)
	if s.Kind == wire.List {
		s.ListOps.Make(dst, 0)
	} else {
		s.MapOps.Make(dst, 0)
	}
	return dst
}

func (d *decoder) attributes(s *wire.Shape, dst unsafe.Pointer, start xml.StartElement) error {
	for _, a := range start.Attr {
		for i := range s.Members {
			m := &s.Members[i]
			if !m.XMLAttribute || local(m.WireName) != a.Name.Local {
				continue
			}
			if err := scalar.Parse(m, wire.ISO8601, a.Value, m.Shape().Place(m.Field(dst), m.Boxed())); err != nil {
				return &Error{Message: err.Error()}
			}
		}
	}
	return nil
}

// local is a name without its namespace prefix.
func local(name string) string {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// value reads the element that has just begun into the field at dst.
func (d *decoder) value(m *wire.Member, dst unsafe.Pointer, boxed bool, start xml.StartElement) error {
	s := m.Shape()
	switch s.Kind {
	case wire.Structure:
		if err := d.charge(int(s.Size)); err != nil {
			return err
		}
		return d.structure(s, s.Place(dst, boxed), start, false)
	case wire.List:
		dst = s.Place(dst, boxed)
		s.ListOps.Make(dst, 0)
		want := s.Elem.WireName
		if want == "" {
			want = "member"
		}
		return d.children(func(child xml.StartElement) error {
			if child.Name.Local != local(want) {
				return d.skip()
			}
			return d.item(s, dst, child)
		})
	case wire.Map:
		dst = s.Place(dst, boxed)
		s.MapOps.Make(dst, 0)
		return d.children(func(child xml.StartElement) error {
			if child.Name.Local != "entry" {
				return d.skip()
			}
			return d.entry(s, dst)
		})
	}
	text, err := d.text()
	if err != nil {
		return err
	}
	if s.Kind != wire.String {
		text = strings.TrimSpace(text)
	}
	if err := scalar.Parse(m, wire.ISO8601, text, s.Place(dst, boxed)); err != nil {
		return &Error{Message: err.Error()}
	}
	return nil
}

func (d *decoder) item(s *wire.Shape, list unsafe.Pointer, start xml.StartElement) error {
	if err := d.charge(s.Elem.Shape().ValueSize(s.Sparse)); err != nil {
		return err
	}
	return d.value(&s.Elem, s.ListOps.Append(list), s.Sparse, start)
}

// entry reads the key and the value of a map's entry.
func (d *decoder) entry(s *wire.Shape, m unsafe.Pointer) error {
	if err := d.charge(s.Elem.Shape().ValueSize(s.Sparse) + 32); err != nil {
		return err
	}
	keyName, valueName := "key", "value"
	if n := s.Key.WireName; n != "" {
		keyName = n
	}
	if n := s.Elem.WireName; n != "" {
		valueName = n
	}
	return s.MapOps.Put(m, func(v unsafe.Pointer) (key string, err error) {
		haveKey := false
		err = d.children(func(child xml.StartElement) (err error) {
			switch child.Name.Local {
			case local(keyName):
				haveKey = true
				key, err = d.text()
				return err
			case local(valueName):
				return d.value(&s.Elem, v, s.Sparse, child)
			}
			return d.skip()
		})
		if err == nil && !haveKey {
			err = d.fail("a map entry without a key")
		}
		return key, err
	})
}

// text reads the character data of an element without children, to its end.
func (d *decoder) text() (string, error) {
	var first string
	var more []byte
	for {
		t, err := d.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return "", d.fail("an element where text is expected")
		case xml.EndElement:
			if more != nil {
				return string(more), nil
			}
			return first, nil
		case xml.CharData:
			if first == "" && more == nil {
				first = string(t)
			} else {
				more = append(append(more, first...), t...)
				first = ""
			}
		}
	}
}
