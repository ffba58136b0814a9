package rotator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"fastness/test/databases"
)

// pgAdmin is a connection as admin, past the package under test.
func pgAdmin(t testing.TB, s *databases.Server, config *tls.Config) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=postgres sslmode=disable", s.Host, s.Port, s.Admin, s.Password))
	if err != nil {
		t.Fatal(err)
	}
	c.TLSConfig = config
	conn, err := pgconn.ConnectConfig(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// pgExec runs statements as admin and gives the values of the last result's rows.
func pgExec(t testing.TB, conn *pgconn.PgConn, sql string) []string {
	t.Helper()
	results, err := conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var values []string
	for _, row := range results[len(results)-1].Rows {
		for _, v := range row {
			values = append(values, string(v))
		}
	}
	return values
}

// pgStart gives a server and an admin's connection to it.
func pgStart(t testing.TB, settings ...string) (*databases.Server, *pgconn.PgConn) {
	t.Helper()
	s := databases.PostgreSQL(t, settings...)
	return s, pgAdmin(t, s, &tls.Config{ServerName: s.Host, RootCAs: s.CA})
}

// pgUser creates a role and gives its document.
func pgUser(t testing.TB, s *databases.Server, admin *pgconn.PgConn, name string) doc {
	t.Helper()
	password := "First-of-" + name
	verifier, err := scramVerifier([]byte(password), []byte("0123456789abcdef"), 4096)
	if err != nil {
		t.Fatal(err)
	}
	pgExec(t, admin, "CREATE ROLE "+pgName(name)+" LOGIN PASSWORD '"+verifier+"'")
	return doc{"engine": "postgres", "host": s.Host, "port": s.Port, "dbname": "postgres", "username": name, "password": password}
}

func pgMaster(s *databases.Server) doc {
	return doc{"engine": "postgres", "host": s.Host, "port": s.Port, "username": s.Admin, "password": s.Password}
}

// awkward is a name that breaks whoever does not quote.
const awkward = `a"b'; DROP ROLE x; -- ü`

func TestPostgreSQLSingleUser(t *testing.T) {
	server, admin := pgStart(t)
	r := lookup(t, registryFor(t, server), "SecretsManagerRDSPostgreSQLRotationSingleUser")
	for _, name := range []string{"app", awkward} {
		s := newSecret(t, r, pgUser(t, server, admin, name), nil)
		for range 3 {
			old := s.stages.Current
			s.rotate()
			if s.works(old) {
				t.Error("the old password still works")
			}
			if !s.works(s.stages.Current) {
				t.Error("the new password does not work")
			}
		}
		holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
		stored := pgExec(t, admin, "SELECT rolpassword FROM pg_authid WHERE rolname = "+"'"+strings.ReplaceAll(name, "'", "''")+"'")
		if len(stored) != 1 || !strings.HasPrefix(stored[0], "SCRAM-SHA-256$4096:") {
			t.Errorf("stored: %q", stored)
		}
	}
	if !strings.Contains(server.Log(t), "ALTER ROLE") {
		t.Error("the log has no statement: it proves nothing")
	}
}

func TestPostgreSQLHonoursPasswordEncryption(t *testing.T) {
	server, admin := pgStart(t, "password_encryption = md5")
	// A server with md5 in pg_hba.conf takes both kinds; the harness demands SCRAM, so
	// what is stored is looked at.
	r := lookup(t, registryFor(t, server), "PostgreSQLSingleUser")
	s := newSecret(t, r, pgUser(t, server, admin, "app"), nil)
	s.create()
	if err := r.Set(context.Background(), s.stages); err != nil {
		t.Fatal(err)
	}
	want := pgExec(t, admin, "SELECT 'md5' || md5('"+parse(t, s.stages.Pending)["password"].(string)+"app')")
	if got := pgExec(t, admin, "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'"); got[0] != want[0] {
		t.Errorf("stored %q, the server computes %q", got, want)
	}
}

func TestPostgreSQLAlternatingUsers(t *testing.T) {
	server, admin := pgStart(t)
	r := lookup(t, registryFor(t, server), "SecretsManagerRDSPostgreSQLRotationMultiUser")
	for _, name := range []string{"app", awkward} {
		first := pgUser(t, server, admin, name).with(doc{"masterarn": "arn:master"})
		pgExec(t, admin, "CREATE TABLE IF NOT EXISTS public.things (id int); GRANT SELECT ON public.things TO "+pgName(name))
		s := newSecret(t, r, first, pgMaster(server))
		s.stages.Options.SetRole = true

		s.rotate()
		if got := parse(t, s.stages.Current)["username"]; got != name+"_clone" {
			t.Fatalf("the first rotation made %q", got)
		}
		if !s.works(s.stages.Previous) {
			t.Error("the original user no longer works")
		}
		// The clone sees what the original sees, and what it creates is the original's.
		current := parse(t, s.stages.Current)
		c, err := pgconn.ParseConfig("sslmode=disable host=localhost")
		if err != nil {
			t.Fatal(err)
		}
		c.Port, c.Database, c.User, c.Password = uint16(server.Port), "postgres", current["username"].(string), current["password"].(string)
		clone, err := pgconn.ConnectConfig(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		pgExec(t, clone, "SELECT * FROM public.things")
		if got := pgExec(t, clone, "SELECT current_user"); got[0] != name {
			t.Errorf("the clone acts as %q", got)
		}
		clone.Close(context.Background())

		cloned := s.stages.Current
		s.rotate()
		if got := parse(t, s.stages.Current)["username"]; got != name {
			t.Fatalf("the second rotation made %q", got)
		}
		if !s.works(cloned) {
			t.Error("the clone no longer works, which current clients use")
		}
		if s.works(first.json(t)) {
			t.Error("the original user's first password still works")
		}
		s.rotate()
		if s.works(cloned) {
			t.Error("the clone's first password still works")
		}
		holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
	}
}

func TestPostgreSQLSurvivesBeingKilledAnywhere(t *testing.T) {
	server, admin := pgStart(t)
	registry := registryFor(t, server)
	number := 0
	for name, master := range map[string]doc{"PostgreSQLSingleUser": nil, "PostgreSQLMultiUser": pgMaster(server)} {
		t.Run(name, func(t *testing.T) {
			r := lookup(t, registry, name)
			killedEverywhere(t, func() *secret {
				number++
				s := newSecret(t, r, pgUser(t, server, admin, fmt.Sprintf("app%d", number)).with(doc{"masterarn": "arn:master"}), master)
				s.create()
				return s
			}, func(s *secret) {
				if !s.works(s.stages.Pending) {
					t.Error("the pending password does not work")
				}
				if alternates := master != nil; s.works(s.stages.Current) != alternates {
					t.Errorf("the current password works: %v", !alternates)
				}
				if master == nil {
					return
				}
				member := pgExec(t, admin, "SELECT pg_has_role('"+parse(t, s.stages.Pending)["username"].(string)+"', '"+parse(t, s.stages.Current)["username"].(string)+"', 'MEMBER')")
				if member[0] != "t" {
					t.Error("the clone works without its rights")
				}
			})
		})
	}
	holdsNone(t, "the server's logs", server.Log(t), "First-of-app")
}

func TestPostgreSQLFallsBackToThePreviousPassword(t *testing.T) {
	server, admin := pgStart(t)
	r := lookup(t, registryFor(t, server), "PostgreSQLSingleUser")
	good := pgUser(t, server, admin, "app")
	s := newSecret(t, r, good.with(doc{"password": "never set"}), nil)
	s.stages.Previous = good.json(t)
	s.create()
	if err := r.Set(context.Background(), s.stages); err != nil {
		t.Fatal(err)
	}
	if !s.works(s.stages.Pending) {
		t.Error("the pending password does not work")
	}
}

func TestPostgreSQLSuperuserCanBeRefused(t *testing.T) {
	server, admin := pgStart(t)
	r := lookup(t, registryFor(t, server), "PostgreSQLMultiUser")
	weak := pgUser(t, server, admin, "weak")
	s := newSecret(t, r, pgUser(t, server, admin, "app").with(doc{"masterarn": "arn:master"}), weak)
	s.create()
	err := r.Set(context.Background(), s.stages)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Reason != Refused || !strings.Contains(e.Detail, "permission denied") {
		t.Errorf("a master without rights: %v", err)
	}
	holdsNone(t, "errors", fmt.Sprintf("%v %+v %#v", err, err, err), append(s.passwords(), "SCRAM-SHA-256$")...)
}

// A server that lets everyone in would make an unset password look set.
func TestPostgreSQLWithoutPasswordsIsRefused(t *testing.T) {
	server, admin := pgStart(t)
	app := pgUser(t, server, admin, "app")
	pgExec(t, admin, "COPY (SELECT 'host all all all trust') TO PROGRAM 'cat > pg_hba.conf'")
	pgExec(t, admin, "SELECT pg_reload_conf()")
	r := lookup(t, registryFor(t, server), "PostgreSQLSingleUser")
	s := newSecret(t, r, app, nil)
	s.create()
	// The reload is asynchronous: until then the server asks for passwords.
	for {
		err := r.Set(context.Background(), s.stages)
		if err == nil {
			s.finish()
			s.create()
			continue
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Untrusted {
			t.Errorf("a server that trusts everyone: %v", err)
		}
		break
	}
}

func TestPostgreSQLTLS(t *testing.T) {
	plain := databases.PostgreSQL(t, "ssl = off")
	secure := databases.PostgreSQL(t)
	admins := map[*databases.Server]*pgconn.PgConn{plain: pgAdmin(t, plain, nil), secure: pgAdmin(t, secure, nil)}
	for i, c := range []struct {
		name   string
		server *databases.Server
		config Config
		ssl    any
		want   Reason // 0: it works
	}{
		{"verified", secure, Config{RootCAs: secure.CA}, true, 0},
		{"verified, in a string", secure, Config{RootCAs: secure.CA}, "TRUE", 0},
		{"an unknown authority", secure, Config{RootCAs: plain.CA}, nil, Untrusted},
		{"an unknown authority is no reason for plaintext", secure, Config{RootCAs: plain.CA, AllowPlaintext: true}, nil, Untrusted},
		{"no TLS there", plain, Config{RootCAs: plain.CA}, nil, Untrusted},
		{"no TLS there, demanded", plain, Config{RootCAs: plain.CA, AllowPlaintext: true}, true, Untrusted},
		{"no TLS there, plaintext allowed", plain, Config{AllowPlaintext: true}, nil, 0},
		{"plaintext wanted, not allowed", plain, Config{}, false, Forbidden},
		{"plaintext wanted, not allowed, in a string", plain, Config{}, "false", Forbidden},
		{"plaintext wanted and allowed", secure, Config{AllowPlaintext: true}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Hosts = hosts(t, "localhost")
			r := lookup(t, New(c.config), "PostgreSQLSingleUser")
			d := pgUser(t, c.server, admins[c.server], fmt.Sprintf("app%d", i))
			if c.ssl != nil {
				d["ssl"] = c.ssl
			}
			s := newSecret(t, r, d, nil)
			s.create()
			err := r.Set(context.Background(), s.stages)
			e, _ := errors.AsType[*Error](err)
			switch {
			case c.want == 0 && err != nil:
				t.Fatal(err)
			case c.want != 0 && (e == nil || e.Reason != c.want):
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestPostgreSQLThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := lookup(t, New(Config{Hosts: hosts(t, "localhost")}), "PostgreSQLSingleUser")
	s := newSecret(t, r, doc{"engine": "postgres", "host": "localhost", "port": l.Addr().(*net.TCPAddr).Port, "username": "app", "password": "p"}, nil)
	s.create()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if conn, err := l.Accept(); err == nil {
			cancel() // the connection is there, and nothing answers on it
			defer conn.Close()
			<-ctx.Done()
		}
	}()
	err = r.Set(ctx, s.stages)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled while connecting: %v", err)
	}
}

// A rotation but for the labels: createSecret, setSecret, testSecret; three logins.
func BenchmarkPostgreSQLRotation(b *testing.B) {
	server, admin := pgStart(b, "log_min_messages = warning", "log_statement = none", "log_min_duration_statement = -1", "fsync = on")
	r := lookup(b, registryFor(b, server), "PostgreSQLSingleUser")
	s := newSecret(b, r, pgUser(b, server, admin, "app"), nil)
	var each []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		s.rotate()
		each = append(each, time.Since(start))
	}
	slices.Sort(each)
	b.ReportMetric(float64(each[len(each)/2])/float64(time.Millisecond), "p50-ms")
}
