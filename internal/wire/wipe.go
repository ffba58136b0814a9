package wire

import (
	"reflect"
	"unsafe"
)

// Wipe overwrites the sensitive blobs of an input or output struct (a pointer to it, or
// nil) with zeros: whoever decoded or encoded it calls Wipe when nobody needs them any
// more. Blobs below the first level are left alone.
func Wipe(s *Shape, value any) {
	if s == nil || s.Kind != Structure || value == nil {
		return
	}
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return
	}
	p := v.UnsafePointer()
	for i := range s.Members {
		m := &s.Members[i]
		if sh := m.Shape(); sh != nil && sh.Kind == Blob && !sh.Streaming && m.IsSensitive() {
			clear(*(*[]byte)(unsafe.Pointer(m.Field(p))))
		}
	}
}
