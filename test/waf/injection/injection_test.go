package injection

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
)

// injection is a value, and the statement that it does something in.
type injection struct {
	dialect   Dialect
	statement string
	value     string
}

// injections are those that the rules are tested with, too.
func injections(t *testing.T) (all []injection) {
	t.Helper()
	b, err := os.ReadFile("../../../internal/engine/waf/attack/testdata/statements.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		fields := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(fields) != 3 {
			continue
		}
		v, err := strconv.Unquote(fields[2])
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		all = append(all, injection{Dialect(fields[0]), fields[1], v})
	}
	return all
}

// named gives the statement of a name.
func named(t *testing.T, name string) *Statement {
	t.Helper()
	for i := range Statements {
		if Statements[i].Name == name {
			return &Statements[i]
		}
	}
	t.Fatalf("no statement is called %s", name)
	return nil
}

// most is how long a statement may take: what a harmless value needs is thousandths of a second, and what asks for a delay
// asks for more than this.
const most = 400 * time.Millisecond

// dialects tells how a database of each is started.
var dialects = map[Dialect]func(testing.TB) Database{
	MariaDB:    func(t testing.TB) Database { return NewMariaDB(t, most) },
	PostgreSQL: func(t testing.TB) Database { return NewPostgreSQL(t, most) },
	SQLite:     NewSQLite,
}

func TestDatabasesConfirmWhatIsBlocked(t *testing.T) {
	all := injections(t)
	for dialect, open := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db := open(t)
			n := 0
			for _, x := range all {
				if x.dialect != dialect {
					continue
				}
				n++
				c, a, err := Confirm(t.Context(), db, named(t, x.statement), x.value)
				if err != nil {
					t.Fatalf("%q: %v", x.value, err)
				}
				if c != Shown {
					t.Errorf("%s, %q: %d, outcome %d %s", x.statement, x.value, c, a.Outcome, a.Why)
				}
			}
			if n < 100 {
				t.Errorf("%d injections", n)
			}
		})
	}
}

func TestDatabasesDoNotConfirmOrdinaryValues(t *testing.T) {
	for dialect, open := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db := open(t)
			for _, v := range []string{"lamp", "42", "-1", "2026-11-30", "O'Reilly", "it's 5 o'clock", "rock 'n' roll", "the boys' and girls' games", "5\" x 7\"", "a, b", "name", "C# and F#", "x or y"} {
				for i := range Statements {
					c, a, err := Confirm(t.Context(), db, &Statements[i], v)
					if err != nil {
						t.Fatal(err)
					}
					if c >= Active {
						t.Errorf("%s, %q: %d %s", Statements[i].Name, v, c, a.Why)
					}
				}
			}
		})
	}
}

func TestWhatDatabasesConfirmIsBlocked(t *testing.T) {
	detector, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	groups, err := managed.New(managed.Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "sql", LabelNamespace: "awswaf:111122223333:webacl:sql:", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
		{Name: "sql", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: managed.Vendor, Name: "AWSManagedRulesSQLiRuleSet"}}},
	}}
	program, err := waf.Compile(&acl, waf.Options{Managed: groups, Attacks: detector})
	if err != nil {
		t.Fatal(err)
	}
	scratch := waf.NewScratch(request.DefaultLimits())
	for _, x := range injections(t) {
		for _, place := range []corpus.Place{corpus.InQuery, corpus.InForm, corpus.InJSON, corpus.InCookie} {
			sample := corpus.Sample{Value: x.value}
			verdict, err := program.Evaluate(sample.At(place, corpus.AsIs), nil, scratch)
			if err != nil {
				t.Fatal(err)
			}
			if verdict.Action != waf.Block {
				t.Errorf("%q passes in %s", x.value, place)
			}
		}
	}
}
