package waf

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"fastness/internal/engine/waf/request"
)

// remembered tells whether a program remembers a request.
func remembered(p *Program, r *request.Request) bool {
	b := appendRequest(nil, r)
	return p.repeats != nil && p.repeats.find(maphash.Bytes(p.repeats.seed, b), b) != nil
}

func TestARequestThatComesASecondTimeIsRemembered(t *testing.T) {
	p := compiled(t, acl(doing("a", Block, contains(in(request.QueryString), "evil")), doing("b", Block, contains(in(request.URIPath), "evil"))), Options{})
	s := NewScratch(request.DefaultLimits())
	evaluate := func(r *request.Request, want ActionKind) {
		t.Helper()
		if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != want {
			t.Errorf("%s: %v, %v", r.Target, v, err)
		}
	}
	for n := range 4 {
		r := get("/some/path?a=b")
		if got := remembered(p, r); got != (n > 1) {
			t.Errorf("remembered after %d times: %v", n, got)
		}
		evaluate(r, Allow)
		r = get("/evil?a=b") // the first rule comes to nothing
		evaluate(r, Block)
		r = get("/some/path?a=b")
		r.Body, r.BodyTruncated = []byte("x"), true
		evaluate(r, Allow)
		if remembered(p, r) {
			t.Error("a request of which not all is there is remembered")
		}
	}
	if !remembered(p, get("/evil?a=b")) {
		t.Error("a request that was refused is not remembered")
	}
	p = compiled(t, acl(doing("a", Block, contains(in(request.QueryString), "evil"))), Options{MemoBytes: -1})
	for range 3 {
		evaluate(get("/"), Allow)
	}
	if remembered(p, get("/")) {
		t.Error("a program without a memo remembers a request")
	}
}

func TestRulesThatOtherThingsDecideAreRunAgain(t *testing.T) {
	counts := limited(10, RateBased{Aggregate: AggregateIP})
	counts.Action, counts.Labels = Action{Kind: Count}, []string{"many"}
	p := compiled(t, acl(
		doing("early", Block, Statement{Label: &LabelMatch{Key: "many"}}),
		counts,
		doing("static", Block, contains(in(request.QueryString), "evil")),
		doing("late", Block, Statement{Label: &LabelMatch{Key: "many"}}),
	), Options{})
	s := NewScratch(request.DefaultLimits())
	for i := 1; i <= 20; i++ {
		v, err := p.Evaluate(get("/?a=b"), nil, s)
		if err != nil {
			t.Fatal(err)
		}
		if blocked := v.Action == Block; blocked != (i > 10) || v.Rates[0].Count != int64(i) || blocked && v.Terminating.Rule.Name != "late" {
			t.Fatalf("request %d: %v, %+v", i, v.Action, v.Rates)
		}
	}
	if !remembered(p, get("/?a=b")) {
		t.Error("the request is not remembered")
	}
}

// TestRequestsThatDifferAreNotTakenForEachOther changes one thing of a request after another.
func TestRequestsThatDifferAreNotTakenForEachOther(t *testing.T) {
	base := func() *request.Request {
		return &request.Request{
			Method: "POST", Target: "/ab", Host: "h", Scheme: "http", Proto: "HTTP/1.1", JA3: "j3", JA4: "j4", Remote: netip.MustParseAddr("192.0.2.7"),
			Fields: []request.Field{{Name: "A", Value: "bc"}, {Name: "D", Value: ""}}, Body: []byte("body"),
		}
	}
	seen := map[string]string{}
	for name, change := range map[string]func(r *request.Request){
		"nothing":                  func(*request.Request) {},
		"method":                   func(r *request.Request) { r.Method = "PUT" },
		"method and target":        func(r *request.Request) { r.Method, r.Target = "POS", "T/ab" },
		"target":                   func(r *request.Request) { r.Target = "/abc" },
		"host":                     func(r *request.Request) { r.Host = "i" },
		"host and scheme":          func(r *request.Request) { r.Host, r.Scheme = "hh", "ttp" },
		"scheme":                   func(r *request.Request) { r.Scheme = "https" },
		"version":                  func(r *request.Request) { r.Proto = "HTTP/1.0" },
		"JA3":                      func(r *request.Request) { r.JA3 = "" },
		"JA4":                      func(r *request.Request) { r.JA4 = "" },
		"address":                  func(r *request.Request) { r.Remote = netip.MustParseAddr("192.0.2.8") },
		"address of IPv6":          func(r *request.Request) { r.Remote = netip.MustParseAddr("::ffff:192.0.2.7") },
		"zone":                     func(r *request.Request) { r.Remote = netip.MustParseAddr("fe80::1%a") },
		"another zone":             func(r *request.Request) { r.Remote = netip.MustParseAddr("fe80::1%b") },
		"order":                    func(r *request.Request) { r.Fields[0], r.Fields[1] = r.Fields[1], r.Fields[0] },
		"name and value":           func(r *request.Request) { r.Fields[0] = request.Field{Name: "Ab", Value: "c"} },
		"case of a name":           func(r *request.Request) { r.Fields[0].Name = "a" },
		"a field less":             func(r *request.Request) { r.Fields = r.Fields[:1] },
		"a field more":             func(r *request.Request) { r.Fields = append(r.Fields, request.Field{}) },
		"body":                     func(r *request.Request) { r.Body = []byte("bodx") },
		"no body":                  func(r *request.Request) { r.Body = nil },
		"a body nobody sees":       func(r *request.Request) { r.BodyUnseen = true },
		"the body is held":         func(r *request.Request) { r.Held = r.Body },
		"more is held":             func(r *request.Request) { r.Held = []byte("body+") },
		"more is held, less shown": func(r *request.Request) { r.Held, r.Body = []byte("body+"), []byte("bod") },
	} {
		r := base()
		change(r)
		key := string(appendRequest(nil, r))
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q look alike", name, other)
		}
		seen[key] = name
	}
	// What differs from request to request is left out.
	r := base()
	r.ID, r.Time = "another", noon
	if !bytes.Equal(appendRequest(nil, r), appendRequest(nil, base())) {
		t.Error("the id or the time makes another request")
	}
}

func TestTheMemoryOfRequestsIsBoundedAndExact(t *testing.T) {
	const limit = 256 << 10
	p := compiled(t, acl(doing("a", Block, contains(named(request.SingleHeader, "a"), "evil"))), Options{MemoBytes: repeatShare * limit})
	var all sync.WaitGroup
	for g := range 3 {
		all.Go(func() {
			s := NewScratch(request.DefaultLimits())
			for i := range 4000 {
				text, want := fmt.Sprintf("number %d, that is %s", (i+g)%1500, strings.Repeat("x", i%400)), Allow
				if i%2 == 1 {
					text, want = text+" evil", Block
				}
				for range 3 {
					if v, err := p.Evaluate(get("/", "A: "+text), nil, s); err != nil || v.Action != want {
						t.Errorf("%q: %v", text, v.Action)
						return
					}
				}
			}
		})
	}
	all.Wait()
	var bytes int64
	kept := 0
	for i := range p.repeats.slots {
		if r := p.repeats.slots[i].Load(); r != nil {
			bytes += r.size()
			kept++
		}
	}
	if kept < 50 || bytes != p.repeats.bytes.Load() || bytes > p.repeats.limit {
		t.Errorf("%d requests in %d bytes, counted as %d", kept, bytes, p.repeats.bytes.Load())
	}
	s := NewScratch(request.DefaultLimits())
	long := get("/", "A: "+strings.Repeat("x", maxRepeat))
	for range 4 {
		if _, err := p.Evaluate(long, nil, s); err != nil {
			t.Fatal(err)
		}
	}
	if remembered(p, long) {
		t.Error("a request that is too long is remembered")
	}
}

func TestARepeatedRequestAllocatesNothing(t *testing.T) {
	acl, sets := benchmarkACL(1500, 0)
	p := compiled(t, acl, Options{Sets: sets})
	s := NewScratch(request.DefaultLimits())
	for _, r := range []*request.Request{browserGet(), checkout(), document()} {
		evaluate := func() {
			if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != Allow {
				t.Fatal(v, err)
			}
		}
		for range 3 {
			evaluate()
		}
		if !remembered(p, r) {
			t.Errorf("%s is not remembered", r.Target)
		}
		if n := testing.AllocsPerRun(50, evaluate); n > 0 {
			t.Errorf("%s: %v allocations", r.Target, n)
		}
	}
}
