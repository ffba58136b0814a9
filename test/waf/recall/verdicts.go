package main

import (
	"slices"

	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
)

// Rows of what judges say, beside those by lists. What no judge was asked about counts as it is listed, so that these are not rows of fewer
// classes than that by lists.
const (
	rowConfirmed = "0 attacks: confirmed by a judge, or not judged"
	rowPossible  = "0 attacks: confirmed or possible, or not judged"
	rowJudged    = "0 attacks: confirmed by a judge"
	rowMaybe     = "0 listed as attacks: possible at most"
	rowNone      = "0 listed as attacks: neither"
)

// ofParts are the classes of whole requests: what all judges say of each of their parts confirms one, and does not tell that one is no attack,
// since no interpreter reads a whole request. What is not confirmed counts as it is listed.
var ofParts = []corpus.Class{corpus.Holes, corpus.Mixed, corpus.Probe}

// judged gives the rows for what judges say of an attack, if there are verdicts.
func (t *table) judged(s *corpus.Sample) []string {
	if len(t.verdicts) == 0 {
		return nil
	}
	class := "1 " + string(s.Class)
	v, known := t.verdicts[verdict.Of(string(s.Class), s.Whole())]
	switch {
	case v.Confirmed():
		return []string{rowConfirmed, rowPossible, rowJudged, class + ", confirmed: " + string(v), class + ", confirmed"}
	case !known:
		return []string{rowConfirmed, rowPossible, class + ", not judged"}
	case slices.Contains(ofParts, s.Class):
		return []string{rowConfirmed, rowPossible, class + ", no part confirmed"}
	case v == verdict.Possible:
		return []string{rowPossible, rowMaybe, class + ", possible"}
	}
	return []string{rowNone, class + ", neither"}
}
