package seclang

import (
	"fmt"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
)

// hostile are bodies of 64 KB that are made to be slow: many arguments, long values that begin what
// expressions look for again and again, what transformations have to undo.
func hostile() map[string]*request.Request {
	const size = 64 << 10
	form := func(unit string) *request.Request {
		return post("application/x-www-form-urlencoded", "a="+strings.Repeat(unit, size/len(unit)))
	}
	many := func(unit string) *request.Request {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, unit, i)
		}
		return post("application/x-www-form-urlencoded", b.String())
	}
	return map[string]*request.Request{
		"arguments":        many("a%d=1&"),
		"names":            many("%d&"),
		"attacks":          many("x%d=1'+or+1=1--&"),
		"scripts":          many("x%d=<script>alert(1)</script>&"),
		"one name":         many("a=select+%d&"),
		"quotes":           form(`'"`),
		"comments":         form("/**/select "),
		"spaces":           form("a  \t"),
		"escapes":          form(`\x41&lt;%u0041`),
		"percent":          form("%2525"),
		"markup":           form("<a "),
		"words":            form("or and union select from where "),
		"paths":            form("../"),
		"shell":            form("; cat $(ls) | "),
		"base64":           form("PHNjcmlwdD4"),
		"mixed case":       form("SeLeCt "),
		"outside of ASCII": form("\xc3\xa4\xff"),
		"JSON":             post("application/json", "["+strings.Repeat(`{"a":"x' or 1=1","b":[1]},`, size/26)+"1]"),
		"XML":              post("text/xml", strings.Repeat(`<a b="c">d</a>`, size/14)),
	}
}

// TestHostileRequestsAreBounded holds the work for 64 KB made to be slow to a bound in steps. A step stands for a few
// nanoseconds.
func TestHostileRequestsAreBounded(t *testing.T) {
	for _, level := range []int{1, 4} {
		sources, options := loadCRS(t, Config{Paranoia: level, Detect: true})
		options.Reserve = -1
		p, err := Compile(sources, options)
		if err != nil {
			t.Fatal(err)
		}
		s := NewScratch(request.DefaultLimits())
		for name, r := range hostile() {
			for range 3 {
				before := s.matcher.Steps()
				p.Evaluate(r, s)
				steps := s.matcher.Steps() - before
				if steps > DefaultSteps*5/4 {
					t.Errorf("level %d, %s: %d steps", level, name, steps)
				}
			}
		}
	}
}
