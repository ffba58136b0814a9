//go:build conformance && generated

package protocols

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"fastness/internal/wire"
)

// The vectors write values as JSON: timestamps as seconds since 1970, blobs as their
// text, NaN and the infinities as strings.

// parse reads a value of the vectors with exact numbers.
func parse(data json.RawMessage) (any, error) {
	if len(data) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// compare reports how the value of member m at p differs from want; p is nil when the
// value is absent.
func compare(path string, m *wire.Member, s *wire.Shape, p unsafe.Pointer, want any) error {
	if want == nil {
		if p != nil {
			return fmt.Errorf("%s: present, want none", path)
		}
		return nil
	}
	if p == nil {
		return fmt.Errorf("%s: absent, want %v", path, want)
	}
	mismatch := func(got any) error { return fmt.Errorf("%s: %v, want %v", path, got, want) }
	switch s.Kind {
	case wire.Structure:
		w, ok := want.(map[string]any)
		if !ok {
			return mismatch("a structure")
		}
		return compareStruct(path, s, p, w)
	case wire.List:
		w, ok := want.([]any)
		if !ok || len(w) != s.ListOps.Len(p) {
			return mismatch(fmt.Sprintf("a list of %d", s.ListOps.Len(p)))
		}
		for i := range w {
			e := s.Elem.Shape().Present(s.ListOps.Index(p, i), s.Sparse)
			if err := compare(fmt.Sprintf("%s[%d]", path, i), &s.Elem, s.Elem.Shape(), e, w[i]); err != nil {
				return err
			}
		}
		return nil
	case wire.Map:
		w, ok := want.(map[string]any)
		if !ok || len(w) != s.MapOps.Len(p) {
			return mismatch(fmt.Sprintf("a map of %d", s.MapOps.Len(p)))
		}
		for k, e := range s.MapOps.All(p) {
			wantElem, ok := w[k]
			if !ok {
				return fmt.Errorf("%s: key %q is not wanted", path, k)
			}
			if err := compare(path+"."+k, &s.Elem, s.Elem.Shape(), s.Elem.Shape().Present(e, s.Sparse), wantElem); err != nil {
				return err
			}
		}
		return nil
	case wire.String:
		if got := *(*string)(p); got != want {
			return mismatch(strconv.Quote(got))
		}
	case wire.Blob:
		got := *(*[]byte)(p)
		if s.Streaming {
			var err error
			if got, err = io.ReadAll(*(*io.ReadCloser)(p)); err != nil {
				return err
			}
		}
		if string(got) != want {
			return mismatch(strconv.Quote(string(got)))
		}
	case wire.Boolean:
		if got := *(*bool)(p); got != want {
			return mismatch(got)
		}
	case wire.Integer:
		if got := *(*int32)(p); fmt.Sprint(got) != fmt.Sprint(want) {
			return mismatch(got)
		}
	case wire.Long:
		if got := *(*int64)(p); fmt.Sprint(got) != fmt.Sprint(want) {
			return mismatch(got)
		}
	case wire.Float:
		if got := *(*float32)(p); !sameFloat(float64(got), float64(float32(number(want)))) {
			return mismatch(got)
		}
	case wire.Double:
		if got := *(*float64)(p); !sameFloat(got, number(want)) {
			return mismatch(got)
		}
	case wire.Timestamp:
		if got := *(*time.Time)(p); got.Sub(instant(want)).Abs() >= time.Millisecond {
			return mismatch(got)
		}
	case wire.Document:
		if got := *(*any)(p); !reflect.DeepEqual(got, want) {
			return mismatch(got)
		}
	}
	return nil
}

func compareStruct(path string, s *wire.Shape, p unsafe.Pointer, want map[string]any) error {
	seen := 0
	for i := range s.Members {
		m := &s.Members[i]
		w, ok := want[m.Name]
		if ok {
			seen++
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if m.Shape().Streaming && v != nil && w == nil {
			// A stream is always there; nothing in it is what the vectors call absent.
			w = ""
		}
		if m.Location == wire.InHeaders {
			if wm, ok := w.(map[string]any); ok {
				lower := map[string]any{}
				for k, e := range wm {
					lower[strings.ToLower(k)] = e
				}
				w = lower
			}
		}
		if err := compare(path+"."+m.Name, m, m.Shape(), v, w); err != nil {
			return err
		}
	}
	if seen != len(want) {
		return fmt.Errorf("%s: the model does not have all of %v", path, want)
	}
	return nil
}

// fill writes want into the field of member m at p.
func fill(m *wire.Member, s *wire.Shape, p unsafe.Pointer, boxed bool, want any) error {
	if want == nil {
		return nil
	}
	v := s.Place(p, boxed)
	switch s.Kind {
	case wire.Structure:
		for name, e := range want.(map[string]any) {
			var found bool
			for i := range s.Members {
				if sm := &s.Members[i]; sm.Name == name {
					found = true
					if err := fill(sm, sm.Shape(), sm.Field(v), sm.Boxed(), e); err != nil {
						return err
					}
				}
			}
			if !found {
				return fmt.Errorf("shape %s has no member %s", s.Name, name)
			}
		}
	case wire.List:
		s.ListOps.Make(v, 0)
		for _, e := range want.([]any) {
			if err := fill(&s.Elem, s.Elem.Shape(), s.ListOps.Append(v), s.Sparse, e); err != nil {
				return err
			}
		}
	case wire.Map:
		s.MapOps.Make(v, 0)
		for k, e := range want.(map[string]any) {
			err := s.MapOps.Set(v, k, func(ep unsafe.Pointer) error {
				return fill(&s.Elem, s.Elem.Shape(), ep, s.Sparse, e)
			})
			if err != nil {
				return err
			}
		}
	case wire.String:
		*(*string)(v) = want.(string)
	case wire.Blob:
		if s.Streaming {
			// A streaming field is an interface and never behind a pointer.
			*(*io.ReadCloser)(p) = io.NopCloser(strings.NewReader(want.(string)))
		} else {
			*(*[]byte)(v) = []byte(want.(string))
		}
	case wire.Boolean:
		*(*bool)(v) = want.(bool)
	case wire.Integer:
		*(*int32)(v) = int32(number(want))
	case wire.Long:
		n, err := want.(json.Number).Int64()
		if err != nil {
			return err
		}
		*(*int64)(v) = n
	case wire.Float:
		*(*float32)(v) = float32(number(want))
	case wire.Double:
		*(*float64)(v) = number(want)
	case wire.Timestamp:
		*(*time.Time)(v) = instant(want)
	case wire.Document:
		*(*any)(v) = want
	}
	return nil
}

func number(v any) float64 {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case string:
		switch v {
		case "NaN":
			return math.NaN()
		case "Infinity":
			return math.Inf(1)
		case "-Infinity":
			return math.Inf(-1)
		}
	}
	return math.Inf(-1)
}

func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func instant(v any) time.Time {
	return time.UnixMilli(int64(math.Round(number(v) * 1000))).UTC()
}
