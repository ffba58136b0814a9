package injection

import "strings"

// Dialect is the SQL of a database.
type Dialect string

// The dialects that there is a database for.
const (
	MariaDB    Dialect = "mariadb"
	PostgreSQL Dialect = "postgresql"
	SQLite     Dialect = "sqlite"
)

// Statement is one that an application makes by putting what somebody sent into a text.
type Statement struct {
	Name string
	// Text has a dollar sign where the value goes. In place of COLUMNS stands what is selected.
	Text string
	// Quote is what the value stands in: ', ", `, or 0.
	Quote byte
	// Only are the dialects in which this is a statement; all if empty.
	Only string
	// Ordinary is an ordinary value where the value stands in no quotation marks.
	Ordinary string
}

// Statements are the places in statements that values are put into.
var Statements = []Statement{
	{Name: "number", Text: "SELECT COLUMNS FROM items WHERE id=$ AND hidden=0", Ordinary: "0"},
	{Name: "number, last", Text: "SELECT COLUMNS FROM items WHERE hidden=0 AND id=$", Ordinary: "0"},
	{Name: "number in parentheses", Text: "SELECT COLUMNS FROM items WHERE (id=$) AND hidden=0", Ordinary: "0"},
	{Name: "number in two parentheses", Text: "SELECT COLUMNS FROM items WHERE ((id=$)) AND hidden=0", Ordinary: "0"},
	{Name: "number in a call", Text: "SELECT COLUMNS FROM items WHERE id=abs($) AND hidden=0", Ordinary: "0"},
	{Name: "numbers in a list", Text: "SELECT COLUMNS FROM items WHERE id IN ($) AND hidden=0", Ordinary: "0"},
	{Name: "string", Text: "SELECT COLUMNS FROM items WHERE name='$' AND hidden=0", Quote: '\''},
	{Name: "string, last", Text: "SELECT COLUMNS FROM users WHERE username='anne' AND password='$'", Quote: '\''},
	{Name: "string in parentheses", Text: "SELECT COLUMNS FROM items WHERE (name='$') AND hidden=0", Quote: '\''},
	{Name: "string in two parentheses", Text: "SELECT COLUMNS FROM items WHERE ((name='$')) AND hidden=0", Quote: '\''},
	{Name: "string in a call", Text: "SELECT COLUMNS FROM items WHERE lower(name)=lower('$') AND hidden=0", Quote: '\''},
	{Name: "strings in a list", Text: "SELECT COLUMNS FROM items WHERE name IN ('$') AND hidden=0", Quote: '\''},
	{Name: "pattern", Text: "SELECT COLUMNS FROM items WHERE name LIKE '%$%' AND hidden=0", Quote: '\''},
	{Name: "pattern in parentheses", Text: "SELECT COLUMNS FROM items WHERE (name LIKE '%$%') AND hidden=0", Quote: '\''},
	{Name: "double quotes", Text: `SELECT COLUMNS FROM items WHERE name="$" AND hidden=0`, Quote: '"', Only: "mariadb sqlite"},
	{Name: "double quotes in parentheses", Text: `SELECT COLUMNS FROM items WHERE (name="$") AND hidden=0`, Quote: '"', Only: "mariadb sqlite"},
	{Name: "order", Text: "SELECT COLUMNS FROM items WHERE hidden=0 ORDER BY $", Ordinary: "1"},
	{Name: "order and limit", Text: "SELECT COLUMNS FROM items WHERE hidden=0 ORDER BY $ LIMIT 3", Ordinary: "1"},
	{Name: "limit", Text: "SELECT COLUMNS FROM items WHERE hidden=0 ORDER BY id LIMIT $", Ordinary: "1"},
	{Name: "insert", Text: "INSERT INTO visits (item, agent, note) VALUES (1,'$','none')", Quote: '\''},
	{Name: "insert a number", Text: "INSERT INTO visits (item, agent, note) VALUES ($,'a','none')", Ordinary: "0"},
	{Name: "update", Text: "UPDATE items SET note='$' WHERE id=2", Quote: '\''},
	{Name: "name in backquotes", Text: "SELECT COLUMNS FROM items WHERE hidden=0 ORDER BY `$`", Quote: '`', Only: "mariadb sqlite"},
	{Name: "name in double quotes", Text: `SELECT COLUMNS FROM items WHERE hidden=0 ORDER BY "$"`, Quote: '"', Only: "postgresql sqlite"},
}

// In tells whether a dialect has the statement.
func (s *Statement) In(d Dialect) bool { return s.Only == "" || strings.Contains(s.Only, string(d)) }

// shapes are what is selected: a union has to have as many columns, in PostgreSQL of the same kinds.
var shapes = func() (all []string) {
	for _, n := range []int{2, 1, 3, 4, 5, 6, 7, 8, 9, 10} {
		text := strings.Repeat(",note", n)[1:]
		all = append(all, "id"+text[len("note"):], strings.Repeat(",id", n)[1:], text)
	}
	return all
}()

// With puts a value into the statement as a careless application does; shape is what is selected.
func (s *Statement) With(value, shape string) string {
	before, after, _ := strings.Cut(strings.Replace(s.Text, "COLUMNS", shape, 1), "$")
	return before + value + after
}

// Harmless puts what stands for a value that cannot do anything into the statement: what it would be if
// its quotation marks were escaped, or the number that it begins with.
func (s *Statement) Harmless(value string, d Dialect, shape string) string {
	if s.Quote != 0 {
		q := string(s.Quote)
		value = strings.ReplaceAll(value, q, q+q)
		if d == MariaDB && s.Quote != '`' {
			value = strings.ReplaceAll(value, `\`, `\\`)
		}
		if strings.HasPrefix(s.Name, "name in") {
			value = "id" // it has to be one that there is
		}
		return s.With(value, shape)
	}
	v := strings.TrimLeft(value, " \t\n\r\f\v")
	i := 0
	if i < len(v) && v[i] == '-' {
		i++
	}
	start := i
	for i < len(v) && v[i] >= '0' && v[i] <= '9' && i < 9 {
		i++
	}
	if i == start || s.Name == "limit" && v[0] == '-' || strings.HasPrefix(s.Name, "order") {
		return s.With(s.Ordinary, shape)
	}
	return s.With(v[:i], shape)
}
