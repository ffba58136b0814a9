package form

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/scalar"
)

// MaxDepth is how deep structures, lists and maps may nest.
const MaxDepth = 100

// maxIndexDigits bounds list indices: nine digits fit an int everywhere.
const maxIndexDigits = 9

// Dialect says in which way a protocol names things.
type Dialect uint8

// The dialects.
const (
	// AWSQuery wraps lists and maps in ".member." and ".entry." unless flattened.
	AWSQuery Dialect = iota
	// EC2Query flattens all lists and begins all names with a capital.
	EC2Query
)

// Error says which parameter cannot be read. Message is for the caller.
type Error struct {
	Parameter string
	Message   string
}

// Error implements error.
func (e *Error) Error() string { return e.Parameter + ": " + e.Message }

// A document of n bytes may make the reader allocate at most
// baseBudget + budgetPerByte*n bytes of list elements, map entries and structures.
const (
	baseBudget    = 1 << 20
	budgetPerByte = 16
)

// DecodeStruct reads the parameters into the struct of shape s at dst.
func (v *Values) DecodeStruct(s *wire.Shape, dst unsafe.Pointer, dialect Dialect) error {
	d := decoder{dialect: dialect, budget: baseBudget + budgetPerByte*v.size}
	return d.structure(s, dst, scope{pairs: v.pairs}, 0)
}

type decoder struct {
	dialect Dialect
	budget  int
}

func (d *decoder) charge(in scope, n int) error {
	d.budget -= n
	if d.budget < 0 {
		return in.fail("", "too many elements")
	}
	return nil
}

// name is the parameter name of a structure's member.
func (d *decoder) name(m *wire.Member) string {
	if d.dialect == AWSQuery {
		return m.WireName
	}
	if m.QueryName != "" {
		return m.QueryName
	}
	if c := m.WireName[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + m.WireName[1:]
	}
	return m.WireName
}

func (d *decoder) structure(s *wire.Shape, dst unsafe.Pointer, in scope, depth int) error {
	if depth > MaxDepth {
		return in.fail("", "nested too deep")
	}
	set := 0
	for i := range s.Members {
		m := &s.Members[i]
		present, err := d.member(m, m.Field(dst), in, depth)
		if err != nil {
			return err
		}
		if present {
			set++
		}
	}
	if s.Union && set > 1 {
		return in.fail("", "more than one member of a union is given")
	}
	return nil
}

func (d *decoder) member(m *wire.Member, dst unsafe.Pointer, in scope, depth int) (bool, error) {
	name := d.name(m)
	present, err := d.value(m, dst, in, name, m.Boxed(), depth)
	if present || err != nil || d.dialect != AWSQuery {
		return present, err
	}
	// A flattened list can also travel under the name of its elements: clients made
	// from AWS's older models write it so.
	if s := m.Shape(); s.Kind == wire.List && d.flattened(m) {
		if e := s.Elem.WireName; e != "" && e != "member" && e != name {
			return d.list(m, dst, in, e, m.Boxed(), depth)
		}
	}
	return false, nil
}

func (d *decoder) flattened(m *wire.Member) bool {
	return d.dialect == EC2Query || m.Flattened || m.Shape().Flattened
}

// value reads what is at and below name into the field at dst and reports whether
// there was anything.
func (d *decoder) value(m *wire.Member, dst unsafe.Pointer, in scope, name string, boxed bool, depth int) (bool, error) {
	s := m.Shape()
	switch s.Kind {
	case wire.Structure:
		below := in.below(name)
		if below.empty() {
			return false, nil
		}
		if err := d.charge(below, int(s.Size)); err != nil {
			return false, err
		}
		return true, d.structure(s, s.Place(dst, boxed), below, depth+1)
	case wire.List:
		return d.list(m, dst, in, name, boxed, depth)
	case wire.Map:
		return d.mapping(m, dst, in, name, boxed, depth)
	}
	text, ok := in.get(name)
	if !ok {
		return false, nil
	}
	if err := scalar.Parse(m, wire.ISO8601, text, s.Place(dst, boxed)); err != nil {
		return false, in.fail(name, err.Error())
	}
	return true, nil
}

func (d *decoder) list(m *wire.Member, dst unsafe.Pointer, in scope, name string, boxed bool, depth int) (bool, error) {
	s := m.Shape()
	below := in.below(name)
	if !d.flattened(m) {
		below = below.below(orElse(s.Elem.WireName, "member"))
	}
	indices, err := below.indices()
	if err != nil {
		return false, err
	}
	if len(indices) == 0 {
		// "Tags=" is the empty list.
		if text, ok := in.get(name); !ok || text != "" {
			return false, nil
		}
		s.ListOps.Make(s.Place(dst, boxed), 0)
		return true, nil
	}
	if depth >= MaxDepth {
		return false, in.fail(name, "nested too deep")
	}
	if err := d.charge(below, len(indices)*s.Elem.Shape().ValueSize(s.Sparse)); err != nil {
		return false, err
	}
	dst = s.Place(dst, boxed)
	s.ListOps.Make(dst, len(indices))
	for _, i := range indices {
		index := strconv.Itoa(i)
		if _, given := below.get(index); !given && scalarKind(s.Elem.Shape().Kind) {
			// Only something below the element is given: not an element.
			continue
		}
		if _, err := d.value(&s.Elem, s.ListOps.Append(dst), below, index, s.Sparse, depth+1); err != nil {
			return false, err
		}
	}
	return true, nil
}

func scalarKind(k wire.Kind) bool {
	return k != wire.Structure && k != wire.List && k != wire.Map
}

func (d *decoder) mapping(m *wire.Member, dst unsafe.Pointer, in scope, name string, boxed bool, depth int) (bool, error) {
	s := m.Shape()
	below := in.below(name)
	if !d.flattened(m) {
		below = below.below("entry")
	}
	indices, err := below.indices()
	if err != nil {
		return false, err
	}
	if len(indices) == 0 {
		if text, ok := in.get(name); !ok || text != "" {
			return false, nil
		}
		s.MapOps.Make(s.Place(dst, boxed), 0)
		return true, nil
	}
	if depth >= MaxDepth {
		return false, in.fail(name, "nested too deep")
	}
	if err := d.charge(below, len(indices)*(s.Elem.Shape().ValueSize(s.Sparse)+32)); err != nil {
		return false, err
	}
	keyName, valueName := orElse(s.Key.WireName, "key"), orElse(s.Elem.WireName, "value")
	dst = s.Place(dst, boxed)
	s.MapOps.Make(dst, len(indices))
	for _, i := range indices {
		entry := below.below(strconv.Itoa(i))
		key, ok := entry.get(keyName)
		if !ok {
			return false, entry.fail(keyName, "a map entry has no key")
		}
		err := s.MapOps.Set(dst, key, func(v unsafe.Pointer) error {
			_, err := d.value(&s.Elem, v, entry, valueName, s.Sparse, depth+1)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func orElse(name, def string) string {
	if name == "" {
		return def
	}
	return name
}

// indices are the numbers at the start of the names in the scope, in order.
func (s scope) indices() ([]int, error) {
	var out []int
	for _, p := range s.pairs {
		segment, _, _ := strings.Cut(p.key[s.prefix:], ".")
		n, err := parseIndex(segment)
		if err != nil {
			return nil, s.fail(segment, err.Error())
		}
		if n == 0 || len(out) > 0 && out[len(out)-1] == n {
			continue
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// parseIndex reads a list index. What does not begin with a digit names something
// else that happens to share the path and gives 0.
func parseIndex(segment string) (int, error) {
	if segment == "" || segment[0] < '0' || segment[0] > '9' {
		return 0, nil
	}
	if segment[0] != '0' && len(segment) <= maxIndexDigits {
		if n, err := strconv.Atoi(segment); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%.12q is not a valid index", segment)
}

// maxNameInError bounds how much of a name that a caller chose an error repeats.
const maxNameInError = 128

// fail makes an error about the parameter called name in the scope.
func (s scope) fail(name, message string) error {
	path := name
	if len(s.pairs) > 0 {
		path = s.pairs[0].key[:s.prefix] + name
	}
	if len(path) > maxNameInError {
		path = strings.ToValidUTF8(path[:maxNameInError], "") + "…"
	}
	return &Error{Parameter: strings.TrimSuffix(path, "."), Message: message}
}
