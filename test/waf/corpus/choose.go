package corpus

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Choose takes at most n samples of each class of each source. Which ones does not depend on the other sources.
func Choose(all []Sample, n int) (chosen []Sample) {
	byKind := map[string][]Sample{}
	for _, s := range all {
		k := s.Source + "|" + string(s.Class)
		byKind[k] = append(byKind[k], s)
	}
	for _, k := range slices.Sorted(maps.Keys(byKind)) {
		of := byKind[k]
		h := fnv.New64a()
		h.Write([]byte(k))
		r := rand.New(rand.NewPCG(1, h.Sum64()))
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		chosen = append(chosen, of[:min(n, len(of))]...)
	}
	// Who takes the first ones of them takes some of each source.
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen
}

// Whole is all that is sent of a sample: its value, or method, target, fields and body of a whole request.
func (s *Sample) Whole() string {
	if s.Fields == nil {
		return s.Value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", s.Method, s.Value)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "%s: %s\n", f[0], f[1])
	}
	b.WriteString("\n" + s.Body)
	return b.String()
}
