package rotator

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"fastness/test/databases"
)

// mariaOpen is a connection past the package under test.
func mariaOpen(t testing.TB, s *databases.Server, user, password string, secure bool) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), user, password
	if secure {
		c.TLS = &tls.Config{ServerName: s.Host, RootCAs: s.CA}
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func mariaExec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func mariaStart(t testing.TB, options ...string) (*databases.Server, *sql.DB) {
	t.Helper()
	s := databases.MariaDB(t, options...)
	return s, mariaOpen(t, s, s.Admin, s.Password, true)
}

// mariaUser creates accounts of one user and gives its document.
func mariaUser(t testing.TB, s *databases.Server, admin *sql.DB, name, plugin string, accountHosts ...string) doc {
	t.Helper()
	password := "First-of-" + name
	for _, h := range accountHosts {
		hash, err := mysqlHash(plugin, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		mariaExec(t, admin, "CREATE USER "+account{user: name, host: h}.String()+" IDENTIFIED VIA "+plugin+" USING '"+hash+"'")
	}
	return doc{"engine": "mariadb", "host": s.Host, "port": strconv.Itoa(s.Port), "username": name, "password": password}
}

func mariaMaster(s *databases.Server) doc {
	return doc{"engine": "mariadb", "host": s.Host, "port": s.Port, "username": s.Admin, "password": s.Password}
}

// mariaAwkward breaks whoever does not quote.
const mariaAwkward = "a`b'c\"d\\ TO ü"

func TestMariaDBSingleUser(t *testing.T) {
	server, admin := mariaStart(t)
	r := lookup(t, registryFor(t, server), "SecretsManagerRDSMariaDBRotationSingleUser")
	for _, plugin := range []string{pluginNative, pluginEd25519} {
		for _, privileged := range []bool{false, true} {
			for _, name := range []string{"app", mariaAwkward} {
				t.Run(fmt.Sprintf("%s privileged %v %s", plugin, privileged, name), func(t *testing.T) {
					accountHosts := []string{"127.0.0.1", "localhost", "10.%"}
					s := newSecret(t, r, mariaUser(t, server, admin, name, plugin, accountHosts...), nil)
					defer func() {
						for _, h := range accountHosts {
							mariaExec(t, admin, "DROP USER "+account{user: name, host: h}.String())
						}
					}()
					if privileged {
						for _, h := range accountHosts {
							a := account{user: name, host: h}.String()
							mariaExec(t, admin, "GRANT CREATE USER ON *.* TO "+a, "GRANT SELECT ON mysql.user TO "+a)
						}
					}
					for range 2 {
						old := s.stages.Current
						s.rotate()
						if s.works(old) || !s.works(s.stages.Current) {
							t.Error("the old password works, or the new one does not")
						}
					}
					// The accounts that we do not come from.
					var hashes []string
					rows, err := admin.Query("SELECT DISTINCT authentication_string FROM mysql.user WHERE User = ?", name)
					if err != nil {
						t.Fatal(err)
					}
					defer rows.Close()
					for rows.Next() {
						var h string
						if err := rows.Scan(&h); err != nil {
							t.Fatal(err)
						}
						hashes = append(hashes, h)
					}
					if want := map[bool]int{true: 1, false: 2}[privileged]; len(hashes) != want {
						t.Errorf("%d different hashes, want %d", len(hashes), want)
					}
					holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
				})
			}
		}
	}
	if log := server.Log(t); !strings.Contains(log, "ALTER USER") || !strings.Contains(log, "SET PASSWORD") {
		t.Error("the logs have no statement: they prove nothing")
	}
}

func TestMariaDBAlternatingUsers(t *testing.T) {
	server, admin := mariaStart(t)
	mariaExec(t, admin, "CREATE DATABASE shop", "CREATE DATABASE `a TO b@c`", "CREATE TABLE shop.things (id int, `the TO` int)",
		"CREATE ROLE reader", "GRANT SELECT ON `a TO b@c`.* TO reader")
	r := lookup(t, registryFor(t, server), "SecretsManagerRDSMariaDBRotationMultiUser")
	for _, name := range []string{"app", mariaAwkward} {
		first := mariaUser(t, server, admin, name, pluginNative, "127.0.0.1", "10.%").with(doc{"masterarn": "arn:master"})
		a := account{user: name, host: "127.0.0.1"}.String()
		mariaExec(t, admin, "GRANT INSERT, SELECT (`the TO`) ON shop.things TO "+a+" WITH GRANT OPTION",
			"GRANT ALL ON `a TO b@c`.* TO "+a, "GRANT reader TO "+a, "SET DEFAULT ROLE reader FOR "+a,
			"ALTER USER "+a+" REQUIRE SSL WITH MAX_USER_CONNECTIONS 40")
		s := newSecret(t, r, first, mariaMaster(server))

		s.rotate()
		clone := name + "_clone"
		if got := parse(t, s.stages.Current)["username"]; got != clone {
			t.Fatalf("the first rotation made %q", got)
		}
		if !s.works(s.stages.Previous) {
			t.Error("the original user no longer works")
		}
		original := grantsOf(t, admin, account{user: name, host: "127.0.0.1"})
		cloned := grantsOf(t, admin, account{user: clone, host: "127.0.0.1"})
		if !slices.Equal(original, cloned) {
			t.Errorf("grants\n%s\nand of the clone\n%s", strings.Join(original, "\n"), strings.Join(cloned, "\n"))
		}
		if len(original) < 5 {
			t.Errorf("only these grants: %q", original)
		}
		grantsOf(t, admin, account{user: clone, host: "10.%"})

		cloneDoc := s.stages.Current
		s.rotate()
		if got := parse(t, s.stages.Current)["username"]; got != name {
			t.Fatalf("the second rotation made %q", got)
		}
		if !s.works(cloneDoc) || s.works(first.json(t)) {
			t.Error("the clone is out, or the original's first password is not")
		}
		s.rotate()
		if s.works(cloneDoc) {
			t.Error("the clone's first password still works")
		}
		holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
	}
}

// grantsOf lists what an account may do, with its name and password taken out.
func grantsOf(t testing.TB, admin *sql.DB, a account) []string {
	t.Helper()
	rows, err := admin.Query("SHOW GRANTS FOR " + a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var g string
		if err := rows.Scan(&g); err != nil {
			t.Fatal(err)
		}
		g = strings.ReplaceAll(g, a.String(), "WHO")
		if before, after, ok := strings.Cut(g, " IDENTIFIED BY PASSWORD '*"); ok {
			g = before + after[41:]
		}
		all = append(all, g)
	}
	return all
}

func TestMariaDBSurvivesBeingKilledAnywhere(t *testing.T) {
	server, admin := mariaStart(t)
	mariaExec(t, admin, "CREATE DATABASE shop")
	registry := registryFor(t, server)
	number := 0
	for name, master := range map[string]doc{"MariaDBSingleUser": nil, "MariaDBMultiUser": mariaMaster(server)} {
		t.Run(name, func(t *testing.T) {
			r := lookup(t, registry, name)
			killedEverywhere(t, func() *secret {
				number++
				user := fmt.Sprintf("app%d", number)
				d := mariaUser(t, server, admin, user, pluginNative, "127.0.0.1", "10.%")
				mariaExec(t, admin, "GRANT SELECT, INSERT ON shop.* TO "+account{user: user, host: "127.0.0.1"}.String())
				s := newSecret(t, r, d.with(doc{"masterarn": "arn:master"}), master)
				s.create()
				return s
			}, func(s *secret) {
				if !s.works(s.stages.Pending) {
					t.Error("the pending password does not work")
				}
				if alternates := master != nil; s.works(s.stages.Current) != alternates {
					t.Errorf("the current password works: %v", !alternates)
				}
				pending := parse(t, s.stages.Pending)["username"].(string)
				if g := grantsOf(t, admin, account{user: pending, host: "127.0.0.1"}); len(g) != 2 {
					t.Errorf("the pending user works, with these grants: %q", g)
				}
			})
		})
	}
}

func TestMariaDBTLS(t *testing.T) {
	plain := databases.MariaDB(t, "--skip-ssl")
	admin := mariaOpen(t, plain, plain.Admin, plain.Password, false)
	app := mariaUser(t, plain, admin, "app", pluginNative, "127.0.0.1")
	for _, c := range []struct {
		name   string
		config Config
		ssl    any
		want   Reason
	}{
		{"no TLS there", Config{}, nil, Untrusted},
		{"demanded", Config{AllowPlaintext: true}, true, Untrusted},
		{"plaintext not allowed", Config{}, false, Forbidden},
		{"fallback allowed", Config{AllowPlaintext: true}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Hosts = hosts(t, "localhost")
			s := newSecret(t, lookup(t, New(c.config), "MariaDBSingleUser"), app, nil)
			if c.ssl != nil {
				s.stages.Current = app.with(doc{"ssl": c.ssl}).json(t)
			}
			s.create()
			err := s.rotator.Set(context.Background(), s.stages)
			e, _ := errors.AsType[*Error](err)
			if c.want == 0 && err != nil || c.want != 0 && (e == nil || e.Reason != c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestMariaDBAccountWithoutAPassword(t *testing.T) {
	server, admin := mariaStart(t)
	mariaExec(t, admin, "CREATE USER app@'127.0.0.1' IDENTIFIED VIA unix_socket")
	r := lookup(t, registryFor(t, server), "MariaDBSingleUser")
	s := newSecret(t, r, doc{"engine": "mariadb", "host": server.Host, "port": server.Port, "username": "app", "password": "anything"}, nil)
	s.create()
	err := r.Set(context.Background(), s.stages)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != LoginFailed {
		t.Errorf("%v", err)
	}
}

// A driver's slip makes one login in 256 by ed25519 fail: see connect.
func TestMariaDBEd25519LoginsDoNotFailByChance(t *testing.T) {
	server, admin := mariaStart(t, "--general-log=0", "--slow-query-log=0")
	r := lookup(t, registryFor(t, server), "MariaDBSingleUser")
	app := mariaUser(t, server, admin, "app", pluginEd25519, "127.0.0.1")
	s := newSecret(t, r, app, nil)
	for range 400 {
		if !s.works(s.stages.Current) {
			t.Fatal("rejected")
		}
	}
}
