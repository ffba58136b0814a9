package waf

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/request"
)

// FuzzEvaluate compares a program with the plain evaluator on requests of any bytes.
func FuzzEvaluate(f *testing.F) {
	f.Add(uint64(1), "/a?b=1&q=%41", "User-Agent: a\nCookie: a=b; q=1\nX-Forwarded-For: 192.0.2.7, 10.0.0.1", []byte(`{"a":"x","b":["y"]}`), true)
	f.Add(uint64(2), "/%2e%2e/admin;x?a=<script>#f", "X-Key: \xff\nX-Forwarded-For: nobody", []byte("a=1&b=' or 1=1--"), false)
	f.Add(uint64(3), "http://x/?&&=&q", "Cookie: ;;=;a\na:", []byte(`{"a":{"b":"\u0000"`), true)
	f.Add(uint64(4), "", "", []byte(nil), false)
	detector, err := attack.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, seed uint64, target, head string, body []byte, truncated bool) {
		g := generator{rand.New(rand.NewPCG(seed%64, 11))}
		a, sets := g.spec()
		p, err := Compile(a, Options{Sets: sets, Places: places, Attacks: detector})
		if err != nil {
			t.Fatal(err)
		}
		r := g.request()
		r.Target, r.Body, r.BodyTruncated, r.Fields = target, body, truncated, nil
		for line := range strings.SplitSeq(head, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
		}
		plain := &reference{acl: a, sets: sets, places: places, attacks: detector, counts: map[string]int64{}}
		s := NewScratch(request.DefaultLimits())
		for range 4 { // what is remembered answers the third time
			want := plain.evaluate(r)
			v, err := p.Evaluate(r, nil, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := outcomeOfVerdict(v); fmt.Sprint(*got) != fmt.Sprint(*want) {
				t.Fatalf("got %+v\nwant %+v", *got, *want)
			}
		}
	})
}
