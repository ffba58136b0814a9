package injection

import (
	"context"
	"strings"
)

// Outcome is what a database made of a statement.
type Outcome int

// The outcomes, from the least to what shows most.
const (
	// Refused: it is no statement.
	Refused Outcome = iota
	// Nameless: it is one, but of tables, columns or functions that there are none of here, or that nobody may use.
	Nameless
	// Failed: it was carried out until an error in what it computes.
	Failed
	// Stopped: it took more time than statements may.
	Stopped
	// Ran: it was carried out.
	Ran
)

// Answer is what a database answered.
type Answer struct {
	Outcome Outcome
	// Rows are those of all statements, and what is in the tables behind them.
	Rows string
	Why  string // the error
	// Columns tells that a union has other columns than what it joins.
	Columns bool
}

// Database runs statements, and undoes what they have done.
type Database interface {
	Dialect() Dialect
	Run(ctx context.Context, statement string) (Answer, error)
}

// schema are the tables, with rows that must not be seen: those that are hidden, and passwords.
var schema = []string{
	"CREATE TABLE items (id INTEGER PRIMARY KEY, name VARCHAR(60), note VARCHAR(4000), price INTEGER, hidden INTEGER)",
	"CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(60), password VARCHAR(60), note VARCHAR(60))",
	"CREATE TABLE visits (item INTEGER, agent VARCHAR(4000), note VARCHAR(60))",
	"INSERT INTO items VALUES (1,'lamp','a',30,0),(2,'rock & roll','b',12,0),(3,'sofa','c',400,0),(4,'prototype','d',9,1),(5,'1','e',7,1)",
	"INSERT INTO users VALUES (1,'anne','correct horse','a'),(2,'sean','tea and cake','b'),(3,'admin','hunter2','c')",
}

// contents asks for all that is in the tables.
var contents = "SELECT id,name,note,price,hidden FROM items ORDER BY id;SELECT id,username,password FROM users ORDER BY id;SELECT item,agent,note FROM visits ORDER BY agent,note,item"

// state is what the tables have, or that one of them is gone.
func state(rows string, err error) string {
	if err != nil {
		return "gone: " + err.Error()
	}
	return rows
}

// Confirmation is what was found out about a value.
type Confirmation int

// What a value is in a statement.
const (
	// Inert: the value is a value, or what comes of it is no statement.
	Inert Confirmation = iota
	// Possible: it changes the statement, and the database has no table, column or function of a name in it.
	Possible
	// Active: it changes the statement, and the database carries it out.
	Active
	// Shown: and the answer is another one than that for a harmless value.
	Shown
)

// Confirm asks a database what a value does in a statement.
func Confirm(ctx context.Context, db Database, s *Statement, value string) (Confirmation, Answer, error) {
	d := db.Dialect()
	if !s.In(d) || !s.Escapes(value, d) {
		return Inert, Answer{}, nil
	}
	for _, shape := range shapes {
		a, err := db.Run(ctx, s.With(value, shape))
		switch {
		case err != nil:
			return Inert, a, err
		case a.Columns && strings.Contains(s.Text, "COLUMNS"):
			continue
		case a.Outcome == Refused:
			return Inert, a, nil
		case a.Outcome == Nameless:
			return Possible, a, nil
		}
		h, err := db.Run(ctx, s.Harmless(value, d, shape))
		for range 5 { // on a machine that is slow at the moment
			if err == nil && h.Outcome == Stopped {
				h, err = db.Run(ctx, s.Harmless(value, d, shape))
			}
		}
		if err != nil {
			return Inert, a, err
		}
		if h.Outcome == Ran && (a.Outcome != Ran || h.Rows != a.Rows) {
			return Shown, a, nil
		}
		return Active, a, nil
	}
	return Possible, Answer{}, nil
}
