package wire

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// redacted stands for a sensitive value inside a printed structure.
const redacted = "*** Sensitive Data Redacted ***"

// printValue writes the value at p as AWS's validation texts do: text bare, lists as
// [a, b], maps as {k=v}, structures as Name(member=value, other=null). It stops when
// the text is longer than a violation repeats.
func printValue(b *strings.Builder, s *Shape, p unsafe.Pointer, boxed bool, depth int) {
	if b.Len() > maxPrintedValue || depth > MaxNesting {
		return
	}
	if p = s.Present(p, boxed); p == nil {
		b.WriteString("null")
		return
	}
	if s.Sensitive {
		b.WriteString(redacted)
		return
	}
	switch s.Kind {
	case Structure:
		b.WriteString(s.Name)
		b.WriteByte('(')
		for i := range s.Members {
			m := &s.Members[i]
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(strings.ToLower(m.Name[:1]) + m.Name[1:])
			b.WriteByte('=')
			if m.Sensitive && m.shape.Present(m.Field(p), m.Boxed()) != nil {
				b.WriteString(redacted)
				continue
			}
			printValue(b, m.shape, m.Field(p), m.Boxed(), depth+1)
		}
		b.WriteByte(')')
	case List:
		b.WriteByte('[')
		for i := range s.ListOps.Len(p) {
			if i > 0 {
				b.WriteString(", ")
			}
			if b.Len() > maxPrintedValue {
				return
			}
			if s.Elem.Sensitive {
				b.WriteString(redacted)
				continue
			}
			printValue(b, s.Elem.shape, s.ListOps.Index(p, i), s.Sparse, depth+1)
		}
		b.WriteByte(']')
	case Map:
		printMap(b, s, p, depth)
	case String:
		b.WriteString(*(*string)(p))
	case Blob:
		if s.Streaming {
			return
		}
		b.WriteString(blobText(len(*(*[]byte)(p))))
	case Boolean:
		b.WriteString(strconv.FormatBool(*(*bool)(p)))
	case Integer:
		b.WriteString(strconv.FormatInt(int64(*(*int32)(p)), 10))
	case Long:
		b.WriteString(strconv.FormatInt(*(*int64)(p), 10))
	case Float:
		b.WriteString(javaFloat(float64(*(*float32)(p))))
	case Double:
		b.WriteString(javaFloat(*(*float64)(p)))
	case Timestamp:
		b.WriteString((*time.Time)(p).UTC().Format("Mon Jan 02 15:04:05 UTC 2006"))
	case Document:
		fmt.Fprint(b, *(*any)(p))
	}
}

// printMap sorts the keys: the order of a Go map is random, and texts should not be.
func printMap(b *strings.Builder, s *Shape, p unsafe.Pointer, depth int) {
	texts := make([]string, 0, s.MapOps.Len(p))
	total := 0
	for k, v := range s.MapOps.All(p) {
		var e strings.Builder
		if s.Key.IsSensitive() {
			k = redacted
		}
		e.WriteString(k)
		e.WriteByte('=')
		if s.Elem.Sensitive {
			e.WriteString(redacted)
		} else {
			printValue(&e, s.Elem.shape, v, s.Sparse, depth+1)
		}
		texts = append(texts, e.String())
		if total += e.Len(); total > maxPrintedValue {
			break
		}
	}
	slices.Sort(texts)
	b.WriteByte('{')
	b.WriteString(strings.Join(texts, ", "))
	b.WriteByte('}')
}

// javaFloat prints a number as Java does: 1.0, not 1.
func javaFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
