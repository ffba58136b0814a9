package waf

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
)

func TestABenignRequestAllocatesNothing(t *testing.T) {
	acl, sets := benchmarkACL(5000, 0)
	for _, memo := range []int{0, -1} {
		p := compiled(t, acl, Options{Sets: sets, MemoBytes: memo, Places: places})
		s := NewScratch(request.DefaultLimits())
		for name, r := range map[string]*request.Request{"get": browserGet(), "form": checkout(), "JSON": document()} {
			if memo < 0 && name == "get" {
				continue // libinjection allocates for "rock & roll", every time
			}
			run := func() {
				if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != Allow {
					t.Fatal(err, matched(v))
				}
			}
			for range 3 {
				run()
			}
			if n := testing.AllocsPerRun(100, run); n != 0 {
				t.Errorf("%s, memo %d: %v allocations", name, memo, n)
			}
		}
	}
}

func TestAMatchAllocatesNothing(t *testing.T) {
	mark := doing("mark", Count, path("/"), "ns:seen", "other")
	geo := Statement{Geo: &GeoMatch{Countries: []string{"US"}}}
	p := compiled(t, acl(
		mark, doing("geo", Count, geo), doing("label", Count, namespace("ns:")), doing("place", Count, label("awswaf:clientip:geo:country:US")),
		limited(1<<40, RateBased{Keys: []RateKey{{Kind: KeyIP}, {Kind: KeyHeader, Name: "user-agent"}, {Kind: KeyLabelNamespace, Name: "ns:"}, {Kind: KeyASN}}}),
		doing("forwarded", Count, Statement{Geo: &GeoMatch{Countries: []string{"DE"}, Forwarded: &ForwardedIP{Header: "X-Forwarded-For"}}}),
		Rule{Name: "block", Statement: path("/"), Action: Action{Kind: Block, Response: &Response{Status: 410}}},
	), Options{Places: places})
	r := browserGet()
	r.Fields = append(r.Fields, request.Field{Name: "X-Forwarded-For", Value: "198.51.100.1, 10.0.0.1"})
	s := NewScratch(request.DefaultLimits())
	run := func() {
		if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != Block || len(v.Matches) != 6 {
			t.Fatal(err, matched(v))
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// explodingTokens stands for a defect.
type explodingTokens struct{}

func (explodingTokens) Token(*request.Request, []string, time.Time) Token { panic("out of order") }

func TestAPanicIsAnError(t *testing.T) {
	p := compiled(t, acl(doing("a", Challenge, path("/a"))), Options{})
	s := NewScratch(request.DefaultLimits())
	v, err := p.Evaluate(get("/a"), explodingTokens{}, s)
	var e *PanicError
	if v != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), "out of order") || len(e.Stack) == 0 {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := p.Evaluate(get("/b"), explodingTokens{}, s); err != nil || v.Action != Allow {
		t.Errorf("the scratch is spoilt: %v", err)
	}
	if _, err := p.Explain(get("/a"), explodingTokens{}, s); !errors.As(err, &e) {
		t.Errorf("explaining: %v", err)
	}
	if v, err := p.Evaluate(get("/a"), nil, s); err != nil || v.Action != Challenge {
		t.Errorf("the scratch is spoilt: %v", err)
	}
}

func TestOneScratchServesManyPrograms(t *testing.T) {
	s := NewScratch(request.DefaultLimits())
	one := compiled(t, acl(doing("one", Block, path("/a"), "l")), Options{})
	two := compiled(t, acl(doing("x", Count, path("/"), "l", "m"), doing("two", Block, contains(in(request.URIPath), "b"))), Options{})
	for range 3 {
		for _, c := range []struct {
			p      *Program
			target string
			want   ActionKind
			labels int
		}{{one, "/a", Block, 1}, {two, "/a", Allow, 2}, {one, "/b", Allow, 0}, {two, "/b", Block, 2}} {
			v, err := c.p.Evaluate(get(c.target), nil, s)
			if err != nil || v.Action != c.want || len(v.AppendLabels(nil)) != c.labels {
				t.Errorf("%s: %v %q, %v", c.target, v.Action, v.AppendLabels(nil), err)
			}
		}
	}
}

func TestChangingThePrograms(t *testing.T) {
	s := NewScratch(request.DefaultLimits())
	large, sets := benchmarkACL(1500, 0)
	programs := []*Program{
		compiled(t, acl(doing("one", Count, path("/shop"), "l")), Options{}), compiled(t, large, Options{Sets: sets}),
	}
	r := checkout()
	run := func() {
		for i, p := range programs {
			if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != Allow || len(v.Matches) != 1-i {
				t.Fatal(err, matched(v))
			}
		}
	}
	for range 3 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestManyGoroutinesShareAProgram(t *testing.T) {
	acl, sets := benchmarkACL(1500, 0)
	acl.Rules = append(acl.Rules, Rule{Name: "last", Priority: 1 << 30, Action: Action{Kind: Block}, Statement: contains(in(request.QueryString), "attack")})
	p := compiled(t, acl, Options{Sets: sets, MemoBytes: 1 << 20})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			s := NewScratch(request.DefaultLimits())
			for i := range 300 {
				r := browserGet()
				want := Allow
				r.Target += fmt.Sprint("&n=", i%50)
				if (i+n)%3 == 0 {
					r.Target += "-attack"
					want = Block
				}
				if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != want {
					t.Errorf("%v, %v", v.Action, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheMemoIsBoundedAndExact(t *testing.T) {
	const limit = 256 << 10
	p := compiled(t, acl(doing("a", Block, contains(named(request.SingleHeader, "a"), "evil"))), Options{MemoBytes: limit})
	s := NewScratch(request.DefaultLimits())
	for i := range 20_000 {
		text, want := fmt.Sprintf("a value of some length, number %d, that is %s", i%3000, strings.Repeat("x", i%40)), Allow
		if i%2 == 1 {
			text, want = text+" evil", Block
		}
		for range 3 {
			if v, err := p.Evaluate(get("/", "A: "+text), nil, s); err != nil || v.Action != want {
				t.Fatalf("%q: %v", text, v.Action)
			}
		}
	}
	var bytes int64
	kept := 0
	for i := range p.memo.slots {
		if e := p.memo.slots[i].Load(); e != nil {
			bytes += e.size()
			kept++
		}
	}
	if kept < 100 || bytes != p.memo.bytes.Load() || bytes > limit {
		t.Errorf("%d values in %d bytes, counted as %d", kept, bytes, p.memo.bytes.Load())
	}
}

func TestWhatIsSeenOnceIsNotKept(t *testing.T) {
	p := compiled(t, acl(doing("a", Block, contains(named(request.SingleHeader, "a"), "evil"))), Options{})
	s := NewScratch(request.DefaultLimits())
	r := get("/", "A: 0123456789abcdef0123456789")
	for want := range int64(2) {
		if _, err := p.Evaluate(r, nil, s); err != nil {
			t.Fatal(err)
		}
		if got := p.memo.bytes.Load(); (got > 0) != (want > 0) {
			t.Errorf("after %d times %d bytes are kept", want+1, got)
		}
	}
}

func TestARequestThatIsTooDearForTheDetectorsIsAnInjection(t *testing.T) {
	s := Statement{SQLi: &SQLiMatch{Inspect: in(request.Body)}}
	text := strings.Repeat("(a, b) ", 100)
	for steps, want := range map[int]ActionKind{0: Allow, 1_000_000: Allow, len(text): Block} {
		v := judge(t, compiled(t, acl(doing("sql", Block, s)), Options{InjectionSteps: steps}), post("/", text))
		if v.Action != want || v.Exhausted != (want == Block) {
			t.Errorf("%d steps: %v, %v", steps, v.Action, v.Exhausted)
		}
	}
}

func TestMoreHotValuesThanAMemoHoldsAllocateNothing(t *testing.T) {
	// One set of four places for eight values.
	p := compiled(t, acl(doing("a", Block, contains(Inspect{Component: request.Component{Kind: request.Headers, Scope: request.ScopeValue}}, "evil"))), Options{MemoBytes: 3000})
	if len(p.memo.slots) != memoWays {
		t.Fatalf("%d places", len(p.memo.slots))
	}
	r := get("/")
	for i := range 8 {
		r.Fields = append(r.Fields, request.Field{Name: "a", Value: fmt.Sprint("a value that is long enough, ", i)})
	}
	s := NewScratch(request.DefaultLimits())
	run := func() {
		if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != Allow {
			t.Fatal(err)
		}
	}
	for range 10 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTheWorkIsLinear measures steps of the automata, which do not depend on the machine.
func TestTheWorkIsLinear(t *testing.T) {
	acl, sets := benchmarkACL(5000, 0)
	acl.Rules = append(acl.Rules, // so that nothing ends the evaluation early
		Rule{Name: "last", Priority: 1 << 30, Action: Action{Kind: Block}, Statement: regex(in(request.Body), "(a|aa)+$")})
	for i := range acl.Rules {
		if acl.Rules[i].Action.Kind == Block {
			acl.Rules[i].Action.Kind = Count
		}
	}
	p := compiled(t, acl, Options{Sets: sets, MemoBytes: -1})
	for _, unit := range hostileUnits {
		steps := func(n int) uint64 {
			body := strings.Repeat(unit, n/len(unit)+1)
			s := NewScratch(request.DefaultLimits())
			var before uint64
			for range 2 { // the second time with automata that are built
				before = s.matcher.Steps()
				if _, err := p.Evaluate(post("/", body[:n]), nil, s); err != nil {
					t.Fatal(err)
				}
			}
			return s.matcher.Steps() - before
		}
		one, four := steps(16<<10), steps(64<<10)
		if four > 5*one+100_000 {
			t.Errorf("%q: %d steps for 16 KB, %d for 64 KB", unit, one, four)
		}
	}
}
