package wire

import "unsafe"

// maxWipeDepth bounds how deep Wipe follows structures.
const maxWipeDepth = 8

// Wipe overwrites with zeros the blobs of the struct at p that the model marks as
// sensitive: plaintexts and keys, once they have been answered or used. Strings cannot
// be overwritten. Whoever else holds the slices sees zeros.
func Wipe(s *Shape, p unsafe.Pointer) { wipe(s, p, 0) }

func wipe(s *Shape, p unsafe.Pointer, depth int) {
	if s == nil || p == nil || depth > maxWipeDepth {
		return
	}
	for i := range s.Members {
		m := &s.Members[i]
		switch m.Shape().Kind {
		case Blob:
			if m.IsSensitive() && !m.Shape().Streaming {
				clear(*(*[]byte)(m.Field(p)))
			}
		case Structure:
			wipe(m.Shape(), *(*unsafe.Pointer)(m.Field(p)), depth+1)
		}
	}
}
