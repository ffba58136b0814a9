package request

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"

	"fastness/internal/engine/waf/inplace"
	"fastness/internal/engine/waf/pattern"
)

// A body of JSON has hundreds of names and values in a few kilobytes. To note where each is, to make its name of the keys
// above it, and then to look at it by itself costs several times as much as to read it. A survey reads it once, looks at names and
// values where they stand, and notes those that the sieve does not clear. Names share their beginnings, so
// the sieve's automaton goes on behind the keys above.

// survey is what a sieve has left of the arguments in a body of JSON.
type survey struct {
	values []Pair // in the order of BodyArguments, as names
	names  []Pair
	keys   [][]byte // those that are pieces of names
	levels []surveyLevel
	digits [24]byte // of an index
	// scalars are short numbers and words that screen clears, as lowBytes gives them.
	scalars [scalarCount]uint64
	screen  *pattern.Screen
	tried   bool
	whole   bool // the body was gone over to its end
}

// surveyLevel is an object or array that is open.
type surveyLevel struct {
	mark  pattern.Mark // behind the keys down to here and a point
	key   []byte       // the last of those keys, if it is none of an array's
	names int          // the length of all of them with points between
	// word are the digits of index, the first one lowest, if those are digits, at most pattern.ShortText.
	word   uint64
	digits int
	index  int
	array  bool
}

func (v *survey) reset() {
	if v.tried {
		clear(v.values)
		clear(v.names)
		clear(v.keys)
		clear(v.levels[:cap(v.levels)])
		v.values, v.names, v.keys, v.tried, v.whole = v.values[:0], v.names[:0], v.keys[:0], false, false
	}
}

// JSONPrefix is what the names of all arguments in a body of JSON begin with.
const JSONPrefix = "json"

// Survey goes over a body of JSON with the sieve of Sift, and gives the arguments whose values and those whose names that does not clear, in the order of
// BodyArguments. It is not ok where the body has to be taken apart.
func (in *Inspection) Survey() (values, names []Pair, ok bool) {
	if !in.surveyed() {
		return nil, nil, false
	}
	return in.parts.survey.values, in.parts.survey.names, true
}

// surveyed tells whether the body is JSON that the sieve has been through, of which only in.parts.survey is left to look at. It is
// not where somebody wanted all of it, and where it is anything but one regular document within all bounds.
func (in *Inspection) surveyed() bool {
	v := &in.parts.survey
	if v.tried {
		return v.whole
	}
	v.tried = true
	body, truncated := in.r.held()
	if in.sieve == nil || truncated || in.parts.body.done || in.Format() != FormatJSON || !in.parts.chosen && in.ambiguous() {
		return false
	}
	n := len(in.scratch)
	if v.whole = in.survey(v, body); !v.whole {
		in.scratch = in.scratch[:n]
		clear(v.values)
		clear(v.names)
		clear(v.keys)
		v.values, v.names, v.keys = v.values[:0], v.names[:0], v.keys[:0]
	}
	return v.whole
}

// survey goes over a document. It takes less than parse does: no comma or colon may be missing or stand alone, and nothing may
// stand behind the document.
func (in *Inspection) survey(v *survey, body []byte) bool {
	s := in.sieve
	screen, memory, start := s.Screen, s.Memory, s.Screen.Start(s.Memory)
	if v.screen != screen {
		v.screen, v.scalars = screen, [scalarCount]uint64{}
	}
	i := afterSpace(body, 0)
	if i == len(body) || body[i] != '{' && body[i] != '[' || in.limits.Depth < 1 {
		return false
	}
	// What is clear takes no memory and little time, so there may be more of it than arguments.
	most := max(min(in.limits.Arguments, in.limits.JSONValues/3-2), 0)
	v.levels = v.levels[:0]
	memory.Spend(len(body) / 2)
	level := v.open(screen.Behind(start, root, memory), nil, len(root)-1, body[i] == '[')
	i = afterSpace(body, i+1)
	if i < len(body) && level.ends(body[i]) {
		return afterSpace(body, i+1) == len(body)
	}
	for {
		// Here a member of a container begins.
		if memory.Spend(memberSteps); i == len(body) {
			return false
		}
		var key []byte // with a byte before it
		nameClear := false
		if !level.array {
			if body[i] != '"' {
				return false
			}
			word, ends := uint64(0), uint64(0)
			if i+9 <= len(body) {
				word = binary.LittleEndian.Uint64(body[i+1:])
				ends = pattern.EqualBytes(word, '"')
			}
			// What is clear has no backslash.
			if n := bits.TrailingZeros64(ends) / 8; ends != 0 && memory.ClearShort(level.mark, word&(1<<(8*n)-1), n) {
				key, nameClear = body[i:i+1+n:i+1+n], true
				i += n + 2
			} else if n, nameClear = screen.ClearQuoted(level.mark, body[i+1:], memory); n >= 0 {
				key = body[i : i+1+n : i+1+n]
				i += n + 2
			} else if key, i = in.escaped(body, i+1); i >= 0 {
				nameClear = screen.ClearBehind(level.mark, key[1:], memory)
			} else {
				return false
			}
			if nameClear && len(key)-1 > s.MinCode {
				nameClear = !s.Code(key)
			}
			if k := key[1:]; len(k) <= maxPiece && hasSign(k) && !s.Clear(k) {
				v.keys = append(v.keys, k)
			}
			if i < len(body) && body[i] == ':' {
				i++
			} else if i = afterSpace(body, i); i < len(body) && body[i] == ':' {
				i++
			} else {
				return false
			}
			if i = afterSpace(body, i); i == len(body) {
				return false
			}
		}
		c := body[i]
		if c == '{' || c == '[' {
			if level = in.descend(v, level, key, c == '['); level == nil {
				return false
			}
			if i = afterSpace(body, i+1); i == len(body) {
				return false
			}
			if !level.ends(body[i]) {
				continue
			}
		} else {
			if level.array {
				nameClear = memory.ClearShort(level.mark, level.word, level.digits) ||
					screen.ClearBehind(level.mark, v.number(level.index), memory) // of digits without code
				level.count()
			}
			var value []byte
			valueClear := false
			if c == '"' {
				n, clear := screen.ClearQuoted(start, body[i+1:], memory)
				if n >= 0 {
					value = body[i+1 : i+1+n : i+1+n]
					valueClear = clear && (n < s.MinCode || n <= s.Longest && !s.Code(value))
					i += n + 2
				} else {
					if value, i = in.escaped(body, i+1); i < 0 {
						return false
					}
					value = value[1:]
					valueClear = s.Clear(value)
				}
			} else {
				var n int
				if n, valueClear = v.scalar(body, i, s); n == 0 {
					return false
				}
				value = body[i : i+n : i+n]
				i += n
			}
			if !valueClear && s.Known != nil {
				valueClear = s.Known(value)
			}
			if !nameClear || !valueClear {
				in.note(v, level, key, value, nameClear, valueClear)
			}
			if len(v.values) > most || len(v.names) > most || len(v.keys) > most {
				return false
			}
		}
		// Behind a value, or where an empty container ends.
		for {
			if i = afterSpace(body, i); i == len(body) {
				return false
			}
			c := body[i]
			i++
			if c == ',' {
				i = afterSpace(body, i)
				break
			}
			if !level.ends(c) {
				return false
			}
			v.levels = v.levels[:len(v.levels)-1]
			if len(v.levels) == 0 {
				return afterSpace(body, i) == len(body)
			}
			level = &v.levels[len(v.levels)-1]
		}
	}
}

// memberSteps is what it takes to go over a member of a container, however short, in steps of package pattern.
const memberSteps = 5

// root is what names begin with, point what follows a key.
var root, point = []byte("json."), []byte{'.'}

// open adds a container.
func (v *survey) open(mark pattern.Mark, key []byte, names int, array bool) *surveyLevel {
	v.levels = inplace.Longer(v.levels)
	l := &v.levels[len(v.levels)-1]
	l.mark, l.key, l.names, l.array = mark, key, names, array
	l.index, l.digits, l.word = 0, 1, '0'
	return l
}

// ends tells whether a byte ends the container.
func (l *surveyLevel) ends(c byte) bool { return c == '}' && !l.array || c == ']' && l.array }

// count goes on to the next element of an array.
func (l *surveyLevel) count() {
	l.index++
	if last := 8 * (l.digits - 1); l.word>>last&0xff < '9' {
		l.word += 1 << last
		return
	}
	l.word, l.digits = 0, 0
	for n := l.index; n > 0; n /= 10 {
		l.word = l.word<<8 | uint64('0'+n%10)
		l.digits++
	}
}

// number is the name of an element.
func (v *survey) number(index int) []byte {
	return strconv.AppendInt(v.digits[:0], int64(index), 10)
}

// descend opens a container in another one, as a member with a key, which has a byte before it, or as the next
// element. It returns nil where bounds are exceeded.
func (in *Inspection) descend(v *survey, level *surveyLevel, key []byte, array bool) *surveyLevel {
	s := in.sieve
	var mark pattern.Mark
	var word uint64
	var n int
	if level.array {
		word, n = level.word, level.digits
		key = v.number(level.index)
		level.count()
	} else {
		if len(key)-1 > s.MinCode && s.Code(key) {
			n = -1 // names below it have to be looked at whole
		} else {
			n, word = len(key)-1, lowBytes(key, 1, len(key)-1)
		}
		key = key[1:]
	}
	names := level.names + 1 + len(key)
	if len(v.levels) == in.limits.Depth || names > prefixKept {
		return nil
	}
	switch {
	case n < 0:
	case n < pattern.ShortText:
		if mark = s.Memory.BehindShort(level.mark, word|'.'<<(8*n), n+1); mark != (pattern.Mark{}) {
			break
		}
		short := binary.LittleEndian.AppendUint64(v.digits[:0], word|'.'<<(8*n))
		mark = s.Screen.Behind(level.mark, short[:n+1], s.Memory)
	default:
		mark = s.Screen.Behind(s.Screen.Behind(level.mark, key, s.Memory), point, s.Memory)
	}
	if level.array {
		key = nil
	}
	return v.open(mark, key, names, array)
}

// note notes the name or value of a member of a container, or both.
func (in *Inspection) note(v *survey, level *surveyLevel, key, value []byte, nameClear, valueClear bool) {
	if level.array {
		key = v.number(level.index - 1) // which count has been at
	} else {
		key = key[1:]
	}
	w := &in.flat
	w.prefix = append(w.prefix[:0], root[:len(root)-1]...)
	for i := 1; i < len(v.levels); i++ {
		w.prefix = append(w.prefix, '.')
		if above := &v.levels[i-1]; above.array {
			w.prefix = strconv.AppendInt(w.prefix, int64(above.index-1), 10)
		} else {
			w.prefix = append(w.prefix, v.levels[i].key...)
		}
	}
	name := in.flatName(key)
	if !nameClear {
		v.names = append(v.names, Pair{Name: name})
	}
	if !valueClear {
		v.values = append(v.values, Pair{Name: name, Value: value})
	}
}

// escaped reads a string with escapes that begins at from. It returns it decoded with a quotation mark before it, and what follows
// its closing quotation mark, which is -1 if there is none.
func (in *Inspection) escaped(body []byte, from int) (quoted []byte, end int) {
	n := len(in.scratch)
	in.scratch = append(in.scratch, '"')
	for i := from; i < len(body); {
		before := body[i:]
		k := bytes.IndexByte(before, '\\')
		if k >= 0 {
			before = before[:k]
		}
		if q := bytes.IndexByte(before, '"'); q >= 0 {
			in.scratch = append(in.scratch, before[:q]...)
			return in.since(n), i + q + 1
		}
		if k < 0 {
			break
		}
		in.scratch = append(in.scratch, body[i:i+k]...)
		var took int
		in.scratch, took = appendEscape(in.scratch, body[i+k:])
		i += k + took
	}
	return nil, -1
}

const scalarCount = 256

// scalar is the length of the number or literal at a place in a body, 0 if there is none, and whether it is clear.
func (v *survey) scalar(body []byte, at int, s *Sieve) (n int, clear bool) {
	if at+8 <= len(body) {
		word := binary.LittleEndian.Uint64(body[at:])
		// Most stand before a comma or a bracket. What is known has none.
		if ends := pattern.EqualBytes(word, ',') | pattern.EqualBytes(word|0x2020202020202020, '}'); ends != 0 {
			n = bits.TrailingZeros64(ends) / 8
			word &= 1<<(8*n) - 1
			if n > 0 && v.scalars[scalarOf(word)] == word && word>>(8*(n-1)) != 0 { // no NUL behind it
				return n, true
			}
		}
	}
	if n = scalar(body[at:]); n == 0 {
		return 0, false
	}
	clear = s.Clear(body[at : at+n : at+n])
	if clear && n < 8 {
		word := lowBytes(body, at, n)
		v.scalars[scalarOf(word)] = word
	}
	return n, clear
}

func scalarOf(word uint64) uint64 { return word * 0x9e3779b97f4a7c15 >> 56 }

func afterSpace(body []byte, i int) int {
	for i < len(body) && body[i] <= ' ' && (body[i] == ' ' || body[i] == '\n' || body[i] == '\t' || body[i] == '\r') {
		i++
	}
	return i
}

// lowBytes are the n bytes of b from a place on as a word, the first one lowest; 0 if they are more than eight.
func lowBytes(b []byte, at, n int) (word uint64) {
	switch {
	case n > 8:
		return 0
	case at+8 <= len(b):
		word = binary.LittleEndian.Uint64(b[at:])
		return word & (1<<(8*n) - 1) // a shift by 64 leaves nothing, which is all of eight bytes
	}
	for k := n - 1; k >= 0; k-- {
		word = word<<8 | uint64(b[at+k])
	}
	return word
}
