package upstream

import (
	"fmt"
	"strconv"
	"strings"
)

// Matcher is a set of status codes.
type Matcher []span

type span struct{ from, to int }

// ParseMatcher reads codes and ranges, "200,301-302", each between least and most.
func ParseMatcher(s string, least, most int) (Matcher, error) {
	var m Matcher
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && ranged {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < least || to > most || from > to {
			return nil, fmt.Errorf("matcher %q: codes between %d and %d, or ranges of them", s, least, most)
		}
		m = append(m, span{from, to})
	}
	return m, nil
}

// Match tells whether code is in the set.
func (m Matcher) Match(code int) bool {
	for _, s := range m {
		if s.from <= code && code <= s.to {
			return true
		}
	}
	return false
}
