package main

import (
	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
)

// judged gives the rows for what judges say of an attack, if any was asked about its class: that somebody lists an attack of a class
// that none was asked about counts as it is, so that the row of what is confirmed is not one of fewer classes.
func (t *table) judged(s *corpus.Sample) []string {
	if len(t.verdicts) == 0 {
		return nil
	}
	const confirmed, listed = "0 attacks that a judge confirms, or of classes without a judge", "0 listed as attacks, confirmed by no judge"
	v, known := t.verdicts[verdict.Of(string(s.Class), s.Whole())]
	switch {
	case s.Class != corpus.XSS && s.Class != corpus.SQL:
		return []string{confirmed}
	case !known:
		return []string{confirmed, "1 " + string(s.Class) + ", not judged"}
	case v.Confirmed():
		return []string{confirmed, "1 " + string(s.Class) + ", confirmed: " + string(v), "1 " + string(s.Class) + ", confirmed"}
	}
	return []string{listed, "1 " + string(s.Class) + ", confirmed by no judge"}
}
