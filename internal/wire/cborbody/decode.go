package cborbody

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
	"unsafe"

	"fastness/internal/wire"
)

// MaxDepth is how deep arrays, maps and tags may nest.
const MaxDepth = 100

// A document of n bytes may make the reader allocate at most
// baseBudget + budgetPerByte*n bytes of list elements, map entries and structures.
const (
	baseBudget    = 1 << 20
	budgetPerByte = 64
)

// Error says why a body cannot be read. It never quotes the body.
type Error struct {
	Detail string
	Offset int
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("invalid CBOR: %s at offset %d", e.Detail, e.Offset)
}

// The major types of RFC 8949 §3.1.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Additional information and simple values.
const (
	infoIndefinite = 31
	simpleFalse    = 20
	simpleTrue     = 21
	simpleNull     = 22
	simpleUndef    = 23
	float16        = 25
	float32Info    = 26
	float64Info    = 27
	breakByte      = 0xff
	tagEpoch       = 1
)

// indefinite is the length of what ends with a break.
const indefinite = -1

// DecodeStruct reads the map in body into the struct of shape s at dst.
func DecodeStruct(body []byte, s *wire.Shape, dst unsafe.Pointer) error {
	d := &decoder{b: body, budget: baseBudget + budgetPerByte*len(body)}
	h, err := d.head()
	if err != nil {
		return err
	}
	if h.major != majorMap {
		return d.fail("expected a map")
	}
	if err := d.structure(s, dst, h); err != nil {
		return err
	}
	if d.i != len(d.b) {
		return d.fail("something follows the document")
	}
	return nil
}

type decoder struct {
	b      []byte
	i      int
	depth  int
	budget int
}

// head is the start of a data item. For strings, arrays and maps n is the length, or
// indefinite.
type head struct {
	major byte
	info  byte
	arg   uint64
	n     int
}

func (h head) null() bool {
	return h.major == majorSimple && (h.info == simpleNull || h.info == simpleUndef)
}

func (d *decoder) fail(detail string) error { return &Error{Detail: detail, Offset: d.i} }

func (d *decoder) charge(n int) error {
	d.budget -= n
	if d.budget < 0 {
		return d.fail("too many elements")
	}
	return nil
}

func (d *decoder) enter() error {
	if d.depth++; d.depth > MaxDepth {
		return d.fail("nested too deep")
	}
	return nil
}

// head reads the initial byte and argument of a data item.
func (d *decoder) head() (head, error) {
	if d.i >= len(d.b) {
		return head{}, d.fail("unexpected end")
	}
	c := d.b[d.i]
	h := head{major: c >> 5, info: c & 31}
	d.i++
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info <= 27:
		size := 1 << (h.info - 24)
		if len(d.b)-d.i < size {
			return head{}, d.fail("unexpected end")
		}
		var buf [8]byte
		copy(buf[8-size:], d.b[d.i:d.i+size])
		h.arg = binary.BigEndian.Uint64(buf[:])
		d.i += size
	case h.info == infoIndefinite && h.major >= majorBytes && h.major <= majorMap:
		h.n = indefinite
		return h, nil
	default:
		return head{}, d.fail("reserved initial byte")
	}
	switch h.major {
	case majorBytes, majorText, majorArray:
		// Each element takes at least one byte.
		if h.arg > uint64(len(d.b)-d.i) {
			return head{}, d.fail("a length is beyond the end")
		}
		h.n = int(h.arg)
	case majorMap:
		if h.arg > uint64(len(d.b)-d.i)/2 {
			return head{}, d.fail("a length is beyond the end")
		}
		h.n = int(h.arg)
	case majorSimple:
		if h.info == 24 && h.arg < 32 {
			return head{}, d.fail("malformed simple value")
		}
	}
	return h, nil
}

// more tells whether an array or map has another element after i of them.
func (d *decoder) more(h head, i int) (bool, error) {
	if h.n != indefinite {
		return i < h.n, nil
	}
	if d.i >= len(d.b) {
		return false, d.fail("unexpected end")
	}
	if d.b[d.i] == breakByte {
		d.i++
		return false, nil
	}
	return true, nil
}

// str reads the content of a byte or text string; it may point into the body.
func (d *decoder) str(h head) ([]byte, error) {
	if h.n != indefinite {
		out := d.b[d.i : d.i+h.n]
		d.i += h.n
		if h.major == majorText && !utf8.Valid(out) {
			return nil, d.fail("text is not valid UTF-8")
		}
		return out, nil
	}
	out := []byte{}
	for i := 0; ; i++ {
		ok, err := d.more(h, i)
		if err != nil {
			return nil, err
		}
		if !ok {
			return out, nil
		}
		chunk, err := d.head()
		if err != nil {
			return nil, err
		}
		if chunk.major != h.major || chunk.n == indefinite {
			return nil, d.fail("malformed chunk of a string")
		}
		b, err := d.str(chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
}

func (d *decoder) key() ([]byte, error) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	if h.major != majorText {
		return nil, d.fail("a map key is not text")
	}
	return d.str(h)
}

func (d *decoder) structure(s *wire.Shape, dst unsafe.Pointer, h head) error {
	if err := d.enter(); err != nil {
		return err
	}
	set := 0
	for i := 0; ; i++ {
		ok, err := d.more(h, i)
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
		m := s.Member(unsafe.String(unsafe.SliceData(k), len(k)))
		if m == nil {
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
		return d.fail("more than one member of a union")
	}
	d.depth--
	return nil
}

// value reads one value into the field at dst. It reports false for null and
// undefined and then writes nothing.
func (d *decoder) value(m *wire.Member, dst unsafe.Pointer, boxed bool) (bool, error) {
	h, err := d.head()
	if err != nil {
		return false, err
	}
	if h.null() {
		return false, nil
	}
	s := m.Shape()
	switch s.Kind {
	case wire.String:
		if h.major != majorText {
			return false, d.fail("expected text")
		}
		b, err := d.str(h)
		if err != nil {
			return false, err
		}
		*(*string)(s.Place(dst, boxed)) = string(b)
	case wire.Blob:
		if h.major != majorBytes {
			return false, d.fail("expected a byte string")
		}
		b, err := d.str(h)
		if err != nil {
			return false, err
		}
		if h.n != indefinite {
			b = append([]byte{}, b...)
		}
		*(*[]byte)(s.Place(dst, boxed)) = b
	case wire.Boolean:
		if h.major != majorSimple || h.info != simpleFalse && h.info != simpleTrue {
			return false, d.fail("expected a boolean")
		}
		*(*bool)(s.Place(dst, boxed)) = h.info == simpleTrue
	case wire.Integer:
		n, ok := h.integer()
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return false, d.fail("expected a 32-bit integer")
		}
		*(*int32)(s.Place(dst, boxed)) = int32(n)
	case wire.Long:
		n, ok := h.integer()
		if !ok {
			return false, d.fail("expected a 64-bit integer")
		}
		*(*int64)(s.Place(dst, boxed)) = n
	case wire.Float:
		f, ok := h.float()
		if !ok || math.Abs(f) > math.MaxFloat32 && !math.IsInf(f, 0) {
			return false, d.fail("expected a 32-bit float")
		}
		*(*float32)(s.Place(dst, boxed)) = float32(f)
	case wire.Double:
		f, ok := h.float()
		if !ok {
			return false, d.fail("expected a number")
		}
		*(*float64)(s.Place(dst, boxed)) = f
	case wire.Timestamp:
		t, err := d.timestamp(h)
		if err != nil {
			return false, err
		}
		*(*time.Time)(s.Place(dst, boxed)) = t
	case wire.Structure:
		if h.major != majorMap {
			return false, d.fail("expected a map")
		}
		if err := d.charge(int(s.Size)); err != nil {
			return false, err
		}
		return true, d.structure(s, s.Place(dst, boxed), h)
	case wire.List:
		if h.major != majorArray {
			return false, d.fail("expected an array")
		}
		return true, d.list(s, s.Place(dst, boxed), h)
	case wire.Map:
		if h.major != majorMap {
			return false, d.fail("expected a map")
		}
		return true, d.mapping(s, s.Place(dst, boxed), h)
	default:
		return false, d.fail("a shape that CBOR does not carry")
	}
	return true, nil
}

func (d *decoder) list(s *wire.Shape, dst unsafe.Pointer, h head) error {
	if err := d.enter(); err != nil {
		return err
	}
	s.ListOps.Make(dst, 0)
	size := s.Elem.Shape().ValueSize(s.Sparse)
	for i := 0; ; i++ {
		ok, err := d.more(h, i)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		// A null in a list that cannot hold one is left out.
		if !s.Sparse && d.skipNull() {
			continue
		}
		if err := d.charge(size); err != nil {
			return err
		}
		if _, err := d.value(&s.Elem, s.ListOps.Append(dst), s.Sparse); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

// skipNull reads over a null or undefined, if that is next.
func (d *decoder) skipNull() bool {
	if d.i < len(d.b) && (d.b[d.i] == majorSimple<<5|simpleNull || d.b[d.i] == majorSimple<<5|simpleUndef) {
		d.i++
		return true
	}
	return false
}

func (d *decoder) mapping(s *wire.Shape, dst unsafe.Pointer, h head) error {
	if err := d.enter(); err != nil {
		return err
	}
	s.MapOps.Make(dst, 0)
	size := s.Elem.Shape().ValueSize(s.Sparse) + 32
	fill := func(v unsafe.Pointer) error {
		_, err := d.value(&s.Elem, v, s.Sparse)
		return err
	}
	for i := 0; ; i++ {
		ok, err := d.more(h, i)
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
		if !s.Sparse && d.skipNull() {
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

func (h head) integer() (int64, bool) {
	if h.arg > math.MaxInt64 {
		return 0, false
	}
	switch h.major {
	case majorUint:
		return int64(h.arg), true
	case majorNegative:
		return -1 - int64(h.arg), true
	}
	return 0, false
}

func (h head) float() (float64, bool) {
	if h.major != majorSimple {
		n, ok := h.integer()
		return float64(n), ok
	}
	switch h.info {
	case float16:
		return half(uint16(h.arg)), true
	case float32Info:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case float64Info:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

// half is the value of an IEEE 754 binary16 (RFC 8949, appendix D).
func half(bits uint16) float64 {
	exp, mant := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exp {
	case 0:
		v = math.Ldexp(mant, -24)
	case 31:
		v = math.Inf(1)
		if mant != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(mant+1024, exp-25)
	}
	if bits>>15 != 0 {
		return -v
	}
	return v
}

// The first and last second of years 1 to 9999.
const (
	minUnix = -62135596800
	maxUnix = 253402300799
)

// timestamp reads seconds since 1970, with tag 1 as rpcv2Cbor asks or without.
func (d *decoder) timestamp(h head) (time.Time, error) {
	if h.major == majorTag {
		if h.arg != tagEpoch {
			return time.Time{}, d.fail("expected tag 1 on a timestamp")
		}
		var err error
		if h, err = d.head(); err != nil {
			return time.Time{}, err
		}
	}
	if n, ok := h.integer(); ok {
		if n < minUnix || n > maxUnix {
			return time.Time{}, d.fail("a timestamp is out of range")
		}
		return time.Unix(n, 0).UTC(), nil
	}
	f, ok := h.float()
	if !ok || !(f >= minUnix && f <= maxUnix) {
		return time.Time{}, d.fail("a timestamp is not a number in range")
	}
	// A double has microseconds at best today; milliseconds are what AWS keeps.
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
}

// skip reads over one data item of any kind.
func (d *decoder) skip() error {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch h.major {
	case majorBytes, majorText:
		_, err := d.str(h)
		return err
	case majorTag:
		if err := d.enter(); err != nil {
			return err
		}
		err := d.skip()
		d.depth--
		return err
	case majorArray, majorMap:
		if err := d.enter(); err != nil {
			return err
		}
		for i := 0; ; i++ {
			ok, err := d.more(h, i)
			if err != nil {
				return err
			}
			if !ok {
				d.depth--
				return nil
			}
			if h.major == majorMap {
				if err := d.skip(); err != nil {
					return err
				}
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	}
	return nil
}
