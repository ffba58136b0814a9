package rotator

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgreSQL rotates roles of PostgreSQL 10 and later, Aurora included.
type postgreSQL struct{}

func (postgreSQL) defaults(o *Options) {
	// A colon or an at sign breaks connection URIs, which clients of PostgreSQL favour.
	o.Password.ExcludeCharacters = `:/@"'\`
	o.UsernameLimit = 63 // NAMEDATALEN - 1
}

func (postgreSQL) check(d *document) error {
	if err := d.requireKeys("host", "username", "password", "engine"); err != nil {
		return err
	}
	if d.engine != "postgres" && d.engine != "aurora-postgresql" {
		return fail(Misconfigured, "Database engine must be set to 'postgres' in order to use this rotation lambda")
	}
	if len(d.username) > 63 {
		// The server would cut the name, and another role be changed.
		return fail(Misconfigured, "the user name has more than 63 bytes")
	}
	return nil
}

func (postgreSQL) port() int              { return 5432 }
func (postgreSQL) weight() int            { return 1 }
func (postgreSQL) usesMaster() bool       { return false }
func (postgreSQL) onePassword() bool      { return true }
func (postgreSQL) usersInDatabases() bool { return false }

func (postgreSQL) words() words {
	return words{
		previousUser: "Attempting to modify user %s other than previous valid user %s",
		previousHost: "Attempting to modify user for host %s other than current previous valid %s",
		masterHost:   "Current database host %s is not the same host as/rds replica of master %s",
	}
}

// pgBase names every setting that the driver would else take from PG* variables of our
// own environment and from files in a home directory.
const pgBase = "host=localhost port=5432 user=x password=x dbname=x sslmode=disable passfile='' " +
	"target_session_attrs=any channel_binding=prefer min_protocol_version=3.0 max_protocol_version=3.0"

func (postgreSQL) connect(ctx context.Context, t *target, d *document, config *tls.Config) (session, error) {
	c, err := pgconn.ParseConfig(pgBase)
	if err != nil {
		return nil, fail(Misconfigured, "the environment's settings for PostgreSQL are in the way")
	}
	c.Host, c.Port, c.User, c.Password, c.Database = t.host, uint16(t.port), d.username, string(d.password), d.dbname
	if c.Database == "" {
		c.Database = "postgres"
	}
	c.TLSConfig, c.Fallbacks = config, nil
	// A server that asks for no password would let the pending one in before it is set.
	// One that asks for it in the clear gets it inside TLS only.
	c.RequireAuth = "scram-sha-256"
	if !fips140.Enforced() { // else MD5 panics
		c.RequireAuth += ",md5"
	}
	if config != nil {
		c.RequireAuth += ",password"
	}
	// The owner of the database may have put a path there that shadows the catalog.
	// A statement that waits for a lock shall not take effect long after we gave up.
	c.RuntimeParams = map[string]string{"application_name": "fastness", "search_path": "pg_catalog", "statement_timeout": "25s"}
	c.ConnectTimeout = connectTimeout
	c.MaxProtocolMessageBodyLen = 1 << 20
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return t.dial(ctx) }
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, pgNotConnected(t, err)
	}
	return &pgSession{conn, t}, nil
}

func pgNotConnected(t *target, err error) error {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch said.Code {
		case "28P01", "28000": // invalid password, invalid authorization
			return fail(LoginFailed, "the server rejected the login").because(pgSaid(said))
		case "53300", "57P03", "57P01", "57P02": // too many connections, starting, stopping
			return fail(Unreachable, "the server takes no connection").because(pgSaid(said))
		}
		return fail(Refused, "the server refused the session").because(pgSaid(said))
	}
	text := err.Error()
	switch {
	// The driver has no values for these.
	case strings.Contains(text, "server refused TLS connection"):
		return errNoTLS
	case strings.Contains(text, "require_auth"):
		return fail(Untrusted, "the server does not ask for the password in a way that proves it")
	}
	return t.notConnected(err)
}

// pgSaid keeps of an error what a person needs and no statement text.
func pgSaid(e *pgconn.PgError) error {
	return errors.New(e.Message + " (SQLSTATE " + e.Code + ")")
}

func pgRefused(what string, err error) error {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fail(Refused, "%s", what).because(pgSaid(said))
	}
	return fail(Unreachable, "%s", what).because(err)
}

type pgSession struct {
	conn *pgconn.PgConn
	t    *target
}

func (s *pgSession) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	_ = s.conn.Close(ctx)
	s.t.close()
}

// applied: connect demands a password, so the login was the proof.
func (s *pgSession) applied(context.Context, *documents) (bool, error) { return true, nil }

func (s *pgSession) probe(ctx context.Context, _ *document) error {
	if _, err := s.conn.Exec(ctx, "SELECT now()").ReadAll(); err != nil {
		return pgRefused("the query of the test failed", err)
	}
	return nil
}

func (s *pgSession) setOwn(ctx context.Context, docs *documents) error {
	verifier, err := s.verifier(ctx, docs.pending)
	if err != nil {
		return err
	}
	alter := "ALTER ROLE " + pgName(docs.pending.username) + " WITH PASSWORD '" + verifier + "'"
	if _, err := s.conn.Exec(ctx, alter).ReadAll(); err != nil {
		return pgRefused("the password could not be set", err)
	}
	return nil
}

// setOther sets the password in the transaction that creates the role, so that a role
// whose password works has its rights, too.
func (s *pgSession) setOther(ctx context.Context, docs *documents) error {
	current, pending := docs.current.username, docs.pending.username
	verifier, err := s.verifier(ctx, docs.pending)
	if err != nil {
		return err
	}
	found := s.conn.ExecParams(ctx, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", [][]byte{[]byte(pending)}, nil, nil, nil).Read()
	if found.Err != nil {
		return pgRefused("the roles could not be read", found.Err)
	}
	var statements []string
	if len(found.Rows) == 0 {
		statements = []string{
			"CREATE ROLE " + pgName(pending) + " WITH LOGIN PASSWORD '" + verifier + "'",
			"GRANT " + pgName(current) + " TO " + pgName(pending),
		}
	} else {
		statements = []string{"ALTER ROLE " + pgName(pending) + " WITH PASSWORD '" + verifier + "'"}
	}
	if docs.options.SetRole && strings.HasSuffix(pending, cloneSuffix) {
		statements = append(statements, "ALTER ROLE "+pgName(pending)+" SET role TO "+pgName(current))
	}
	// Statements sent as one are one transaction.
	if _, err := s.conn.Exec(ctx, strings.Join(statements, "; ")).ReadAll(); err != nil {
		return pgRefused("the user could not be set", err)
	}
	return nil
}

func pgName(name string) string { return pgx.Identifier{name}.Sanitize() }

// verifier is what the server shall store for a password, of the kind that it is
// configured to make itself.
func (s *pgSession) verifier(ctx context.Context, d *document) (string, error) {
	// scram_iterations is there from PostgreSQL 16 on.
	got := s.conn.ExecParams(ctx, "SELECT pg_catalog.current_setting('password_encryption'), pg_catalog.current_setting('scram_iterations', true)", nil, nil, nil, nil).Read()
	if got.Err != nil {
		return "", pgRefused("the server's password_encryption could not be read", got.Err)
	}
	if len(got.Rows) != 1 || len(got.Rows[0]) != 2 {
		return "", fail(Refused, "the server's password_encryption could not be read")
	}
	return pgVerifier(string(got.Rows[0][0]), string(got.Rows[0][1]), d.username, d.password)
}
