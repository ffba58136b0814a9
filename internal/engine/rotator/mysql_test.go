package rotator

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MySQL itself is in no distribution that Debian carries, so its dialect is held against
// its reference manual here: a driver that answers as the manual says, and keeps what it
// was asked. The protocol and everything else is tested on MariaDB.

// scripted answers a session by the beginning of statements.
type scripted struct {
	answers map[string][][]driver.Value
	refuses []string // beginnings of statements that lack a privilege, or regular expressions
	said    []string
}

func (s *scripted) Connect(context.Context) (driver.Conn, error) { return scriptedConn{s}, nil }
func (s *scripted) Driver() driver.Driver                        { return nil }

type scriptedConn struct{ *scripted }

func (scriptedConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (scriptedConn) Begin() (driver.Tx, error)           { return nil, errors.New("no transaction") }
func (scriptedConn) Close() error                        { return nil }

func (c scriptedConn) refused(statement string) error {
	for _, pattern := range c.refuses {
		if regexp.MustCompile(pattern).MatchString(statement) {
			return &mysql.MySQLError{Number: mysqlNeedsPrivilege, Message: "Access denied; you need (at least one of) the CREATE USER privilege(s) for this operation"}
		}
	}
	return nil
}

func (c scriptedConn) ExecContext(_ context.Context, statement string, _ []driver.NamedValue) (driver.Result, error) {
	c.said = append(c.said, statement)
	return driver.ResultNoRows, c.refused(statement)
}

func (c scriptedConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	for _, a := range args {
		query = strings.Replace(query, "?", fmt.Sprint(a.Value), 1)
	}
	if err := c.refused(query); err != nil {
		return nil, err
	}
	for pattern, rows := range c.answers {
		if regexp.MustCompile(pattern).MatchString(query) {
			return &scriptedRows{rows}, nil
		}
	}
	return &scriptedRows{}, nil
}

type scriptedRows struct{ rows [][]driver.Value }

func (r *scriptedRows) Columns() []string {
	if len(r.rows) == 0 {
		return nil
	}
	return make([]string, len(r.rows[0]))
}
func (r *scriptedRows) Close() error { return nil }
func (r *scriptedRows) Next(to []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(to, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

func scriptedSession(t *testing.T, s *scripted, secure bool) *mysqlSession {
	t.Helper()
	db := sql.OpenDB(s)
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	return &mysqlSession{db: db, conn: conn, secure: secure}
}

// cachingHash is a hash with its salt, which is random: masked to compare statements.
var cachingHash = regexp.MustCompile(`'\$A\$005\$[./0-9A-Za-z]{20}[./0-9A-Za-z]{43}'`)

func maskHashes(statements []string) []string {
	var out []string
	for _, s := range statements {
		out = append(out, cachingHash.ReplaceAllString(s, "'HASH'"))
	}
	return out
}

func TestMySQLSetOwn(t *testing.T) {
	const password = "it's \\new"
	caching := cachingSHA2Hash([]byte("old"), []byte("01234567890123456789"))
	accounts := [][]driver.Value{{"%", pluginCachingSHA2, caching}, {"10.%", pluginNative, nativeHash([]byte("old"))}}
	withNative := strings.Replace(nativeHash([]byte(password)), "*", "'*", 1) + "'"
	for _, c := range []struct {
		name    string
		version string
		refuses []string
		logRaw  int64
		plain   bool
		current string
		want    []string
		fails   string
	}{
		{"with every privilege", "8.0.36", nil, 0, false, "old", []string{
			"ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH' RETAIN CURRENT PASSWORD, `app`@`10.%` IDENTIFIED WITH mysql_native_password AS " + withNative + " RETAIN CURRENT PASSWORD"}, ""},
		{"after a rotation that did not end", "8.0.36", nil, 0, false, "current, and the second", []string{
			"ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH', `app`@`10.%` IDENTIFIED WITH mysql_native_password AS " + withNative}, ""},
		{"without dual passwords", "8.0.13", nil, 0, false, "old", []string{
			"ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH', `app`@`10.%` IDENTIFIED WITH mysql_native_password AS " + withNative}, ""},
		{"without the privilege to retain", "8.4.0", []string{"RETAIN"}, 0, false, "old", []string{
			"ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH' RETAIN CURRENT PASSWORD, `app`@`10.%` IDENTIFIED WITH mysql_native_password AS " + withNative + " RETAIN CURRENT PASSWORD",
			"ALTER USER `app`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH', `app`@`10.%` IDENTIFIED WITH mysql_native_password AS " + withNative}, ""},
		{"without any privilege", "8.0.36", []string{"FROM mysql.user", "WITH"}, 0, false, "old", []string{
			"ALTER USER CURRENT_USER() IDENTIFIED WITH caching_sha2_password AS 'HASH'",
			"ALTER USER CURRENT_USER() IDENTIFIED BY 'it''s \\new'"}, ""},
		{"a server that logs what it gets", "8.0.36", []string{"FROM mysql.user", "WITH"}, 1, false, "old", []string{
			"ALTER USER CURRENT_USER() IDENTIFIED WITH caching_sha2_password AS 'HASH'"}, "its logs will not hold it"},
		{"a server that does not say", "5.7.44", []string{"FROM mysql.user", "WITH", "log_raw"}, 0, false, "old", []string{
			"ALTER USER CURRENT_USER() IDENTIFIED WITH caching_sha2_password AS 'HASH'"}, "its logs will not hold it"},
		{"a connection in plaintext", "8.0.36", []string{"FROM mysql.user", "WITH"}, 0, true, "old", []string{
			"ALTER USER CURRENT_USER() IDENTIFIED WITH caching_sha2_password AS 'HASH'"}, "not done without TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := &scripted{refuses: c.refuses, answers: map[string][][]driver.Value{
				`^SELECT VERSION`: {{c.version}}, `FROM mysql.user WHERE User = app`: slices.Clone(accounts), `log_raw`: {{c.logRaw}},
				`^SHOW CREATE USER CURRENT_USER`: {{"CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$'"}},
			}}
			s := scriptedSession(t, script, !c.plain)
			err := s.setOwn(context.Background(), &documents{current: &document{username: "app", password: []byte(c.current)}, pending: &document{username: "app", password: []byte(password)}})
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%v, want %q", err, c.fails)
			}
			if got := maskHashes(script.said); !slices.Equal(got, c.want) {
				t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestMySQLSetOther(t *testing.T) {
	script := &scripted{answers: map[string][][]driver.Value{
		`^SELECT VERSION`: {{"8.0.36"}},
		`^SELECT Host, plugin, ssl_type.*User = app `:       {{"%", pluginCachingSHA2, "SPECIFIED", "", "/CN=it's", "/CN=s", int64(0), int64(1), int64(2), int64(3)}},
		`^SELECT Host, plugin, auth.*User = app_clone `:     {{"%", pluginCachingSHA2, ""}, {"old", pluginCachingSHA2, ""}},
		"^SHOW GRANTS FOR `app`@`%`":                        {{"GRANT USAGE ON *.* TO `app`@`%`"}, {"GRANT SELECT ON `db`.* TO `app`@`%` WITH GRANT OPTION"}, {"REVOKE SELECT ON `mysql`.* FROM `app`@`%`"}},
		`mysql.default_roles WHERE USER = app AND HOST = %`: {{"reader", "%"}},
	}}
	s := scriptedSession(t, script, true)
	err := s.setOther(context.Background(), &documents{current: &document{username: "app"}, pending: &document{username: "app_clone", password: []byte("new")}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CREATE USER IF NOT EXISTS `app_clone`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH'",
		"ALTER USER `app_clone`@`%` REQUIRE ISSUER '/CN=it''s' AND SUBJECT '/CN=s' WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 1 MAX_CONNECTIONS_PER_HOUR 2 MAX_USER_CONNECTIONS 3",
		"GRANT USAGE ON *.* TO `app_clone`@`%`",
		"GRANT SELECT ON `db`.* TO `app_clone`@`%` WITH GRANT OPTION",
		"REVOKE SELECT ON `mysql`.* FROM `app_clone`@`%`",
		"ALTER USER `app_clone`@`%` DEFAULT ROLE `reader`@`%`",
		"ALTER USER `app_clone`@`%` IDENTIFIED WITH caching_sha2_password AS 'HASH', `app_clone`@`old` IDENTIFIED WITH caching_sha2_password AS 'HASH'",
	}
	if got := maskHashes(script.said); !slices.Equal(got, want) {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
