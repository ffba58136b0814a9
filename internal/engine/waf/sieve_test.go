package waf_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// attackSieve is the sieve that evaluations use.
func attackSieve(d *attack.Detector, m *pattern.Scratch, s *attack.Scratch) *request.Sieve {
	return &request.Sieve{
		Clear: func(b []byte) bool { return d.Clear(b, s) }, Screen: d.Screen(), Memory: m, MinCode: attack.MinCode, Longest: 256, Code: s.IsCode,
	}
}

// TestSurveysOfJSONMissNoAttack puts what rules look for into names and values of JSON, whole and in parts that only
// names of several keys put together, and holds what a survey leaves out to what a plain look at each argument finds.
func TestSurveysOfJSONMissNoAttack(t *testing.T) {
	d, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	m := pattern.NewScratch()
	scratch, plain := attack.NewScratch(m), attack.NewScratch(pattern.NewScratch())
	in := request.NewInspection(request.DefaultLimits())
	values, err := request.Compile(request.Component{Kind: request.BodyArguments})
	if err != nil {
		t.Fatal(err)
	}
	names, err := request.Compile(request.Component{Kind: request.BodyArgumentNames})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	words := strings.Fields("id name in_stock supplier description shippingAddress customer_identifier Vinyl (180 g, limited) Acme & Sons 19.99 " +
		"java lang Runtime class.module.classLoader select union from where cat etc passwd .. .git env __proto__ constructor prototype script alert(1) onerror " +
		"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg== ZWNobyBoZWxsbyB3b3JsZA== 3c7363726970743e616c657274283129 c2VsZWN0IDEgZnJvbSBh boot.ini cmd.exe 169 254 169.254.169.254 2852039166 0x7f000001 php://input $ne $where {{7*7}} ' -- || ; | ../ %2e%2e é")
	word := func() string {
		w := words[rng.IntN(len(words))]
		switch rng.IntN(6) {
		case 0:
			w = w[:1+rng.IntN(len(w))]
		case 1:
			w += " " + words[rng.IntN(len(words))]
		}
		return w
	}
	var value func(depth int) any
	value = func(depth int) any {
		switch n := rng.IntN(8); {
		case n < 2 && depth > 0:
			var list []any
			for range rng.IntN(4) {
				list = append(list, value(depth-1))
			}
			return list
		case n < 5 && depth > 0:
			object := map[string]any{}
			for range rng.IntN(4) {
				object[word()] = value(depth - 1)
			}
			return object
		case n == 5:
			return []any{17, -1.5e10, 2852039166, 2130706433, true, nil}[rng.IntN(6)]
		}
		return word()
	}
	left, out := 0, 0
	for range 3000 {
		body, err := json.Marshal([]any{value(4)})
		if err != nil {
			t.Fatal(err)
		}
		r := &request.Request{Method: "POST", Target: "/", Body: body, Fields: []request.Field{{Name: "Content-Type", Value: "application/json"}}}
		for _, part := range []*request.Selector{values, names} {
			in.Reset(r)
			in.Sift(attackSieve(d, m, scratch))
			some, _ := part.AppendUnless(nil, in)
			kept := map[string]bool{}
			for _, v := range some {
				kept[string(v.Bytes)] = true
			}
			left += len(some)
			in.Reset(r)
			all, _ := part.Append(nil, in)
			for _, v := range all {
				if kept[string(v.Bytes)] {
					continue
				}
				out++
				for _, place := range []attack.Place{attack.Body, attack.Name} {
					if found := d.Inspect(v.Bytes, place, plain, func(attack.Hit) {}); found != 0 {
						t.Fatalf("%s: %q was left out and is %v", body, v.Bytes, found)
					}
				}
			}
		}
	}
	if left < 1000 || out < 1000 {
		t.Errorf("%d were left and %d left out", left, out)
	}
}
