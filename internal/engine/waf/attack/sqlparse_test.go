package attack

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestValuesThatGoOnWithAStatement(t *testing.T) {
	for v, want := range map[string]int{
		"1 or 1=1": 2, "' or 'a'='a": 2, "x'-- \nor 1-- ": 2, "id`-- \n+`id`&{d'2000-01-01'}#a": 2, "price>=`id`": 0, "1\n<=>replace(note,1,1)": 2,
		"' for share-- ": 2, "admin'except/**/select-- x\n~1,'a'as\nx--": 2, "'!=jsonb_build_object('a',1)-> 3-- ": 2, "\\'<0x1/*'*/->\n2e0-- ": 2,
		"'))UNION\ttable/*'*/users-- ": 2, "1-- x\nunion\fdisTInCT/*/**/*/TABLE\fusers": 2, "-1' BETWEEN 2-- x\nand\fcurrent_user--": 2,
		"'::varchar-- a": 2, "lamp' /interval 1 day+now()escape 7#a": 2, "'= trim(leading 'a' from note)-- ": 2, "x'^3<>'%' '%'^'1": 2, "';\rvaCuum;-- ": 2, "%'in(1.e1);'1": 2, "id; select'a';": 2, "1')\x01as\x02a\x0ewhere 1=1\x0funion all\x10select null-- ": 2, "1') as a where binary 1=binary 1 or not 2#": 2, "1' in boolean mode);select count(*) from generate_series(1,9)#": 2,
		"1' or make_set 1.e(1=1 1.e,2)-- ": 2, "1; show\rtables": 2, "-1\toR price>0": 2, "true)or!0)#x\n/\v{d'2000-01-01'}#a": 2, "1\thaving 7e0 <<.2": 2,
		"%'notnull or(e'0'is true)-- a": 2, "' || (case when true then 1 end)||'": 2, "1 sounds like 1": 2, "lamp' %0 like 'a": 2,
		"predict(free{mount=\"/\"}[4h], 4*3600) < 0": 0, "the 'like' clause": 0, "the difference between '=' and '=='": 0, "what is 'or'": 0, "'and', 'or'": 0, "{\"and\":\"x\"}": 0, "they \"Like\" it - http://a.example/b": 0, "'or'": 2, "'like'": 2,
		"price;/*!*/rename--\t\ntable\nusers to#x\nx": 2, "id/*M!*/xor not name": 2, "%'-- \ngroup by#x\nid with rollup-- ": 2, "'window w as (order by id);-- ": 2, "1 or true": 1, "true or false": 1, "-1 or ~2": 2,
		"rock 'n' roll": 0, "the boys' and girls' games": 0, "don't": 0, "it's 5 or 6": 0, "1 or 2": 0, "tea or coffee": 0, "5\" x 7\"": 0, "6'2\"": 0, "'left' or 'right'": 0,
		"\"red\" and \"blue\"": 0, "1 in 5 people": 0, "2024-01-01": 0, "3 > 2": 0, "12 Main Street and Co": 0, "2nd or 3rd": 0, "a trade union select committee": 0, "x = 5 and y = 7": 0,
		"ready for update": 0, "5 limit": 0, "(see below) or ask": 0, "dogs' -- and cats": 0, "f(x) = 2*sin(x)": 0, "1; 2; 3": 0, "'90s and '80s": 0, "Q&A: what's new?": 0, "{\"a\":\"b\"}": 0, "a=b&c='d'": 0,
	} {
		if got := goesOn([]byte(v)); got != want {
			t.Errorf("%q: %d, want %d", v, got, want)
		}
	}
}

// statements are the injections of testdata.
func statements(t *testing.T) (all []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/statements.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		if fields := strings.Split(strings.TrimSuffix(l, "\n"), "\t"); len(fields) == 3 {
			v, err := strconv.Unquote(fields[2])
			if err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			all = append(all, v)
		}
	}
	if len(all) < 300 {
		t.Fatalf("%d injections", len(all))
	}
	return all
}

func TestInjectionsThatDatabasesConfirmAreFound(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	for _, v := range statements(t) {
		if !d.Inspect([]byte(v), Query, &s, nil).Has(SQL) {
			t.Errorf("%q passes", v)
		}
	}
}

func FuzzGoesOn(f *testing.F) {
	for _, v := range []string{"", "'", "1 or 1=1", "' or 'a'='a", "1;(((", "'((select", "$a$", "1.e", "u&'", "@`", "/*!", "case when", "[", "{d"} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if got := goesOn(v); got < 0 || got > 2 || got != goesOn(v) {
			t.Errorf("%d", got)
		}
		l := sqlLexer{b: v}
		for at := -1; ; {
			if k := l.next(); k == sqlEnd || k == sqlRemark {
				break
			}
			if l.i <= at || l.i > len(v) {
				t.Fatalf("it stands still at %d", at)
			}
			at = l.i
		}
	})
}

func BenchmarkGoesOn(b *testing.B) {
	for name, v := range map[string]string{
		"text": "I would like to order two of the blue ones, please; size 42. Thanks & regards, Ann O'Neill", "injection": "x' and (select count(*) from users where name like 'a%')>0 or 'a'='a",
		"parentheses": strings.Repeat("(", maxStatement), "sums": "1" + strings.Repeat("+1", maxStatement/2-1), "quotes": strings.Repeat("''", maxStatement/2), "comments": strings.Repeat("/**/", maxStatement/4), "numbers": strings.Repeat("1.e", maxStatement/3),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				goesOn([]byte(v))
			}
		})
	}
}

// White space that is none in ASCII ends words and numbers, as it does in MySQL and PostgreSQL where texts are in Latin 1 or an application
// takes it for a space.
func TestWhiteSpaceOfLatin1IsWhiteSpace(t *testing.T) {
	for _, v := range []string{"1 union values(1,2)", "1 div 0 or 1=1", "1' lock in share mode#", "x' is not null#"} {
		for _, space := range []string{" ", "\xa0", "\u00a0"} {
			if s := strings.ReplaceAll(v, " ", space); goesOn([]byte(s)) == 0 {
				t.Errorf("%q does not go on with a statement", s)
			}
		}
	}
	for _, v := range []string{"à la carte", "3\u00a0euros", "5\u00a0000 or so", "voilà\u00a0!"} {
		if goesOn([]byte(v)) == 2 {
			t.Errorf("%q goes on with a statement", v)
		}
	}
}
