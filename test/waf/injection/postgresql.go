package injection

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"fastness/test/databases"
)

type postgreSQL struct {
	config *pgconn.Config
	conn   *pgconn.PgConn
	most   time.Duration
	first  string // what the tables have
}

// NewPostgreSQL starts a PostgreSQL, which ends with the test, with tables of a user without further rights, whose statements take
// most at the most.
func NewPostgreSQL(t testing.TB, most time.Duration) Database {
	t.Helper()
	s := databases.PostgreSQL(t, "debug_print_parse = off", "log_statement = none", "log_min_duration_statement = -1", "log_min_messages = log", "log_min_error_statement = panic", "log_connections = off", "log_disconnections = off", "temp_file_limit = 16MB")
	config := func(user, database string) *pgconn.Config {
		c, err := pgconn.ParseConfig(fmt.Sprintf("postgres://%s:%s@%s/%s", user, s.Password, s.Addr(), database))
		if err != nil {
			t.Fatal(err)
		}
		c.TLSConfig = &tls.Config{RootCAs: s.CA, ServerName: s.Host, MinVersion: tls.VersionTLS12}
		c.Fallbacks = nil
		return c
	}
	admin, err := pgconn.ConnectConfig(t.Context(), config(s.Admin, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE ROLE app LOGIN PASSWORD '" + s.Password + "'", "CREATE DATABASE shop OWNER app"} {
		if _, err := admin.Exec(t.Context(), q).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := &postgreSQL{config: config("app", "shop"), most: most}
	if err := p.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close(context.WithoutCancel(t.Context())) })
	return p
}

func (p *postgreSQL) Dialect() Dialect { return PostgreSQL }

// renew makes the connection and the tables anew.
func (p *postgreSQL) renew(ctx context.Context) (err error) {
	if p.conn != nil {
		_ = p.conn.Close(ctx)
	}
	if p.conn, err = pgconn.ConnectConfig(ctx, p.config); err != nil {
		return err
	}
	for _, q := range append([]string{fmt.Sprintf("SET statement_timeout=%d", p.most.Milliseconds()), "SET client_min_messages=error", "DROP SCHEMA IF EXISTS s CASCADE", "CREATE SCHEMA s", "SET search_path=s"}, schema...) {
		if _, err := p.conn.Exec(ctx, q).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	p.first, err = p.rows(ctx, "SHOW search_path;SHOW statement_timeout;"+contents)
	return err
}

func (p *postgreSQL) Run(ctx context.Context, statement string) (a Answer, err error) {
	if _, err := p.rows(ctx, "BEGIN"); err != nil {
		if err = p.renew(ctx); err != nil {
			return a, err
		}
		if _, err = p.rows(ctx, "BEGIN"); err != nil {
			return a, err
		}
	}
	a.Outcome = Ran
	if strings.IndexByte(statement, 0) >= 0 {
		a.Outcome, a.Why = Refused, "NUL"
		_, err = p.rows(ctx, "ROLLBACK")
		return a, err
	}
	a.Rows, err = p.rows(ctx, statement)
	if err != nil {
		var e *pgconn.PgError
		if !errors.As(err, &e) {
			a.Outcome, a.Why = Refused, err.Error()
			return a, p.renew(ctx)
		}
		a.Why = e.Message
		switch {
		case strings.Contains(e.Message, "same number of columns") || strings.HasPrefix(e.Message, "UNION types"):
			a.Outcome, a.Columns = Nameless, true
		case e.Code == "42601" || e.Code == "22021" || e.Code == "22025" || e.Code == "42P10":
			a.Outcome = Refused
		case e.Code == "57014":
			a.Outcome = Stopped
		case strings.HasPrefix(e.Code, "42") || strings.HasPrefix(e.Code, "0A") || strings.HasPrefix(e.Code, "3F") || strings.HasPrefix(e.Code, "26"):
			a.Outcome = Nameless
		case e.Code == "22P02" && e.Position != 0:
			a.Outcome = Nameless // a literal of another type than its column
		default:
			a.Outcome = Failed
		}
	}
	stacked := strings.Contains(statement, ";")
	if a.Outcome == Ran && (stacked || !strings.HasPrefix(statement, "SELECT")) {
		a.Rows += state(p.rows(ctx, contents))
	}
	if p.conn.IsClosed() {
		return a, p.renew(ctx)
	}
	if _, err := p.rows(ctx, "ROLLBACK"); err != nil {
		return a, p.renew(ctx)
	}
	if stacked {
		if now, err := p.rows(ctx, "SHOW search_path;SHOW statement_timeout;"+contents); err != nil || now != p.first {
			return a, p.renew(ctx)
		}
	}
	return a, nil
}

func (p *postgreSQL) rows(ctx context.Context, statement string) (string, error) {
	results, err := p.conn.Exec(ctx, statement).ReadAll()
	var b strings.Builder
	for _, r := range results {
		for _, row := range r.Rows {
			for _, v := range row {
				b.Write(v)
				b.WriteByte('\t')
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), err
}
