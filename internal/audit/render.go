package audit

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
)

// hidden stands for a value that must not be written down, in CloudTrail's words.
const hidden = `"HIDDEN_DUE_TO_SECURITY_REASONS"`

// maxParameterBytes is the size from which CloudTrail leaves requestParameters or
// responseElements out of a record.
const maxParameterBytes = 100 << 10

// maxRenderDepth bounds recursion through self-referential shapes.
const maxRenderDepth = 64

// timeLayout is how CloudTrail writes a time.
const timeLayout = "2006-01-02T15:04:05Z"

// How services that have Java write their dates for CloudTrail do it: as the Java of their day.
const (
	javaLayout    = "Jan 2, 2006, 3:04:05 PM"
	oldJavaLayout = "Jan 2, 2006 3:04:05 PM"
)

// style is what differs between the records of services.
type style struct {
	// dates is the layout of times; empty is ISO 8601.
	dates string
	// keepAWS: a member that begins with AWS keeps its capital letters.
	keepAWS bool
	// withhold: sensitive members are left out, not hidden.
	withhold bool
	// noResources, noTypes: the record has no resources, or resources of no type.
	noResources, noTypes bool
}

// styleOf is the style of an API, as AWS's examples have it (AWS KMS developer guide, "Logging
// AWS KMS API calls with AWS CloudTrail", CreateKey: AWSAccountId, creationDate; Secrets Manager
// user guide, "Logging AWS Secrets Manager events with AWS CloudTrail", CreateSecret,
// DeleteSecret) and records that others publish: those of Secrets Manager (NextWork, "Build a
// Security Monitoring System") name the secret only in requestParameters and responseElements,
// those of Parameter Store have resources without types, those of IAM no resources, and no
// member for a new secret key or a password (Stratus Red Team, detonation logs of "Retrieve And
// Decrypt SSM Parameters", "Create an administrative IAM User", "Create a Login Profile on an
// IAM User" and, for the dates of STS, "Generate temporary AWS credentials using
// GetFederationToken").
func styleOf(api *wire.API) style {
	switch api.Name {
	case "kms":
		return style{dates: javaLayout, keepAWS: true}
	case "iam":
		return style{dates: oldJavaLayout, withhold: true, noResources: true}
	case "sts":
		return style{dates: javaLayout}
	case "secretsmanager":
		return style{dates: oldJavaLayout, withhold: true, noResources: true}
	case "ssm":
		return style{noTypes: true}
	}
	return style{}
}

// appendShape renders the struct at v, described by shape, as CloudTrail shows
// parameters: member names begin in lower case, absent members and blobs are left
// out, sensitive ones are hidden or left out, too. changes adds or replaces members of the outermost
// object; a nil value removes one.
func appendShape(dst []byte, st style, shape *wire.Shape, v any, changes map[string]any) []byte {
	if (shape == nil || v == nil) && len(changes) == 0 {
		return append(dst, "null"...)
	}
	start := len(dst)
	o := openObject(dst)
	if shape != nil && v != nil {
		o = appendMembers(o, st, shape, reflect.ValueOf(v).UnsafePointer(), 0, changes)
	}
	if len(changes) > 0 {
		names := make([]string, 0, len(changes))
		for n := range changes {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			if changes[n] == nil {
				continue
			}
			if text, err := json.Marshal(changes[n]); err == nil {
				o.raw(n, string(text))
			}
		}
	}
	if o.empty {
		return append(o.b[:start], "null"...)
	}
	return o.close()
}

// omitTooLarge replaces what was rendered behind start when it is over CloudTrail's
// bound.
func omitTooLarge(b []byte, start int, what string) []byte {
	size := len(b) - start
	if size <= maxParameterBytes {
		return b
	}
	o := openObject(b[:start])
	o.boolean("omitted", true)
	o.name("originalSize")
	o.b = strconv.AppendInt(o.b, int64(size), 10)
	o.str("reason", what+" too large")
	return o.close()
}

func appendMembers(o object, st style, shape *wire.Shape, p unsafe.Pointer, depth int, changes map[string]any) object {
	for i := range shape.Members {
		m := &shape.Members[i]
		s := m.Shape()
		if s.Kind == wire.Blob || st.withhold && m.IsSensitive() {
			continue
		}
		f := m.Field(p)
		if absent(s, f) {
			continue
		}
		if len(changes) > 0 {
			if _, changed := changes[lowerFirst(m.Name)]; changed {
				continue
			}
		}
		o.member(m.Name, st)
		if m.IsSensitive() {
			o.b = append(o.b, hidden...)
			continue
		}
		if !isReference(s) {
			f = *(*unsafe.Pointer)(f) // scalars and structures are pointers in members
		}
		o.b = appendValue(o.b, st, m, f, depth+1)
	}
	return o
}

// isReference: lists, maps and documents are held in the field itself.
func isReference(s *wire.Shape) bool {
	return s.Kind == wire.List || s.Kind == wire.Map || s.Kind == wire.Document
}

func absent(s *wire.Shape, f unsafe.Pointer) bool {
	switch s.Kind {
	case wire.List:
		return s.ListOps.IsNil(f)
	case wire.Map:
		return s.MapOps.IsNil(f)
	case wire.Document:
		return *(*any)(f) == nil
	}
	return *(*unsafe.Pointer)(f) == nil
}

// appendValue renders a value whose address is p: for members that are pointers, the
// pointer itself.
func appendValue(dst []byte, st style, m *wire.Member, p unsafe.Pointer, depth int) []byte {
	s := m.Shape()
	if m.IsSensitive() {
		return append(dst, hidden...)
	}
	if p == nil || depth > maxRenderDepth {
		return append(dst, "null"...)
	}
	switch s.Kind {
	case wire.Structure:
		o := appendMembers(openObject(dst), st, s, p, depth, nil)
		return o.close()
	case wire.List:
		dst = append(dst, '[')
		for i := range s.ListOps.Len(p) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendElement(dst, st, s, s.ListOps.Index(p, i), depth)
		}
		return append(dst, ']')
	case wire.Map:
		return appendMap(dst, st, s, p, depth)
	case wire.String:
		return jsonbody.AppendString(dst, *(*string)(p))
	case wire.Boolean:
		return strconv.AppendBool(dst, *(*bool)(p))
	case wire.Integer:
		return strconv.AppendInt(dst, int64(*(*int32)(p)), 10)
	case wire.Long:
		return strconv.AppendInt(dst, *(*int64)(p), 10)
	case wire.Float:
		return appendFloat(dst, float64(*(*float32)(p)))
	case wire.Double:
		return appendFloat(dst, *(*float64)(p))
	case wire.Timestamp:
		if st.dates != "" {
			return append((*(*time.Time)(p)).UTC().AppendFormat(append(dst, '"'), st.dates), '"')
		}
		return appendTime(dst, *(*time.Time)(p))
	case wire.Document:
		if text, err := json.Marshal(*(*any)(p)); err == nil {
			return append(dst, text...)
		}
	}
	return append(dst, "null"...)
}

func appendElement(dst []byte, st style, s *wire.Shape, p unsafe.Pointer, depth int) []byte {
	elem := s.Elem.Shape()
	if elem.Kind == wire.Blob {
		return append(dst, "null"...)
	}
	if s.Sparse && !isReference(elem) {
		p = *(*unsafe.Pointer)(p)
	}
	return appendValue(dst, st, &s.Elem, p, depth+1)
}

func appendMap(dst []byte, st style, s *wire.Shape, p unsafe.Pointer, depth int) []byte {
	if _, text := s.MapOps.(wire.MapOf[string, string]); text && !s.Elem.IsSensitive() {
		return appendStrings(dst, *(*map[string]string)(p))
	}
	if s.MapOps.Len(p) == 1 { // nothing to sort
		o := openObject(dst)
		for k, v := range s.MapOps.All(p) {
			o.name(k)
			o.b = appendElement(o.b, st, s, v, depth)
		}
		return o.close()
	}
	values := make(map[string]unsafe.Pointer, s.MapOps.Len(p))
	keys := make([]string, 0, s.MapOps.Len(p))
	for k, v := range s.MapOps.All(p) {
		keys = append(keys, k)
		values[k] = v
	}
	slices.Sort(keys)
	o := openObject(dst)
	for _, k := range keys {
		o.name(k)
		o.b = appendElement(o.b, st, s, values[k], depth)
	}
	return o.close()
}

// appendStrings appends a map of strings, such as an encryption context, in the order of
// its keys.
func appendStrings(dst []byte, m map[string]string) []byte {
	var stack [8]string
	keys := stack[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	o := openObject(dst)
	for _, k := range keys {
		o.str(k, m[k])
	}
	return o.close()
}

// appendTime appends t as CloudTrail writes it, with quotes.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return append(t.AppendFormat(append(dst, '"'), timeLayout), '"')
	}
	// AppendFormat with timeLayout, without reading the layout each time.
	hour, minute, second := t.Clock()
	two := func(n int) (byte, byte) { return byte('0' + n/10), byte('0' + n%10) }
	y1, y2 := two(year / 100)
	y3, y4 := two(year % 100)
	m1, m2 := two(int(month))
	d1, d2 := two(day)
	h1, h2 := two(hour)
	n1, n2 := two(minute)
	s1, s2 := two(second)
	return append(dst, '"', y1, y2, y3, y4, '-', m1, m2, '-', d1, d2, 'T', h1, h2, ':', n1, n2, ':', s1, s2, 'Z', '"')
}

func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// lowerFirst is the name of a modelled member in a record.
func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+('a'-'A')) + s[1:]
}
