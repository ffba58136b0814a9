package policy

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/malformed.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add([]byte(line[strings.LastIndex(line, " | ")+1:]))
	}
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["*"]},"Action":["kms:*"],"Resource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a","${aws:username, 'x'}"]}}}]}`))
	who := &Principal{Type: User, ARN: "arn:aws:iam::111122223333:user/a", Account: "111122223333"}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for kind := IdentityManaged; kind <= VPCEndpoint; kind++ {
			d, err := Parse(kind, doc)
			if err != nil {
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Message == "" || refusal.Fault == 0 {
					t.Fatalf("error %#v", err)
				}
				continue
			}
			if !json.Valid(doc) || !utf8.Valid(doc) {
				t.Fatal("accepted what is not JSON")
			}
			d.ContextKeys()
			p := Compile("p", d)
			ps := &Policies{Identity: []*Policy{p}, Resource: []*Policy{p}}
			req := &Request{Principal: who, Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:111122223333:key/k"}
			r := Evaluate(req, ps, nil)
			if traced := Evaluate(req, ps, &Trace{}); traced.Decision != r.Decision {
				t.Fatalf("traced %v, untraced %v", traced.Decision, r.Decision)
			}
			if kind == KMSKey {
				same, err := StorePrincipals(kind, doc, func(arn string) (string, bool) { return arn, true })
				if err != nil || string(same) != string(doc) {
					t.Fatalf("rewriting nothing changed the document: %v", err)
				}
			}
		}
	})
}

// oracle is the recursive definition of wildcards, over characters.
func oracle(p, s []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0] == '*' {
		return oracle(p[1:], s) || len(s) > 0 && oracle(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && oracle(p[1:], s[1:])
}

func FuzzWildcards(f *testing.F) {
	for _, s := range [][2]string{{"*a*b", "xaayb"}, {"a?c", "aéc"}, {"**", ""}, {"?", "世"}, {"*??", "世"}, {"a*?b*", "acbb"}, {"*ab", "abab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) || len(pattern) > 24 || len(s) > 24 {
			return
		}
		p := compilePattern(pattern, true, false)
		if got, want := matchGlob(p.text, s), oracle([]rune(pattern), []rune(s)); got != want {
			t.Errorf("%q on %q: %v, want %v", pattern, s, got, want)
		}
		if p.exact = exactSegments(p.text); matchResource(p.text, p.exact, s) && !matchGlob(p.text, s) {
			t.Errorf("%q on %q: a resource matches that the plain pattern does not", pattern, s)
		}
		if matchARN(p.text, s) && !matchGlob(p.text, s) {
			t.Errorf("%q on %q: an ARN matches that the plain pattern does not", pattern, s)
		}
	})
}

// FuzzConditionValues checks what must hold between operators whatever the values: a
// negated operator is the opposite of the plain one, IfExists agrees with the plain
// one on a present key, and neither panics.
func FuzzConditionValues(f *testing.F) {
	for _, s := range [][3]string{{"Numeric", "1.5", "10"}, {"Date", "2024-02-29T00:00:00+01:00", "1709160000"}, {"IpAddress", "10.0.0.0/8", "10.1.1.1"},
		{"String", "a${*}b", "a*b"}, {"Arn", "arn:aws:s3:::*", "arn:aws:s3:::b"}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, family, want, have string) {
		pairs := map[string][2]string{"Numeric": {"NumericEquals", "NumericNotEquals"}, "Date": {"DateEquals", "DateNotEquals"},
			"IpAddress": {"IpAddress", "NotIpAddress"}, "String": {"StringLike", "StringNotLike"}, "Arn": {"ArnLike", "ArnNotLike"}}
		pair, ok := pairs[family]
		if !ok {
			return
		}
		holds := func(op string) (result, accepted bool) {
			o, _ := parseOperator(op)
			if !o.accepts(want) {
				return false, false
			}
			c := compileCondition(&Condition{Operator: op, Key: "x:k", Values: []string{want}}, false)
			var r Result
			e := evaluation{req: &Request{Context: Map{"x:k": One(have)}}, who: &Principal{}, result: &r}
			return e.condition(&c), true
		}
		plain, accepted := holds(pair[0])
		if !accepted {
			return
		}
		if negated, _ := holds(pair[1]); negated == plain {
			t.Errorf("%s and %s of %q on %q are both %v", pair[0], pair[1], want, have, plain)
		}
		if exists, _ := holds(pair[0] + "IfExists"); exists != plain {
			t.Errorf("%sIfExists of %q on %q is %v", pair[0], want, have, exists)
		}
	})
}
