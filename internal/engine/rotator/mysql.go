package rotator

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"database/sql"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mySQL rotates accounts of MySQL from 5.7 on and MariaDB from 10.4 on, Aurora
// included. Which of the two it is, the server says.
type mySQL struct {
	mariaDB bool // by the name of the rotator: which "engine" a secret must have
}

func (m mySQL) defaults(o *Options) {
	o.UsernameLimit = 16 // AWS's template, for the sake of MySQL 5.6; 8.0 takes 32
	if m.mariaDB {
		o.UsernameLimit = 80
	}
}

func (m mySQL) check(d *document) error {
	if err := d.requireKeys("host", "username", "password", "engine"); err != nil {
		return err
	}
	switch {
	case m.mariaDB && d.engine != "mariadb":
		return fail(Misconfigured, "Database engine must be set to 'mariadb' in order to use this rotation lambda")
	case !m.mariaDB && d.engine != "mysql" && d.engine != "aurora-mysql":
		return fail(Misconfigured, "Database engine must be set to 'mysql' in order to use this rotation lambda")
	}
	return nil
}

func (mySQL) port() int              { return 3306 }
func (mySQL) weight() int            { return 1 }
func (mySQL) usesMaster() bool       { return false }
func (mySQL) onePassword() bool      { return false }
func (mySQL) usersInDatabases() bool { return false }

func (m mySQL) words() words {
	w := words{
		previousUser: "Attempting to modify user %s other than previous valid user %s",
		previousHost: "Attempting to modify user for host %s other than previous host %s",
		masterHost:   "Current database host %s is not the same host as/rds replica of master %s",
	}
	if m.mariaDB {
		w.previousUser = "Attempting to modify user %s other than last valid user %s"
	}
	return w
}

// mysqlStatementTimeout bounds one answer, within the time of a step.
const mysqlStatementTimeout = 25 * time.Second

func (mySQL) connect(ctx context.Context, t *target, d *document, config *tls.Config) (session, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", net.JoinHostPort(t.host, strconv.Itoa(t.port))
	c.User, c.Passwd, c.DBName = d.username, string(d.password), d.dbname
	c.TLS = config
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return t.dial(ctx) }
	c.Timeout, c.ReadTimeout, c.WriteTimeout = connectTimeout, mysqlStatementTimeout, mysqlStatementTimeout
	c.Logger = &mysql.NopLogger{}
	c.AllowNativePasswords = !fips140.Enforced() // SHA-1 would panic
	// In this mode, and with quotes around names, what a statement means does not hang
	// on the server's configuration.
	c.Params = map[string]string{"sql_mode": "'NO_BACKSLASH_ESCAPES'", "sql_quote_show_create": "1"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fail(Misconfigured, "the driver takes no such connection")
	}
	for attempt := 1; ; attempt++ {
		db := sql.OpenDB(connector)
		db.SetMaxOpenConns(1)
		conn, err := db.Conn(ctx)
		if err == nil {
			return &mysqlSession{db: db, conn: conn, t: t, secure: config != nil}, nil
		}
		db.Close()
		// go-sql-driver 1.10.1 takes the last byte off a challenge if it is zero. So one
		// login in 256 by ed25519, whose challenge is random to its end, fails with this.
		if !errors.Is(err, mysql.ErrMalformPkt) || attempt == mysqlAttempts {
			return nil, mysqlNotConnected(t, err)
		}
	}
}

// mysqlAttempts leave one login in 2^32 to fail so.
const mysqlAttempts = 4

// Error codes of MySQL and MariaDB.
const (
	mysqlAccessDenied       = 1045
	mysqlAccessDeniedNoPass = 1698 // MariaDB: the plugin takes no password
	mysqlTooManyConnections = 1040
	mysqlTooManyOfUser      = 1203
	mysqlHostBlocked        = 1129
	mysqlUserLimit          = 1226
	mysqlShutdown           = 1053
	mysqlDBAccessDenied     = 1044
	mysqlTableAccessDenied  = 1142
	mysqlColumnAccessDenied = 1143
	mysqlNeedsPrivilege     = 1227
)

func mysqlNotConnected(t *target, err error) error {
	if said, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch said.Number {
		case mysqlAccessDenied, mysqlAccessDeniedNoPass:
			return fail(LoginFailed, "the server rejected the login").because(said)
		case mysqlTooManyConnections, mysqlTooManyOfUser, mysqlHostBlocked, mysqlUserLimit, mysqlShutdown:
			return fail(Unreachable, "the server takes no connection").because(said)
		}
		return fail(Refused, "the server refused the session").because(said)
	}
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return errNoTLS
	case errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrCleartextPassword),
		errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrNativePassword):
		return fail(Untrusted, "the server asks for the password in a way that is not allowed").because(err)
	}
	return t.notConnected(err)
}

// mysqlRefused is the error of a statement. The server may quote what it could not
// parse, but only of syntax errors, and its words are checked for secrets.
func mysqlRefused(what string, err error) error {
	if said, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return fail(Refused, "%s", what).because(said)
	}
	return fail(Unreachable, "%s", what).because(err)
}

// lacksPrivilege tells a statement that was refused for want of a privilege.
func lacksPrivilege(err error) bool {
	said, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch said.Number {
	case mysqlNeedsPrivilege, mysqlDBAccessDenied, mysqlTableAccessDenied, mysqlColumnAccessDenied:
		return true
	}
	return false
}

type mysqlSession struct {
	db     *sql.DB
	conn   *sql.Conn
	t      *target
	secure bool // over TLS
	flavor flavor
}

func (s *mysqlSession) close() {
	_ = s.conn.Close()
	_ = s.db.Close()
	s.t.close()
}

func (s *mysqlSession) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

// applied: passwords of all of a user's accounts are set by one statement, so that one
// account that can log in stands for all.
func (s *mysqlSession) applied(context.Context, *documents) (bool, error) { return true, nil }

func (s *mysqlSession) probe(ctx context.Context, _ *document) error {
	var now []byte
	if err := s.conn.QueryRowContext(ctx, "SELECT NOW()").Scan(&now); err != nil {
		return mysqlRefused("the query of the test failed", err)
	}
	return nil
}

// flavor is what a server's version says about its dialect.
type flavor struct {
	mariaDB bool
	retain  bool // RETAIN CURRENT PASSWORD: MySQL 8.0.14
	version string
}

func flavorOf(version string) flavor {
	f := flavor{version: version, mariaDB: strings.Contains(strings.ToLower(version), "mariadb")}
	var parts [3]int
	for i, text := range strings.SplitN(version, ".", 3) {
		digits := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 0 {
			digits = len(text)
		}
		parts[i], _ = strconv.Atoi(text[:digits]) // 0 if there is none
	}
	f.retain = !f.mariaDB && (parts[0] > 8 || parts[0] == 8 && (parts[1] > 0 || parts[2] >= 14))
	return f
}

func (s *mysqlSession) learnFlavor(ctx context.Context) error {
	var version string
	if err := s.conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return mysqlRefused("the server's version could not be read", err)
	}
	s.flavor = flavorOf(version)
	return nil
}

// identified is the clause that gives an account a hash.
func (f flavor) identified(plugin, hash string) string {
	if plugin == "" {
		plugin = pluginNative
	}
	if f.mariaDB {
		return " IDENTIFIED VIA " + plugin + " USING '" + hash + "'"
	}
	return " IDENTIFIED WITH " + plugin + " AS '" + hash + "'"
}

// account is one 'user'@'host'.
type account struct {
	user, host, plugin string
	stored             []byte // the hash of the password
}

func (a account) String() string { return mysqlName(a.user) + "@" + mysqlName(a.host) }

// mysqlName quotes with backticks, in which nothing but a backtick has a meaning.
func mysqlName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// mysqlText quotes a string in the mode NO_BACKSLASH_ESCAPES.
func mysqlText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// accounts are all those of a user name. Roles of MariaDB, which have no host, are none.
func (s *mysqlSession) accounts(ctx context.Context, user string) ([]account, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT Host, plugin, authentication_string FROM mysql.user WHERE User = ? AND Host <> ''", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []account
	for rows.Next() {
		a := account{user: user}
		if err := rows.Scan(&a.host, &a.plugin, &a.stored); err != nil {
			return nil, err
		}
		if all = append(all, a); len(all) > maxAccounts {
			return nil, fail(Refused, "the user has more than %d accounts", maxAccounts)
		}
	}
	return all, rows.Err()
}

// maxAccounts bounds the statements that a server can make us build.
const maxAccounts = 256

// setOwn sets the password of all of the user's accounts if the user may, and else of
// the one that is logged in.
func (s *mysqlSession) setOwn(ctx context.Context, docs *documents) error {
	if err := s.learnFlavor(ctx); err != nil {
		return err
	}
	accounts, err := s.accounts(ctx, docs.pending.username)
	switch {
	case lacksPrivilege(err) || err == nil && len(accounts) == 0:
		return s.setCurrentAccount(ctx, docs.pending)
	case err != nil:
		return mysqlRefused("the user's accounts could not be read", err)
	}
	retain := s.flavor.retain
	err = s.setAll(ctx, accounts, docs.pending.password, func(a account) bool {
		// An account whose first password is not the current one has it as its second:
		// a rotation before this one did not end. There it stays.
		return retain && mysqlMatches(a, docs.current.password)
	})
	if lacksPrivilege(err) && retain {
		err = s.setAll(ctx, accounts, docs.pending.password, retainNone)
	}
	if lacksPrivilege(err) {
		return s.setCurrentAccount(ctx, docs.pending)
	}
	return asMySQLFailure("the password could not be set", err)
}

// asMySQLFailure leaves our own failures as they are.
func asMySQLFailure(what string, err error) error {
	if _, ok := errors.AsType[*failure](err); ok || err == nil {
		return err
	}
	return mysqlRefused(what, err)
}

func retainNone(account) bool { return false }

// setAll sets one password for several accounts in one statement. Where retain says so,
// the old one becomes the second.
func (s *mysqlSession) setAll(ctx context.Context, accounts []account, password []byte, retain func(account) bool) error {
	var clauses []string
	for _, a := range accounts {
		hash, err := mysqlHash(a.plugin, password)
		if err != nil {
			return err
		}
		clause := a.String() + s.flavor.identified(a.plugin, hash)
		if retain(a) {
			clause += " RETAIN CURRENT PASSWORD"
		}
		clauses = append(clauses, clause)
	}
	return s.exec(ctx, "ALTER USER "+strings.Join(clauses, ", "))
}

// setCurrentAccount is for a user without privileges, who may still change the own
// password.
func (s *mysqlSession) setCurrentAccount(ctx context.Context, pending *document) error {
	var definition string
	if err := s.conn.QueryRowContext(ctx, "SHOW CREATE USER CURRENT_USER()").Scan(&definition); err != nil {
		return mysqlRefused("the user's authentication plugin could not be read", err)
	}
	plugin, err := pluginOf(definition)
	if err != nil {
		return err
	}
	hash, err := mysqlHash(plugin, pending.password)
	if err != nil {
		return err
	}
	if s.flavor.mariaDB {
		// MariaDB takes a hash of the account's plugin here.
		return asMySQLFailure("the password could not be set", s.exec(ctx, "SET PASSWORD = '"+hash+"'"))
	}
	err = s.exec(ctx, "ALTER USER CURRENT_USER()"+s.flavor.identified(plugin, hash))
	if !lacksPrivilege(err) {
		return asMySQLFailure("the password could not be set", err)
	}
	return s.setInTheClear(ctx, pending.password)
}

// setInTheClear is what MySQL leaves to a user without the privilege CREATE USER. The
// server rewrites the statement before it writes it to any log (MySQL Reference Manual,
// "Passwords and Logging"), unless it runs with --log-raw, which it is asked for. Nobody
// but the server may see it on its way.
func (s *mysqlSession) setInTheClear(ctx context.Context, password []byte) error {
	const advice = "; give the user the privilege CREATE USER, or rotate alternating users with a master secret"
	if !s.secure {
		return fail(Refused, "the user may change its password only by sending it, which is not done without TLS"+advice)
	}
	var raw bool
	if err := s.conn.QueryRowContext(ctx, "SELECT @@GLOBAL.log_raw").Scan(&raw); err != nil || raw {
		return fail(Refused, "the user may change its password only by sending it, and the server does not say that its logs will not hold it"+advice)
	}
	return asMySQLFailure("the password could not be set", s.exec(ctx, "ALTER USER CURRENT_USER() IDENTIFIED BY "+mysqlText(string(password))))
}
