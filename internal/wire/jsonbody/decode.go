package jsonbody

import (
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/timefmt"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 100

// A document of n bytes may make the decoder allocate at most
// baseBudget + budgetPerByte*n bytes of list elements, map entries and structures.
const (
	baseBudget    = 1 << 20
	budgetPerByte = 64
)

// DecodeStruct reads the object in body into the struct of shape s at dst. With
// bodyOnly, members that travel outside the body (headers, labels, …) are ignored
// at the top level.
func DecodeStruct(body []byte, s *wire.Shape, dst unsafe.Pointer, bodyOnly bool) error {
	d, err := newDecoder(body)
	if err != nil {
		return err
	}
	defer d.release()
	switch c := d.peek(); c {
	case '{':
	case '[':
		return mismatch(errList)
	default:
		return d.syntax("an object")
	}
	if err := d.structure(s, dst, bodyOnly); err != nil {
		return err
	}
	return d.end()
}

// DecodeValue reads the one value in body into the field of member m at dst: the
// payload of a REST operation. JSON null leaves the field as it is.
func DecodeValue(body []byte, m *wire.Member, dst unsafe.Pointer) error {
	d, err := newDecoder(body)
	if err != nil {
		return err
	}
	defer d.release()
	d.peek()
	if _, err := d.value(m, dst, m.Boxed()); err != nil {
		return err
	}
	return d.end()
}

// decoder is a cursor over a body that is valid UTF-8.
type decoder struct {
	b      []byte
	i      int
	depth  int
	budget int
	// scratch holds the last string that had escapes.
	scratch []byte
}

func newDecoder(body []byte) (*decoder, error) {
	if !utf8.Valid(body) {
		return nil, &Error{Detail: "the body is not valid UTF-8"}
	}
	d := decoders.Get().(*decoder)
	*d = decoder{b: body, budget: baseBudget + budgetPerByte*len(body)}
	return d, nil
}

// decoders holds the memory of decoders; nothing that they have read stays in it.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

func (d *decoder) release() {
	clear(d.scratch[:cap(d.scratch)]) // it may hold a secret
	*d = decoder{}
	decoders.Put(d)
}

// peek skips white space and returns the next byte without consuming it; 0 at the end.
func (d *decoder) peek() byte {
	for d.i < len(d.b) {
		switch c := d.b[d.i]; c {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) end() error {
	if d.peek() != 0 || d.i < len(d.b) {
		return d.syntax("the end of the body")
	}
	return nil
}

func (d *decoder) enter() error {
	d.depth++
	if d.depth > MaxDepth {
		return &Error{Detail: "nested too deep", Offset: d.i}
	}
	return nil
}

func (d *decoder) charge(n int) error {
	d.budget -= n
	if d.budget < 0 {
		return &Error{Detail: "too many elements", Offset: d.i}
	}
	return nil
}

// more steps to the next element of an object or array. It consumes the comma, or
// the closing byte when there are no more.
func (d *decoder) more(first bool, closing byte) (bool, error) {
	c := d.peek()
	if c == closing {
		d.i++
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, d.syntax("a comma")
	}
	d.i++
	if d.peek() == closing {
		return false, d.syntax("an element")
	}
	return true, nil
}

// key reads a member name and the colon. The bytes are valid until the next string.
func (d *decoder) key() ([]byte, error) {
	if d.peek() != '"' {
		return nil, d.syntax("a member name")
	}
	k, err := d.text()
	if err != nil {
		return nil, err
	}
	if d.peek() != ':' {
		return nil, d.syntax("a colon")
	}
	d.i++
	d.peek()
	return k, nil
}

func (d *decoder) structure(s *wire.Shape, dst unsafe.Pointer, bodyOnly bool) error {
	if err := d.enter(); err != nil {
		return err
	}
	d.i++
	set := 0
	for first := true; ; first = false {
		ok, err := d.more(first, '}')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		k, err := d.key()
		if err != nil {
			return err
		}
		m := s.Member(view(k))
		if m == nil || bodyOnly && m.Location != wire.InBody && m.Location != wire.InHostLabel {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		present, err := d.value(m, m.Field(dst), m.Boxed())
		if err != nil {
			return err
		}
		if present {
			set++
		} else {
			m.Shape().Clear(m.Field(dst), m.Boxed())
		}
	}
	if s.Union && set > 1 {
		return &Error{Detail: "more than one member of a union", Offset: d.i}
	}
	d.depth--
	return nil
}

// value reads one value of member m into the field at dst. It reports false for null
// and then writes nothing.
func (d *decoder) value(m *wire.Member, dst unsafe.Pointer, boxed bool) (bool, error) {
	s := m.Shape()
	c := byte(0)
	if d.i < len(d.b) {
		c = d.b[d.i]
	}
	if c == 'n' {
		return false, d.literal("null")
	}
	switch s.Kind {
	case wire.String:
		if c != '"' {
			return false, d.wrong(c, "a String")
		}
		t, err := d.text()
		if err != nil {
			return false, err
		}
		wire.PlaceString(dst, boxed, t)
		return true, nil
	case wire.Blob:
		if c != '"' {
			return false, d.wrong(c, "a Blob")
		}
		v, err := d.blob()
		if err != nil {
			return false, err
		}
		*(*[]byte)(s.Place(dst, boxed)) = v
		return true, nil
	case wire.Structure:
		if c != '{' {
			return false, d.wrongContainer(c, "Expected null")
		}
		if err := d.charge(int(s.Size)); err != nil {
			return false, err
		}
		return true, d.structure(s, s.Place(dst, boxed), false)
	case wire.List:
		if c != '[' {
			return false, d.wrongContainer(c, "Expected list or null")
		}
		return true, d.list(s, s.Place(dst, boxed))
	case wire.Map:
		if c != '{' {
			return false, d.wrongContainer(c, "Expected map or null")
		}
		return true, d.mapping(s, s.Place(dst, boxed))
	case wire.Boolean:
		switch c {
		case 't':
			if err := d.literal("true"); err != nil {
				return false, err
			}
			*(*bool)(s.Place(dst, boxed)) = true
			return true, nil
		case 'f':
			if err := d.literal("false"); err != nil {
				return false, err
			}
			*(*bool)(s.Place(dst, boxed)) = false
			return true, nil
		}
		return false, d.wrong(c, "a Boolean")
	case wire.Integer, wire.Long:
		return true, d.integer(s, dst, boxed, c)
	case wire.Float, wire.Double:
		return true, d.float(s, dst, boxed, c)
	case wire.Timestamp:
		t, err := d.timestamp(m, c)
		if err != nil {
			return false, err
		}
		*(*time.Time)(s.Place(dst, boxed)) = t
		return true, nil
	case wire.Document:
		v, err := d.document()
		if err != nil {
			return false, err
		}
		*(*any)(s.Place(dst, boxed)) = v
		return true, nil
	}
	return false, &Error{Detail: "shape of unknown kind", Offset: d.i}
}

func (d *decoder) list(s *wire.Shape, dst unsafe.Pointer) error {
	if err := d.enter(); err != nil {
		return err
	}
	d.i++
	s.ListOps.Make(dst, 0)
	elem := &s.Elem
	size := elem.Shape().ValueSize(s.Sparse)
	for first := true; ; first = false {
		ok, err := d.more(first, ']')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		// A null in a list that cannot hold one is left out, as AWS does.
		if d.peek() == 'n' && !s.Sparse {
			if err := d.literal("null"); err != nil {
				return err
			}
			continue
		}
		if err := d.charge(size); err != nil {
			return err
		}
		if _, err := d.value(elem, s.ListOps.Append(dst), s.Sparse); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

func (d *decoder) mapping(s *wire.Shape, dst unsafe.Pointer) error {
	if err := d.enter(); err != nil {
		return err
	}
	d.i++
	s.MapOps.Make(dst, 0)
	elem := &s.Elem
	// A map entry costs its key's header and some room in the table besides its value.
	size := elem.Shape().ValueSize(s.Sparse) + 32
	fill := func(v unsafe.Pointer) error {
		_, err := d.value(elem, v, s.Sparse)
		return err
	}
	for first := true; ; first = false {
		ok, err := d.more(first, '}')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		k, err := d.key()
		if err != nil {
			return err
		}
		name := string(k)
		if err := d.charge(size); err != nil {
			return err
		}
		if d.peek() == 'n' && !s.Sparse {
			if err := d.literal("null"); err != nil {
				return err
			}
			s.MapOps.Delete(dst, name)
			continue
		}
		if err := s.MapOps.Set(dst, name, fill); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

func (d *decoder) integer(s *wire.Shape, dst unsafe.Pointer, boxed bool, c byte) error {
	kind, bits := "an Integer", 32
	if s.Kind == wire.Long {
		kind, bits = "a Long", 64
	}
	if c != '-' && (c < '0' || c > '9') {
		return d.wrong(c, kind)
	}
	num, integral, err := d.number()
	if err != nil {
		return err
	}
	if !integral {
		return mismatch("NUMBER_VALUE can not be converted to " + kind)
	}
	n, err := strconv.ParseInt(view(num), 10, bits)
	if err != nil {
		return mismatch("NUMBER_VALUE can not be converted to " + kind)
	}
	p := s.Place(dst, boxed)
	if bits == 64 {
		*(*int64)(p) = n
	} else {
		*(*int32)(p) = int32(n)
	}
	return nil
}

func (d *decoder) float(s *wire.Shape, dst unsafe.Pointer, boxed bool, c byte) error {
	kind, bits := "a Float", 32
	if s.Kind == wire.Double {
		kind, bits = "a Double", 64
	}
	var lit []byte
	switch {
	case c == '"':
		t, err := d.text()
		if err != nil {
			return err
		}
		switch string(t) {
		case "NaN", "Infinity", "-Infinity":
			lit = t
		default:
			return mismatch("STRING_VALUE can not be converted to " + kind)
		}
	case c == '-' || c >= '0' && c <= '9':
		num, _, err := d.number()
		if err != nil {
			return err
		}
		lit = num
	default:
		return d.wrong(c, kind)
	}
	v, err := strconv.ParseFloat(view(lit), bits)
	if err != nil {
		return mismatch("NUMBER_VALUE can not be converted to " + kind)
	}
	p := s.Place(dst, boxed)
	if bits == 64 {
		*(*float64)(p) = v
	} else {
		*(*float32)(p) = float32(v)
	}
	return nil
}

// timestamp reads a number as seconds since 1970 whatever the model's format is, and
// a string as the model's format or ISO 8601.
func (d *decoder) timestamp(m *wire.Member, c byte) (time.Time, error) {
	const target = "milliseconds since epoch"
	if c == '"' {
		text, err := d.text()
		if err != nil {
			return time.Time{}, err
		}
		if m.TimeFormat() == wire.HTTPDate {
			if t, err := timefmt.ParseHTTPDate(view(text)); err == nil {
				return t, nil
			}
		}
		t, err := timefmt.ParseISO8601(view(text))
		if err != nil {
			return time.Time{}, mismatch("STRING_VALUE can not be converted to " + target)
		}
		return t, nil
	}
	if c != '-' && (c < '0' || c > '9') {
		return time.Time{}, d.wrong(c, target)
	}
	num, _, err := d.number()
	if err != nil {
		return time.Time{}, err
	}
	t, err := timefmt.ParseEpoch(view(num))
	if err != nil {
		return time.Time{}, mismatch("NUMBER_VALUE can not be converted to " + target)
	}
	return t, nil
}

// view looks at b as a string without copying. The result must not outlive the call
// it is passed to.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
