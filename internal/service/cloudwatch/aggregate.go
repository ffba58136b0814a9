package cloudwatch

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// aggregate is what is kept of the data of a minute (or of more, once they are old).
type aggregate struct {
	Minute int64   `json:"t"` // since 1970
	Unit   string  `json:"u,omitempty"`
	Count  float64 `json:"c"`
	Sum    float64 `json:"s"`
	Min    float64 `json:"n"`
	Max    float64 `json:"x"`
	// Sizes is how often values of each size came; nil when they are not known.
	Sizes map[int]float64 `json:"z,omitempty"`
}

// The sizes of values: each is 5 % above the one below it, so that a percentile is within 2.5 %. Zero and values
// too small have a size of their own; those of negative values are below it.
const (
	sizeFactor = 1.05
	zeroSize   = 0
	sizeShift  = 20_000 // the smallest size of a value: 1e-160 or so
	maxSizes   = 250    // of an aggregate; beyond it percentiles are not known
)

var logFactor = math.Log(sizeFactor)

func sizeOf(v float64) int {
	if v == 0 {
		return zeroSize
	}
	n := max(int(math.Ceil(math.Log(math.Abs(v))/logFactor))+sizeShift, 1)
	if v < 0 {
		return -n
	}
	return n
}

// valueOf is a value of a size.
func valueOf(size int) float64 {
	if size == zeroSize {
		return 0
	}
	n := size
	if n < 0 {
		n = -n
	}
	v := math.Exp((float64(n-sizeShift) - 0.5) * logFactor)
	if size < 0 {
		return -v
	}
	return v
}

// add adds values to an aggregate.
func (a *aggregate) add(v, count float64) {
	if a.Count == 0 {
		a.Min, a.Max, a.Sizes = v, v, make(map[int]float64)
	}
	a.Count += count
	a.Sum += v * count
	a.Min, a.Max = min(a.Min, v), max(a.Max, v)
	if a.Sizes != nil {
		a.Sizes[sizeOf(v)] += count
	}
}

// merge adds another aggregate, of the same unit.
func (a *aggregate) merge(b *aggregate) {
	if b.Count == 0 {
		return
	}
	if a.Count == 0 {
		minute := a.Minute
		*a = *b
		a.Minute, a.Sizes = minute, maps.Clone(b.Sizes)
		return
	}
	a.Count += b.Count
	a.Sum += b.Sum
	a.Min, a.Max = min(a.Min, b.Min), max(a.Max, b.Max)
	if a.Sizes == nil || b.Sizes == nil {
		a.Sizes = nil
		return
	}
	for size, n := range b.Sizes {
		a.Sizes[size] += n
	}
	if len(a.Sizes) > maxSizes {
		a.Sizes = nil
	}
}

// percentile is the value that a share (0 to 100) of the values is not above.
func (a *aggregate) percentile(share float64) (float64, bool) {
	if a.Sizes == nil {
		// Of one value, or of values that are all the same, it is known nevertheless.
		return a.Min, a.Count > 0 && a.Min == a.Max
	}
	want := share / 100 * a.Count
	seen := 0.0
	for _, size := range slices.Sorted(maps.Keys(a.Sizes)) {
		if seen += a.Sizes[size]; seen >= want {
			return min(max(valueOf(size), a.Min), a.Max), true
		}
	}
	return a.Max, true
}

// coarsen merges aggregates of an hour into steps of some minutes.
func coarsen(all []aggregate, step int64) []aggregate {
	var out []aggregate
	for i := range all {
		out = put(out, &all[i], all[i].Minute-all[i].Minute%step)
	}
	return out
}

// put merges an aggregate into a list in the order of minutes and units, at a minute.
func put(list []aggregate, a *aggregate, minute int64) []aggregate {
	at, there := slices.BinarySearchFunc(list, a, func(x aggregate, a *aggregate) int {
		return cmp.Or(cmp.Compare(x.Minute, minute), cmp.Compare(x.Unit, a.Unit))
	})
	if !there {
		list = slices.Insert(list, at, aggregate{Minute: minute, Unit: a.Unit})
	}
	list[at].merge(a)
	return list
}
