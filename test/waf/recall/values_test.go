package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
	"fastness/test/waf/webacl"
)

// values reads a file of testdata: a value a line, in which \n is a line feed.
func values(t *testing.T, name string) (all []string) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if l := sc.Text(); l != "" && !strings.HasPrefix(l, "# ") {
			all = append(all, strings.ReplaceAll(l, `\n`, "\n"))
		}
	}
	if sc.Err() != nil {
		t.Fatal(sc.Err())
	}
	return all
}

var compiled = sync.OnceValues(func() (*waf.Program, error) { return webacl.OfGroups("") })

// allGroups gives a program of all groups, which the tests share, and memory for requests.
func allGroups(t *testing.T) (*waf.Program, *waf.Scratch) {
	t.Helper()
	program, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return program, waf.NewScratch(request.DefaultLimits())
}

// blockedAt counts the places and codings in which a value is blocked and passes.
func blockedAt(t *testing.T, program *waf.Program, scratch *waf.Scratch, v string) (blocked, passed []string) {
	t.Helper()
	s := corpus.Sample{Value: v}
	for _, p := range corpus.Places {
		for _, c := range corpus.Codings {
			if !corpus.Fits(p, c, v) {
				continue
			}
			verdict, err := program.Evaluate(s.At(p, c), nil, scratch)
			if err != nil {
				t.Fatal(err)
			}
			where := fmt.Sprintf("%s %s %s", p, c, verdict.AppendLabels(nil))
			if verdict.Action == waf.Block {
				blocked = append(blocked, where)
			} else {
				passed = append(passed, where)
			}
		}
	}
	return blocked, passed
}

func TestOrdinaryTextPassesAtEveryPlaceInEveryCoding(t *testing.T) {
	program, scratch := allGroups(t)
	for _, v := range values(t, "ordinary.txt") {
		if blocked, _ := blockedAt(t, program, scratch, v); blocked != nil {
			t.Errorf("%q: blocked %d times, in %s", v, len(blocked), blocked[0])
		}
	}
}

func TestAttacksAreBlockedAtNearlyEveryPlaceInNearlyEveryCoding(t *testing.T) {
	program, scratch := allGroups(t)
	for _, v := range values(t, "attacks.txt") {
		blocked, passed := blockedAt(t, program, scratch, v)
		if len(passed)*2 > len(blocked) {
			t.Errorf("%q: passes %d times of %d, in %s", v, len(passed), len(blocked)+len(passed), passed[0])
		}
	}
}

// written reads a file that has a T in JSON in each line.
func written[T any](t *testing.T, name string) (all []T) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		var v T
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		all = append(all, v)
	}
	return all
}

// Chromium has run each of the scripts, and none of what is harmless.
func TestScriptsThatABrowserRunsAreBlockedAndHarmlessMarkupPasses(t *testing.T) {
	program, scratch := allGroups(t)
	for file, want := range map[string]waf.ActionKind{"scripts.jsonl": waf.Block, "harmless.jsonl": waf.Allow} {
		for _, v := range written[struct{ Value string }](t, file) {
			places := []corpus.Place{corpus.InForm, corpus.InJSON, corpus.InMultipart}
			if want == waf.Block {
				places = append(places, corpus.InQuery)
			}
			for _, p := range places {
				s := corpus.Sample{Value: v.Value}
				verdict, err := program.Evaluate(s.At(p, corpus.AsIs), nil, scratch)
				if err != nil {
					t.Fatal(err)
				}
				if verdict.Action != want {
					t.Errorf("%s %q: %v %s", p, v.Value, verdict.Action, verdict.AppendLabels(nil))
				}
			}
		}
	}
}

// judgedValue is a value with the place that it stands at, and who has carried it out.
type judgedValue struct {
	Judge, Place, Value string
	Base64              []byte // the value, if it is no text
}

// Each value of the file has been carried out, or read as what it is blocked for, by an interpreter of its kind: OpenLDAP's slapd,
// libxml2, mingo, Node, Python, PHP, Ruby, Perl, the expression languages of Java, nginx, Apache, Varnish, readers of heads, of messages
// and of addresses; those of lookups by their grammar in Log4j's manual. docs/waf-accuracy.md tells how.
func TestWhatInterpretersHaveCarriedOutIsBlocked(t *testing.T) {
	program, scratch := allGroups(t)
	for _, v := range written[judgedValue](t, "judged.jsonl") {
		if v.Base64 != nil {
			v.Value = string(v.Base64)
		}
		s := corpus.Sample{Value: v.Value}
		verdict, err := program.Evaluate(placed(&s, v.Place), nil, scratch)
		if err != nil {
			t.Fatal(err)
		}
		if verdict.Action != waf.Block {
			t.Errorf("%s: %q passes in %s", v.Judge, v.Value, v.Place)
		}
	}
}
