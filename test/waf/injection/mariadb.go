package injection

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"fastness/test/databases"
)

type mariaDB struct {
	db    *sql.DB
	conn  *sql.Conn
	most  time.Duration
	first string // what the tables have
}

// NewMariaDB starts a MariaDB, which ends with the test, with tables of a user without further rights, whose statements take most at
// the most.
func NewMariaDB(t testing.TB, most time.Duration) Database {
	t.Helper()
	s := databases.MariaDB(t, "--general-log=0", "--slow-query-log=0", "--log-warnings=1")
	open := func(user, password, database string) *sql.DB {
		c := mysql.NewConfig()
		c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.MultiStatements = user, password, "tcp", s.Addr(), database, true
		c.TLS = &tls.Config{RootCAs: s.CA, ServerName: s.Host, MinVersion: tls.VersionTLS12}
		c.Logger = nopLogger{}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	admin := open(s.Admin, s.Password, "")
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE shop; CREATE USER app@'127.0.0.1' IDENTIFIED BY '"+s.Password+"'; GRANT ALL PRIVILEGES ON shop.* TO app@'127.0.0.1'"); err != nil {
		t.Fatal(err)
	}
	m := &mariaDB{db: open("app", s.Password, "shop"), most: most}
	if err := m.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// nopLogger hears what the driver says of connections that a statement has ended.
type nopLogger struct{}

func (nopLogger) Print(...any) {}

func (m *mariaDB) Dialect() Dialect { return MariaDB }

// renew makes the connection and the tables anew.
func (m *mariaDB) renew(ctx context.Context) (err error) {
	if m.conn != nil {
		_ = m.conn.Raw(func(any) error { return errors.New("not to be used again") })
		_ = m.conn.Close()
	}
	m.db.SetMaxIdleConns(0)
	if m.conn, err = m.db.Conn(ctx); err != nil {
		return err
	}
	for _, q := range append([]string{
		fmt.Sprintf("SET SESSION max_statement_time=%.3f, SESSION sort_buffer_size=65536, SESSION lock_wait_timeout=2", m.most.Seconds()), "DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop", "USE shop",
	}, schema...) {
		if _, err = m.conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	m.first, err = m.rows(ctx, settings+contents)
	return err
}

// settings are those of a connection that statements may change.
const settings = "SELECT database(), @@autocommit, @@sql_mode;"

func (m *mariaDB) Run(ctx context.Context, statement string) (a Answer, err error) {
	if _, err := m.conn.ExecContext(ctx, "BEGIN"); err != nil {
		if err = m.renew(ctx); err != nil {
			return a, err
		}
		if _, err = m.conn.ExecContext(ctx, "BEGIN"); err != nil {
			return a, err
		}
	}
	var rows string
	rows, err = m.rows(ctx, statement)
	a = Answer{Outcome: Ran, Rows: rows}
	if err != nil {
		var e *mysql.MySQLError
		if !errors.As(err, &e) {
			a.Outcome, a.Why = Refused, err.Error()
			return a, m.renew(ctx)
		}
		a.Why = e.Error()
		switch e.Number {
		case 1064, 1065, 1149, 1221, 1234, 1327, 1193, 1115, 1273, 1253, 1300:
			a.Outcome = Refused
		case 1054, 1146, 1305, 1049, 1142, 1143, 1044, 1045, 1227, 1370, 1582, 1583, 1630, 1290, 1109, 1051, 1128, 1698, 1140, 1056, 1248, 1060, 1052, 1055, 1111, 1136, 1235, 1133, 1410, 1396:
			a.Outcome = Nameless
		case 1222:
			a.Outcome, a.Columns = Nameless, true
		case 1969, 3024, 1317:
			a.Outcome = Stopped
		default:
			a.Outcome = Failed
		}
	}
	stacked := strings.Contains(statement, ";")
	if stacked || !strings.HasPrefix(statement, "SELECT") {
		a.Rows += state(m.rows(ctx, contents))
	}
	if _, err := m.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		return a, m.renew(ctx)
	}
	if stacked {
		if now, err := m.rows(ctx, settings+contents); err != nil || now != m.first {
			return a, m.renew(ctx)
		}
	}
	return a, nil
}

// rows are those of all results.
func (m *mariaDB) rows(ctx context.Context, statement string) (string, error) {
	r, err := m.conn.QueryContext(ctx, statement)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return rowsOf(r)
}

func rowsOf(r *sql.Rows) (string, error) {
	var b strings.Builder
	for more := true; more; more = r.NextResultSet() {
		names, err := r.Columns()
		if err != nil {
			return "", err
		}
		values := make([]sql.RawBytes, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		for r.Next() && b.Len() < 1<<20 {
			if err := r.Scan(into...); err != nil {
				return "", err
			}
			for _, v := range values {
				b.Write(v)
				b.WriteByte('\t')
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), r.Err()
}
