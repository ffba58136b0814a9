package wire

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// This file is what generated validation code calls. An input without violations costs
// no allocation: paths are chains of values on the stack, and texts are only built when
// there is something to say.

// MaxNesting is how deep the structures of an input may nest in themselves.
const MaxNesting = 128

// maxPrintedValue is how many bytes of a value a violation repeats. AWS repeats all;
// our answers stay bounded.
const maxPrintedValue = 32 << 10

// maxPrintedKey is how many bytes of a map key a path repeats.
const maxPrintedKey = 1 << 10

// Path is where in an input a value sits: a member of a structure, an element of a
// list, or a value of a map, below Parent. The zero Path is the input itself.
type Path struct {
	Parent *Path
	// Name is the member in AWS's spelling: keyId.
	Name string
	// Index of a list element, from 1; 0 elsewhere.
	Index int
	// Key of a map entry, if IsKey.
	Key   string
	IsKey bool
	// Sensitive hides the value here and everywhere below.
	Sensitive bool
	// Depth counts the structures around a recursive one.
	Depth int
}

// String is the path as AWS prints it: targets.1.member.id.
func (p *Path) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p *Path) write(b *strings.Builder) {
	if p == nil || p.Parent == nil {
		return
	}
	p.Parent.write(b)
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	switch {
	case p.Index > 0:
		b.WriteString(strconv.Itoa(p.Index))
		b.WriteString(".member")
	case p.IsKey:
		b.WriteString(clipAt(p.Key, maxPrintedKey))
		b.WriteString(".member")
	default:
		b.WriteString(p.Name)
	}
}

func (p *Path) hidden() bool {
	for ; p != nil; p = p.Parent {
		if p.Sensitive {
			return true
		}
	}
	return false
}

// Checker collects the violations of one input, MaxViolations at most.
type Checker struct {
	violations []string
}

// Err is the *ValidationError of what was collected, or nil.
func (c *Checker) Err() error {
	if len(c.violations) == 0 {
		return nil
	}
	return &ValidationError{Violations: c.violations}
}

// Null says that a required member is absent.
func (c *Checker) Null(at *Path, constraint string) { c.add(at, " null", constraint) }

// Text says that a string breaks a constraint.
func (c *Checker) Text(at *Path, value, constraint string) {
	c.add(at, " '"+clip(value)+"'", constraint)
}

// Integer says that an integer breaks a constraint.
func (c *Checker) Integer(at *Path, value int64, constraint string) {
	c.add(at, " '"+strconv.FormatInt(value, 10)+"'", constraint)
}

// Float says that a floating-point number breaks a constraint.
func (c *Checker) Float(at *Path, value float64, constraint string) {
	c.add(at, " '"+javaFloat(value)+"'", constraint)
}

// Blob says that a blob of n bytes breaks a constraint.
func (c *Checker) Blob(at *Path, n int, constraint string) {
	c.add(at, " '"+blobText(n)+"'", constraint)
}

// Collection says that the list or map of shape s at p, or an element of it, breaks a
// constraint.
func (c *Checker) Collection(at *Path, s *Shape, p unsafe.Pointer, constraint string) {
	if len(c.violations) >= MaxViolations {
		return
	}
	if at.hidden() {
		c.add(at, "", constraint)
		return
	}
	var b strings.Builder
	printValue(&b, s, p, false, 0)
	c.add(at, " '"+clip(b.String())+"'", constraint)
}

// TooDeep tells whether a recursive structure nests too deep, and says so.
func (c *Checker) TooDeep(at *Path) bool {
	if at.Depth <= MaxNesting {
		return false
	}
	if len(c.violations) < MaxViolations {
		c.violations = append(c.violations, fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must not nest deeper than %d levels", at, MaxNesting))
	}
	return true
}

func (c *Checker) add(at *Path, value, constraint string) {
	if len(c.violations) >= MaxViolations {
		return
	}
	if at.hidden() {
		value = ""
	}
	c.violations = append(c.violations, "Value"+value+" at '"+at.String()+"' failed to satisfy constraint: "+constraint)
}

// clip bounds a value that a violation repeats.
func clip(s string) string { return clipAt(s, maxPrintedValue) }

func clipAt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// blobText is how the Java servers of AWS print a byte buffer.
func blobText(n int) string {
	return fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", n, n)
}

// Longer tells whether s has more than n characters (Unicode code points, which is
// how Smithy defines the length of a string).
func Longer[S ~string](s S, n int) bool {
	return len(s) > n && utf8.RuneCountInString(string(s)) > n
}

// Shorter tells whether s has fewer than n characters.
func Shorter[S ~string](s S, n int) bool {
	if len(s) < n {
		return true
	}
	return len(s)/utf8.UTFMax < n && utf8.RuneCountInString(string(s)) < n
}

// CharSet is a set of characters. Patterns that are one character class, repeated,
// are checked with it instead of a regular expression.
type CharSet struct {
	// ASCII has a bit for each of the first 128 characters.
	ASCII [2]uint64
	// Ranges are pairs of first and last character of the rest, ascending.
	Ranges []rune
}

// Holds tells whether every character of s is in the set.
func (cs *CharSet) Holds(s string) bool {
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= utf8.RuneSelf {
			return cs.holdsRunes(s[i:])
		}
		if cs.ASCII[b>>6]&(1<<(b&63)) == 0 {
			return false
		}
	}
	return true
}

func (cs *CharSet) holdsRunes(s string) bool {
next:
	for _, r := range s {
		if r < utf8.RuneSelf {
			if cs.ASCII[r>>6]&(1<<(r&63)) == 0 {
				return false
			}
			continue
		}
		for i := 0; i < len(cs.Ranges); i += 2 {
			if r >= cs.Ranges[i] && r <= cs.Ranges[i+1] {
				continue next
			}
		}
		return false
	}
	return true
}
