package policy

import (
	"math/bits"
	"strings"
	"sync"
	"unicode/utf8"
)

// A run is what stands between two asterisks of a pattern: letters and question marks.
// This file finds one in a text. Both are UTF-8 (compilePattern and resolve see to the
// run; a byte of the text outside UTF-8 is a character of its own), and a question mark
// is one character.

// find gives the end of the earliest occurrence of a run, or -1.
//
// Question marks at its ends only count characters. With none inside, the rest is found
// by strings.Index; otherwise by comparing (short) or by sieve (long), which looks at
// 512 places at a time. So the time is linear but for a factor len(run)/512, small
// enough at the greatest sizes of policies and requests.
func find(run, s string) int {
	i, j := 0, len(run)
	for i < j && run[i] == wildOne {
		i++
	}
	for i < j && run[j-1] == wildOne {
		j--
	}
	core, tail := run[i:j], run[j:]
	at, ok := consume(run[:i], s)
	if !ok {
		return -1
	}
	if core == "" {
		return at // the run was question marks alone
	}
	var end int
	switch {
	case strings.IndexByte(core, wildOne) < 0:
		end = strings.Index(s[at:], core)
		if end >= 0 {
			end += len(core)
		}
	case len(core)*(len(s)-at) <= 4096:
		end = findByComparing(core, s[at:])
	default:
		v := sieves.Get().(*sieve)
		end = v.find(core, s[at:])
		if cap(v.rows) <= maxSieveWords {
			sieves.Put(v)
		}
	}
	if end < 0 {
		return -1
	}
	at += end
	n, ok := consume(tail, s[at:])
	if !ok {
		return -1
	}
	return at + n
}

// findByComparing is find for a run that begins with a letter, trying place after place.
func findByComparing(run, s string) int {
	for start := 0; ; start++ {
		i := strings.IndexByte(s[start:], run[0])
		if i < 0 {
			return -1
		}
		start += i
		if n, ok := consume(run, s[start:]); ok {
			return start + n
		}
	}
}

const (
	laneWords  = 8              // words of places looked at together
	lanePlaces = laneWords * 64 // places looked at together
	// Slots of bytes: 256 for the first byte of a character, 64 for each of its others.
	byteSlots = 256 + 3*64
	// maxSieveWords keeps rare large sieves (over 2 MiB) out of the pool.
	maxSieveWords = 256 << 10
)

// sieve finds a run in a text by bits. For each byte that occurs in the run it keeps at
// which characters of a window of the text it stands; whether the run occurs at each of
// 512 places is then the conjunction of such rows, each shifted by where in the run the
// byte stands.
type sieve struct {
	slot  [byteSlots]uint16 // row number + 1 of a byte, 0 if the run is without it
	used  []uint16          // the entries of slot that are set
	steps []sieveStep
	rows  []uint64 // width words for each row
	width int
}

// sieveStep demands a byte at an offset in characters from the place looked at.
type sieveStep struct{ row, offset int32 }

// sieves keeps sieves for reuse: evaluation allocates nothing once it is warm.
var sieves = sync.Pool{New: func() any { return new(sieve) }}

// find is find for a run that begins and ends with a letter.
func (v *sieve) find(run, s string) int {
	chars := v.prepare(run)
	// Windows grow, so that a run found early costs little, while one found late or never
	// does not look too often at the overlap of windows, which is as long as the run.
	places := lanePlaces
	for base := 0; ; {
		seen, next := v.fill(s[base:], places, chars)
		for lane := 0; lane < places && lane+chars <= seen; lane += lanePlaces {
			if p := v.sift(lane); p >= 0 {
				start := base + skip(s[base:], lane+p)
				n, _ := consume(run, s[start:])
				return start + n
			}
		}
		if seen < places+chars {
			return -1 // the window held the end of the text
		}
		base += next
		places = min(2*places, max(8*lanePlaces, (chars+lanePlaces-1)/lanePlaces*lanePlaces))
	}
}

// prepare lists what run demands and gives its length in characters.
func (v *sieve) prepare(run string) int {
	for _, s := range v.used {
		v.slot[s] = 0
	}
	v.used, v.steps = v.used[:0], v.steps[:0]
	chars := int32(0)
	for i := 0; i < len(run); chars++ {
		if run[i] == wildOne {
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(run[i:])
		for k := range size {
			s := byteSlot(run[i+k], k)
			if v.slot[s] == 0 {
				v.used = append(v.used, uint16(s))
				v.slot[s] = uint16(len(v.used))
			}
			v.steps = append(v.steps, sieveStep{int32(v.slot[s]) - 1, chars})
		}
		i += size
	}
	return int(chars)
}

// byteSlot is the slot of a byte that is the k-th of its character.
func byteSlot(b byte, k int) int {
	if k == 0 {
		return int(b)
	}
	return 256 + (k-1)*64 + int(b&0x3f)
}

// fill makes the rows for the first places+chars characters of s. It gives how many of
// them there are and the offset of the character that follows the first places.
func (v *sieve) fill(s string, places, chars int) (seen, next int) {
	v.width = (places+chars)/64 + laneWords + 2 // sift reads past the end
	n := v.width * len(v.used)
	if cap(v.rows) < n {
		v.rows = make([]uint64, n)
	}
	v.rows = v.rows[:n]
	clear(v.rows)
	for i := 0; i < len(s) && seen < places+chars; seen++ {
		if seen == places {
			next = i
		}
		size := 1
		if s[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(s[i:])
		}
		for k := range size {
			if row := int(v.slot[byteSlot(s[i+k], k)]); row != 0 {
				v.rows[(row-1)*v.width+seen/64] |= 1 << (seen % 64)
			}
		}
		i += size
	}
	return seen, next
}

// sift gives the first of the 512 places from lane on at which the run stands, counted
// from lane, or -1.
func (v *sieve) sift(lane int) int {
	ones := ^uint64(0)
	d := [laneWords]uint64{ones, ones, ones, ones, ones, ones, ones, ones}
	for _, step := range v.steps {
		at := int(step.row)*v.width + (lane+int(step.offset))/64
		w := (*[laneWords + 1]uint64)(v.rows[at:])
		r := uint(step.offset) % 64 // lane is a multiple of 64
		l := 63 - r
		d[0] &= w[0]>>r | w[1]<<1<<l
		d[1] &= w[1]>>r | w[2]<<1<<l
		d[2] &= w[2]>>r | w[3]<<1<<l
		d[3] &= w[3]>>r | w[4]<<1<<l
		d[4] &= w[4]>>r | w[5]<<1<<l
		d[5] &= w[5]>>r | w[6]<<1<<l
		d[6] &= w[6]>>r | w[7]<<1<<l
		d[7] &= w[7]>>r | w[8]<<1<<l
		if d[0]|d[1]|d[2]|d[3]|d[4]|d[5]|d[6]|d[7] == 0 {
			return -1
		}
	}
	for i, word := range d {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// skip is the offset of the n-th character of s.
func skip(s string, n int) int {
	i := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}
