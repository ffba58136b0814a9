package request

import (
	"strconv"
	"strings"
)

// pointers are JSON pointers (RFC 6901) as a tree of their segments.
type pointers struct{ root *segment }

// segment is a place that pointers lead to or through.
type segment struct {
	children map[string]*segment
	any      *segment // what follows the segment *
	selected bool     // a pointer ends here
}

// compilePointers makes the tree. "/" alone, like the empty pointer, is the whole document:
// AWS's pattern allows it as a case of its own.
func compilePointers(list []string) *pointers {
	p := &pointers{root: &segment{}}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for _, pointer := range list {
		at := p.root
		if pointer != "" && pointer != "/" {
			for _, s := range strings.Split(pointer[1:], "/") {
				at = at.child(unescape.Replace(s))
			}
		}
		at.selected = true
	}
	return p
}

func (s *segment) child(name string) *segment {
	if name == "*" {
		if s.any == nil {
			s.any = &segment{}
		}
		return s.any
	}
	if s.children == nil {
		s.children = make(map[string]*segment)
	}
	if s.children[name] == nil {
		s.children[name] = &segment{}
	}
	return s.children[name]
}

// walk is a walk through a document along pointers, with memory to use again.
type walk struct {
	frames []frame
	active []*segment // for each frame, the segments that lead to its container
}

// frame is an open container.
type frame struct {
	from   int // its segments begin here in active and end where the next frame's begin
	index  int // of the next element, if it is an array
	array  bool
	inside bool // all of it is selected
}

// append appends what lies at and below the pointers. A key that is the pointer's own last
// segment is not looked at, as AWS's example says.
func (p *pointers) append(s *Selector, dst []Value, in *Inspection, d *document) []Value {
	w := &in.walk
	w.frames, w.active = w.frames[:0], w.active[:0]
	var key []byte
	for i := range d.events {
		e := &d.events[i]
		switch e.kind {
		case keyEvent:
			key = e.text
			if s.keys && w.frames[len(w.frames)-1].inside {
				dst = append(dst, Value{Bytes: e.text, Name: e.name, Key: true})
			}
		case endEvent:
			top := len(w.frames) - 1
			w.active = w.active[:w.frames[top].from]
			w.frames = w.frames[:top]
		case restEvent:
			dst = append(dst, Value{Bytes: e.text, Name: e.name})
		default:
			from := len(w.active)
			inside := p.enter(w, key)
			if e.kind == objectEvent || e.kind == arrayEvent {
				w.frames = append(w.frames, frame{from: from, array: e.kind == arrayEvent, inside: inside})
				continue
			}
			w.active = w.active[:from]
			if inside && s.values {
				dst = append(dst, Value{Bytes: e.text, Name: e.name})
			}
		}
	}
	return dst
}

// enter goes to the next value of the innermost container, or to a root, appends the
// segments that lead there to active, and tells whether it is selected.
func (p *pointers) enter(w *walk, key []byte) (inside bool) {
	if len(w.frames) == 0 {
		w.active = append(w.active, p.root)
		return p.root.selected
	}
	f := &w.frames[len(w.frames)-1]
	var digits [20]byte
	if f.array {
		key = strconv.AppendInt(digits[:0], int64(f.index), 10)
		f.index++
	}
	if f.inside {
		return true
	}
	for _, s := range w.active[f.from:len(w.active):len(w.active)] {
		if c := s.children[string(key)]; c != nil {
			w.active = append(w.active, c)
			inside = inside || c.selected
		}
		if s.any != nil {
			w.active = append(w.active, s.any)
			inside = inside || s.any.selected
		}
	}
	return inside
}
