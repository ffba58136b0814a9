package crs

import (
	"fmt"
	"sync"
	"testing"
)

// refusedByDuty are stages that ask for status 200 of requests that the proxy refuses whatever the rules
// say, because it never lets pass what two servers may read differently, and is no proxy for CONNECT.
var refusedByDuty = map[string]int{
	"920100-4/1": 405, // CONNECT
	"920181-1/1": 400, // Content-Length and Transfer-Encoding together
}

// TestRegressionCases sends every stage to both. Of the stages that Coraza passes, the proxy has to
// pass 99 % of those in which a rule must match, and all of the others.
func TestRegressionCases(t *testing.T) {
	stages := loadStages(t)
	theirs, ours := corazaFirewall(t), proxyFirewall(t)
	type count struct{ stages, theirs, both, ours, refused int }
	var positive, negative count
	for i := range stages {
		s := &stages[i]
		text, method := s.input.request(t)
		var a, b account
		var both sync.WaitGroup
		both.Go(func() { a = theirs.ask(t, text, method) })
		both.Go(func() { b = ours.ask(t, text, method) })
		both.Wait()
		c := &negative
		if s.positive {
			c = &positive
		}
		c.stages++
		theyPass, why := s.output.meets(a)
		wePass, whyNot := s.output.meets(b)
		if status, ok := refusedByDuty[s.name]; ok {
			wePass, whyNot = b.status == status, fmt.Sprintf("status %d, not %d", b.status, status)
		}
		if theyPass {
			c.theirs++
		}
		if wePass {
			c.ours++
		}
		switch {
		case theyPass && wePass:
			c.both++
		case theyPass && !s.positive:
			t.Errorf("%s: %s\n%.500q", s.name, whyNot, text)
		case theyPass:
			if b.status == 400 && len(b.ids) == 0 {
				c.refused++
			}
			t.Logf("%s: %s\n%.500q", s.name, whyNot, text)
		case wePass:
			t.Logf("Coraza alone fails %s: %s", s.name, why)
		}
	}
	for _, x := range []struct {
		name string
		count
	}{{"in which a rule must match", positive}, {"in which none may, or a status is asked for", negative}} {
		t.Logf("stages %s: %d; Coraza passes %d, the proxy %d; of Coraza's the proxy passes %d (%.2f %%) and refuses %d as malformed HTTP",
			x.name, x.stages, x.theirs, x.ours, x.both, 100*float64(x.both)/float64(max(x.theirs, 1)), x.refused)
	}
	if positive.theirs < 3000 || negative.theirs < 700 {
		t.Errorf("Coraza passes too few stages to compare with")
	}
	if 100*positive.both < 99*positive.theirs {
		t.Errorf("less than 99 %% of the stages in which a rule must match")
	}
}
