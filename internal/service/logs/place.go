package logs

import (
	"cmp"
	"math/big"
	"strings"
)

// place is where an event is in the order of all events: by time, then by block, then by its number in
// the block.
type place struct {
	at    int64
	block blockID
	index int
}

// compare orders places.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.block.at, q.block.at), cmp.Compare(p.block.number, q.block.number), cmp.Compare(p.index, q.index))
}

// An event id is a place as a number of 56 decimal digits, as AWS's are: 48 bits of time, 56 of the block's
// time, 32 of its number, 14 of the index. The largest has 46 digits; zeros lead.
const (
	idDigits  = 56
	timeBits  = 48
	microBits = 56
	numBits   = 32
	indexBits = 14
)

func (p place) id() string {
	n := new(big.Int).SetUint64(uint64(p.at))
	add := func(v uint64, bits uint) { n.Or(n.Lsh(n, bits), new(big.Int).SetUint64(v)) }
	add(p.block.at, microBits)
	add(p.block.number, numBits)
	add(uint64(p.index), indexBits)
	text := n.String()
	return strings.Repeat("0", max(0, idDigits-len(text))) + text
}

// parsePlace reads an event id.
func parsePlace(id string) (p place, ok bool) {
	if len(id) != idDigits {
		return p, false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return p, false
		}
	}
	n, ok := new(big.Int).SetString(id, 10)
	if !ok || n.BitLen() > timeBits+microBits+numBits+indexBits {
		return p, false
	}
	take := func(bits uint) uint64 {
		mask := new(big.Int).SetUint64(1<<bits - 1)
		v := mask.And(mask, n).Uint64()
		n.Rsh(n, bits)
		return v
	}
	p.index = int(take(indexBits))
	p.block.number = take(numBits)
	p.block.at = take(microBits)
	p.at = int64(n.Uint64())
	return p, true
}

// before is the place before all events of a time, behind the one behind them.
func before(ms int64) place { return place{at: ms, index: -1} }

// A token of GetLogEvents is the place from which it goes on, and the direction:
// f/ID/s forwards from behind an event, b/ID/s backwards from before it.

func token(forward bool, p place) string {
	p.index = max(p.index, 0)
	if forward {
		return "f/" + p.id() + "/s"
	}
	return "b/" + p.id() + "/s"
}

func parseToken(t string) (forward bool, p place, ok bool) {
	id, back := strings.CutPrefix(t, "b/")
	if !back {
		if id, forward = strings.CutPrefix(t, "f/"); !forward {
			return false, p, false
		}
	}
	id, ok = strings.CutSuffix(id, "/s")
	if !ok {
		return false, p, false
	}
	p, ok = parsePlace(id)
	return forward, p, ok
}
