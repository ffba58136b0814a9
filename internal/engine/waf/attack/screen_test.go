package attack

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// fragments are what values for FuzzClear and TestWhatIsClearIsNoAttack are made of: words and signs of ordinary
// text, and what the rules look for.
func fragments(d *Detector) []string {
	list := strings.Fields("json . .. id 17 name in_stock Vinyl record no. ( ) (180 g, limited) Acme & Sons &amp; &lt; &#60; &#x3c &copy; cHJpbnQ= PHNjcmlwdD4= 3c7363726970743e 0x3c7363726970743e / // /* */ :// https://example.com/a?b=c jane.doe@mail.example -- - 2026-03-01 12:30 19.99 true " +
		"' \" ` \\ % %3c %27 + $ ^ ; | ! # = < > [ ] { } ~ ? * select union from cat ls id /etc/passwd ../ <script> alert(1) onerror= {{7*7}} ${jndi: 169.254.169.254 __proto__ ro0ab boot.ini cmd /c é ｓ \x00 \n \t \r \x7f \xff")
	list = append(list, " ", " ", "  ", "\n", "\t")
	for _, r := range d.rules {
		list = append(list, r.match...)
		list = append(list, r.pass...)
	}
	return list
}

// value puts fragments together, now and then parts of them, in any case.
func value(rng *rand.Rand, fragments []string) string {
	var b strings.Builder
	for range 1 + rng.IntN(5) {
		f := fragments[rng.IntN(len(fragments))]
		if rng.IntN(3) == 0 && len(f) > 1 {
			from := rng.IntN(len(f))
			f = f[from : from+1+rng.IntN(len(f)-from)]
		}
		if rng.IntN(6) == 0 {
			f = strings.ToUpper(f)
		}
		b.WriteString(f)
		if rng.IntN(2) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// holds is what Clear has to promise: no form of the value, which has one reading only, is matched by a rule.
func holds(t *testing.T, d *Detector, s *Scratch, v []byte) {
	t.Helper()
	s.expand(v, Field)
	if len(s.variants) > 1 {
		t.Fatalf("%q is clear and reads %q, too", v, s.variants[1].b)
	}
	raw := appendForm(nil, Raw, v, appendLower(nil, v))
	for f := range forms {
		if got := appendForm(nil, f, v, appendLower(nil, v)); string(got) != string(raw) {
			t.Fatalf("%q is clear and as %s it is %q", v, formNames[f], got)
		}
	}
	d.Inspect(v, Query, s, func(h Hit) {
		if h.Rule != "tokens" {
			t.Fatalf("%q is clear and matches %s", v, h.Rule)
		}
	})
	for place := Path; place <= FileName; place <<= 1 {
		if found := d.Inspect(v, place, s, func(Hit) {}); found != 0 {
			t.Fatalf("%q is clear and at place %d it is %v", v, place, found)
		}
	}
}

func TestWhatIsClearIsNoAttack(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	rng := rand.New(rand.NewPCG(7, 7))
	parts := fragments(d)
	clear := 0
	const cases = 60_000
	for range cases {
		if v := []byte(value(rng, parts)); d.Clear(v, &s) {
			clear++
			holds(t, d, &s, v)
		}
	}
	if clear < cases/20 {
		t.Errorf("only %d of %d values are clear", clear, cases)
	}
}

func TestOrdinaryValuesAreClear(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	for _, v := range []string{
		"", "x", "json.17.in_stock", "19.99", "true", "Vinyl record no. 7919 (180 g, limited)", "Acme & Sons GmbH", "rock & roll", "R&D", "jane.doe@mail.example", "221B Baker Street",
		"2026-03-01T12:30:00Z", "https://example.com/a/b?c=d", "5f1c9f64a1f0b7d2c317", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e", "Please ring the bell; second floor!",
	} {
		if !d.Clear([]byte(v), &s) {
			t.Errorf("%q is not clear", v)
		}
	}
}

func FuzzClear(f *testing.F) {
	d, err := New()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range fragments(d) {
		f.Add([]byte(v))
	}
	var s Scratch
	f.Fuzz(func(t *testing.T, v []byte) {
		if d.Clear(v, &s) {
			holds(t, d, &s, v)
		}
	})
}

// TestEndsInCodeHoldsTheDecoders holds endsInCode to what decodeBase64 and decodeHex take.
func TestEndsInCodeHoldsTheDecoders(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	const signs = "abcXYZ019+/-_=  .,:;@("
	var s Scratch
	code := 0
	for range 200_000 {
		v := make([]byte, rng.IntN(28))
		for i := range v {
			n := len(signs)
			if rng.IntN(4) > 0 {
				n = 9 // most are letters and digits
			}
			v[i] = signs[rng.IntN(n)]
		}
		if s.hasCode(v) {
			if code++; !endsInCode(v) && !embedsCode(v) {
				t.Fatalf("%q is code", v)
			}
		}
	}
	if code < 100 {
		t.Errorf("only %d values are code", code)
	}
}

// Short numbers are told from code without decoding them: by what decoding says.
func TestShortNumbersAreNoCode(t *testing.T) {
	var s Scratch
	r := rand.New(rand.NewPCG(7, 7))
	short, code := 0, 0
	for range 200_000 {
		value := make([]byte, 6+r.IntN(8))
		for i := range value {
			value[i] = '0' + byte(r.IntN(10))
			if i%4 == 1 {
				value[i] = '3' + byte(r.IntN(6))
			}
		}
		decoded := (endsInCode(value) || embedsCode(value)) && s.hasCode(value)
		if s.IsCode(value) != decoded {
			t.Fatalf("%s: %v", value, decoded)
		}
		if isShortNumber(value) {
			short++
		}
		if decoded {
			code++
		}
	}
	if short == 0 || code == 0 {
		t.Errorf("%d of one kind, %d of the other", short, code)
	}
	for _, value := range []string{"1234567", "12345678a", "123456789012", "1.345678", ""} {
		if isShortNumber([]byte(value)) {
			t.Errorf("%s is a short number", value)
		}
	}
}
