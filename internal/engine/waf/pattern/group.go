package pattern

import (
	_ "embed" // the long sample
	"slices"
)

// Patterns for which strings are no good filter, as they need none or such that occur in
// any text, are matched together by one automaton: in one pass over a value, whatever their
// number. That is good as long as its states are few, which depends on how the patterns go
// together. So a group is tried with a sample of what browsers send, and divided if it
// makes too many states.

// group is some patterns with one automaton.
type group struct {
	product *product
	members []uint32 // patterns, by their number in the product
	bits    Bits     // the same
}

const (
	maxStates  = 4000 // states that the sample may make of a group
	maxMembers = 400  // patterns of a group
	maxAlone   = 800  // states that the sample may make of a pattern that joins a group
	maxThin    = 100  // states that the long sample may make of a pattern that joins a group for long values
	longValue  = 600  // bytes, from which on a value is long
	maxTrial   = 3e7  // steps that the sample may take a pattern
)

// sample has values of the kinds that requests hold.
var sample = []string{
	"1", "42", "true", "", "id", "q", "page", "name", "email", "GET", "en-US,en;q=0.9", "gzip, deflate, br", "2024-05-17T12:30:45Z", "12:30", "-3.75",
	"/", "/index.html", "/api/v2/users/1842/orders", "/assets/app.4f3c2b1a.min.js", "/wiki/The_(band)", "https://www.example.com/path/page.php?id=7&lang=en#top",
	"www.example.com:8080", "192.168.10.25", "2001:db8::8a2e:370:7334",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
	"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", `"Chromium";v="124", "Not-A.Brand";v="99"`,
	"application/x-www-form-urlencoded; charset=UTF-8", "multipart/form-data; boundary=----WebKitFormBoundaryePkpFF7tjBAqx29L",
	"session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N; theme=dark; _ga=GA1.1.123456789.1715000000",
	"d41d8cd98f00b204e9800998ecf8427e", "550e8400-e29b-41d4-a716-446655440000", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=", "AB-1024-X", "+49 (0)30 123-4567",
	"anna.mueller+news@example.org", "O'Brien & Sons, Ltd.", "Dr. Anna-Maria M\xc3\xbcller", "$1,299.00 (incl. 19% VAT)", "C:\\Users\\anna\\Documents\\report.docx",
	"Hello! We'd like to order 3 of the \"Classic\" chairs and 2 tables; could you deliver them on Monday, or is Tuesday better? Thanks, Anna",
	"Select a plan and join the group where everyone can update from home: it's as simple as 1-2-3 (or less).",
	"Line one of a comment.\r\nLine two, with a link: http://example.com/a?b=c\r\n\r\n- an item\r\n- another item\r\n",
	`{"user":{"id":17,"tags":["new","vip"],"active":true,"note":"Call back @ 5pm"},"total":99.5}`,
	"<p class=\"lead\">A <b>bold</b> move &amp; a <a href='/x'>link</a></p>", "function add(a, b) { return a + b; } // adds", "tag1,tag2;tag3|tag4", "50% off & free shipping!",
	"rock & roll", "foo_bar-baz.qux~1", "a=1&b=2&c[]=3&d[key]=value", "%20encoded%2Fpath", "../images/logo.png", "ls", "cat", "echo", "time", "for the win", "who is it?",
}

// longSample is a text of the kinds that people write about computers, in which every automaton begins
// to match all the time. What makes many states there alone makes more of them with each other one.
//
//go:embed longsample.txt
var longSample string

// gather makes groups of those patterns that do not have to go alone.
func (s *Set) gather(list []uint32) {
	var good []uint32
	for _, i := range list {
		p := s.patterns[i].program
		d := newDFA(p, newColumns(p), 0, &budget{limit: 1 << 20})
		matches := 0
		var steps uint64
		for _, v := range sample {
			if entry, _, _ := d.run([]byte(v), &steps, unlimitedStates); entry == matchState {
				matches++
			}
			if matches > len(sample)/2 || len(d.current().states.list) > maxAlone || steps > maxTrial {
				matches = len(sample)
				break
			}
		}
		// What matches nearly everything would mark nearly every state; what makes many states
		// alone makes more with others.
		if matches <= len(sample)/2 {
			good = append(good, i)
		}
	}
	s.groups = s.divide(good, sample, maxStates)
	for k := range s.groups {
		for _, i := range s.groups[k].members {
			s.patterns[i].grouped = true
		}
	}
}

// gatherLong makes the groups for long values, of patterns with and without strings: in a long text the strings
// of many patterns occur, and for each of them the text would have to be gone through once more. A
// pattern that counts bytes, as in "[^>]{0,60}", is left out: it has a state for each set of places where it
// may have begun. (In a short value nearly all of those are never seen.)
func (s *Set) gatherLong() {
	var thin []uint32
	for i := range s.patterns {
		if s.patterns[i].how != byAutomaton {
			continue
		}
		p := s.patterns[i].program
		d := newDFA(p, newColumns(p), 0, &budget{limit: 1 << 20})
		var steps uint64
		d.run([]byte(longSample), &steps, allowance{first: maxThin, every: len(longSample), most: maxThin})
		if len(d.current().states.list) <= maxThin {
			thin = append(thin, uint32(i))
		}
	}
	s.long = s.divide(thin, []string{longSample}, 2*maxStates)
	s.waitingLong = slices.Clone(s.waiting)
	for k := range s.long {
		s.waitingLong.AndNot(s.long[k].bits)
		for _, i := range s.long[k].members {
			s.patterns[i].long = true
		}
	}
	for i := range s.patterns {
		if c := &s.patterns[i]; !c.long && (c.grouped || c.needs == 0) {
			s.fat = append(s.fat, uint32(i))
		}
	}
}

// divide makes one group of patterns, or several if a text makes more states of one than most.
func (s *Set) divide(list []uint32, text []string, most int) []group {
	if len(list) < 2 {
		return nil
	}
	if len(list) <= maxMembers {
		programs := make([]*program, len(list))
		for k, i := range list {
			programs[k] = s.patterns[i].program
		}
		g := group{product: newProduct(programs, s.memory), members: list, bits: NewBits(len(s.patterns))}
		if g.product.try(text, most) {
			for _, i := range list {
				g.bits.Set(int(i))
			}
			return []group{g}
		}
		s.memory.used.Add(-int64(g.product.size()))
	}
	half := len(list) / 2
	return append(s.divide(slices.Clip(list[:half]), text, most), s.divide(list[half:], text, most)...)
}

// try runs texts and tells whether they make at most so many states.
func (p *product) try(text []string, most int) bool {
	found, m := newFindings(len(p.parts)), NewScratch()
	for _, v := range text {
		if p.run([]byte(v), found, unlimitedStates, m); p.states() > most {
			return false
		}
	}
	return true
}
