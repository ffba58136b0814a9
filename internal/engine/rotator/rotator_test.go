package rotator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	registry := New(Config{})
	for _, name := range Names() {
		if r := lookup(t, registry, name); r.Name() != name {
			t.Errorf("%s is named %s", name, r.Name())
		}
	}
	// The names of AWS's repository of templates, and of CloudFormation's user guide.
	for _, name := range []string{
		"SecretsManagerRDSPostgreSQLRotationSingleUser", "SecretsManagerRDSPostgreSQLRotationMultiUser",
		"SecretsManagerRDSMySQLRotationSingleUser", "SecretsManagerRDSMySQLRotationMultiUser",
		"SecretsManagerRDSMariaDBRotationSingleUser", "SecretsManagerRDSMariaDBRotationMultiUser",
		"SecretsManagerMongoDBRotationSingleUser", "SecretsManagerMongoDBRotationMultiUser",
		"SecretsManagerElasticacheUserRotation", "SecretsManagerRotationTemplate",
		"PostgreSQLSingleUser", "PostgreSQLMultiUser", "MySQLSingleUser", "MySQLMultiUser",
		"MariaDBSingleUser", "MariaDBMultiUser", "MongoDBSingleUser", "MongoDBMultiUser",
	} {
		if !slices.Contains(Names(), name) {
			t.Errorf("no %s", name)
		}
	}
	for _, name := range []string{"", "postgresqlsingleuser", "OracleSingleUser", "SecretsManagerRDSOracleRotationSingleUser"} {
		if _, ok := registry.Lookup(name); ok {
			t.Errorf("%q was found", name)
		}
	}
}

func TestCreate(t *testing.T) {
	registry := New(Config{})
	for _, c := range []struct {
		rotator, engine, user string
		limit                 int
		want                  string // the pending user, or an error
	}{
		{"PostgreSQLSingleUser", "postgres", "app", 0, "app"},
		{"PostgreSQLSingleUser", "aurora-postgresql", "app", 0, "app"},
		{"PostgreSQLSingleUser", "mysql", "app", 0, "createSecret: Database engine must be set to 'postgres' in order to use this rotation lambda"},
		{"PostgreSQLMultiUser", "postgres", "app", 0, "app_clone"},
		{"PostgreSQLMultiUser", "postgres", "app_clone", 0, "app"},
		{"PostgreSQLMultiUser", "postgres", "_clone", 0, "createSecret: the user name _clone has nothing before _clone"},
		{"PostgreSQLMultiUser", "postgres", strings.Repeat("x", 57), 0, strings.Repeat("x", 57) + "_clone"},
		{"PostgreSQLMultiUser", "postgres", strings.Repeat("x", 58), 0, "createSecret: Unable to clone user, username length with _clone appended would exceed 63 characters"},
		{"MySQLMultiUser", "mysql", "0123456789", 0, "0123456789_clone"},
		{"MySQLMultiUser", "aurora-mysql", "01234567890", 0, "createSecret: Unable to clone user, username length with _clone appended would exceed 16 characters"},
		{"MySQLMultiUser", "mysql", "01234567890", 32, "01234567890_clone"},
		{"MySQLMultiUser", "mariadb", "app", 0, "createSecret: Database engine must be set to 'mysql' in order to use this rotation lambda"},
		{"MariaDBMultiUser", "mariadb", strings.Repeat("x", 75), 0, "createSecret: Unable to clone user, username length with _clone appended would exceed 80 characters"},
		{"MariaDBMultiUser", "mysql", "app", 0, "createSecret: Database engine must be set to 'mariadb' in order to use this rotation lambda"},
		{"MongoDBMultiUser", "mongo", "app", 0, "app_clone"},
		{"MongoDBSingleUser", "mongodb", "app", 0, "createSecret: Database engine must be set to 'mongo' in order to use this rotation lambda"},
		{"SecretsManagerElasticacheUserRotation", "redis", "app", 0, "app"},
	} {
		r := lookup(t, registry, c.rotator)
		o := r.Defaults()
		if c.limit > 0 {
			o.UsernameLimit = c.limit
		}
		current := doc{"engine": c.engine, "host": "h", "username": c.user, "password": "the old one", "mine": "kept"}
		got, err := r.Create(current.json(t), o)
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%s: %v, want %s", c.rotator, err, c.want)
			}
			continue
		}
		pending := parse(t, got)
		if pending["username"] != c.want || pending["password"] == "the old one" || pending["mine"] != "kept" || pending["host"] != "h" {
			t.Errorf("%s: %s", c.rotator, got)
		}
	}
	for _, key := range []string{"host", "username", "password", "engine"} {
		d := doc{"engine": "postgres", "host": "h", "username": "u", "password": "p"}
		delete(d, key)
		_, err := lookup(t, registry, "PostgreSQLSingleUser").Create(d.json(t), Options{})
		if err == nil || err.Error() != "createSecret: "+key+" key is missing from secret JSON" {
			t.Errorf("without %s: %v", key, err)
		}
	}
}

func TestCreateGeneric(t *testing.T) {
	r := lookup(t, New(Config{}), "SecretsManagerRotationTemplate")
	o := r.Defaults()
	got, err := r.Create([]byte("anything"), o)
	if err != nil || len(got) != 32 || strings.ContainsAny(string(got), `/@"'\`) {
		t.Errorf("%q, %v", got, err)
	}
	o, err = r.Options(map[string]string{"JSON_FIELD": "token", "PASSWORD_LENGTH": "10", "EXCLUDE_PUNCTUATION": "yes", "AWS_REGION": "x"})
	if err != nil {
		t.Fatal(err)
	}
	got, err = r.Create([]byte(`{"a":1,"token":"old"}`), o)
	if d := parse(t, got); err != nil || len(d["token"].(string)) != 10 || d["a"] != 1.0 {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := r.Create([]byte("no JSON"), o); err == nil {
		t.Error("a field of no document was replaced")
	}
	in := Rotation{Current: []byte("x"), Pending: got}
	if err := errors.Join(r.Set(context.Background(), in), r.Test(context.Background(), in)); err != nil {
		t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	registry := New(Config{})
	for name, want := range map[string]Password{
		"PostgreSQLSingleUser":                  {Length: 32, ExcludeCharacters: `:/@"'\`, RequireEachIncludedType: true},
		"MySQLMultiUser":                        {Length: 32, ExcludeCharacters: `/@"'\`, RequireEachIncludedType: true},
		"SecretsManagerElasticacheUserRotation": {Length: 20, ExcludeCharacters: `/@"'\`, RequireEachIncludedType: true},
		"SecretsManagerRotationTemplate":        {Length: 32, ExcludeCharacters: `/@"'\`, RequireEachIncludedType: true},
	} {
		if got := lookup(t, registry, name).Defaults().Password; got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	r := lookup(t, registry, "MySQLMultiUser")
	got, err := r.Options(map[string]string{"EXCLUDE_CHARACTERS": "", "PASSWORD_LENGTH": "64", "EXCLUDE_NUMBERS": "1", "EXCLUDE_UPPERCASE": "Y", "EXCLUDE_LOWERCASE": "no",
		"REQUIRE_EACH_INCLUDED_TYPE": "false", "USERNAME_CHARACTER_LIMIT": "32", "SET_ROLE": "true"})
	if want := (Options{Password: Password{Length: 64, ExcludeNumbers: true, ExcludeUppercase: true}, UsernameLimit: 32, SetRole: true}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []map[string]string{{"PASSWORD_LENGTH": "0"}, {"PASSWORD_LENGTH": "x"}, {"PASSWORD_LENGTH": "4097"}, {"USERNAME_CHARACTER_LIMIT": "-1"}} {
		if _, err := r.Options(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestMasterARN(t *testing.T) {
	registry := New(Config{})
	for _, c := range []struct {
		rotator string
		d       doc
		want    string
		fails   bool
	}{
		{"PostgreSQLSingleUser", doc{"engine": "postgres", "masterarn": "arn:m"}, "", false},
		{"PostgreSQLMultiUser", doc{"engine": "postgres", "masterarn": "arn:m"}, "arn:m", false},
		{"PostgreSQLMultiUser", doc{"engine": "postgres"}, "", true},
		{"SecretsManagerElasticacheUserRotation", doc{"masterarn": "arn:m"}, "arn:m", false},
		{"SecretsManagerElasticacheUserRotation", doc{}, "", false},
		{"SecretsManagerRotationTemplate", doc{"masterarn": "arn:m"}, "", false},
	} {
		got, err := lookup(t, registry, c.rotator).MasterARN(c.d.with(doc{"host": "h", "username": "u", "password": "p"}).json(t))
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %q, %v", c.rotator, got, err)
		}
	}
}

// The guards of AWS's templates, in their words. Logins are played by fakes: what a
// document may do is decided before a server is asked.
func TestGuards(t *testing.T) {
	app := doc{"engine": "postgres", "host": "db1", "username": "app", "password": "1"}
	const arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf"
	for _, c := range []struct {
		name                       string
		server                     server
		strategy                   strategy
		current, pending, previous doc
		master                     doc
		accepts                    string // the password that logs in
		want                       string
		sets                       bool
	}{
		{"another user", postgreSQL{}, singleUser, app, app.with(doc{"username": "root", "password": "2"}), nil, nil, "1", "Attempting to modify user root other than current user app", false},
		{"another host", postgreSQL{}, singleUser, app, app.with(doc{"host": "db2", "password": "2"}), nil, nil, "1", "Attempting to modify user for host db2 other than current host db1", false},
		{"the previous user was another", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), app.with(doc{"username": "old", "password": "0"}), nil, "0", "Attempting to modify user app other than previous valid user old", false},
		{"the previous user was another, in MariaDB", mySQL{mariaDB: true}, singleUser, app.with(doc{"engine": "mariadb"}), app.with(doc{"engine": "mariadb", "password": "2"}), app.with(doc{"engine": "mariadb", "username": "old", "password": "0"}), nil, "0", "Attempting to modify user app other than last valid user old", false},
		{"the previous host was another", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), app.with(doc{"host": "db0", "password": "0"}), nil, "0", "Attempting to modify user for host db1 other than current previous valid db0", false},
		{"the previous host was another, in MySQL", mySQL{}, singleUser, app.with(doc{"engine": "mysql"}), app.with(doc{"engine": "mysql", "password": "2"}), app.with(doc{"engine": "mysql", "host": "db0", "password": "0"}), nil, "0", "Attempting to modify user for host db1 other than previous host db0", false},
		{"nobody", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), app.with(doc{"password": "0"}), nil, "?", "Unable to log into database with previous, current, or pending secret of secret arn " + arn, false},
		{"current", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), nil, nil, "1", "", true},
		{"previous", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), app.with(doc{"password": "0"}), nil, "0", "", true},
		{"pending", postgreSQL{}, singleUser, app, app.with(doc{"password": "2"}), nil, nil, "2", "", false},

		{"no clone", postgreSQL{}, alternating, app, app.with(doc{"username": "root", "password": "2"}), nil, app, "1", "Attempting to modify user root other than current user or clone app", false},
		{"a clone elsewhere", postgreSQL{}, alternating, app, app.with(doc{"username": "app_clone", "host": "db2", "password": "2"}), nil, app, "1", "Attempting to modify user for host db2 other than current host db1", false},
		{"current does not work", postgreSQL{}, alternating, app, app.with(doc{"username": "app_clone", "password": "2"}), nil, app.with(doc{"password": "m"}), "m", "Unable to log into database using current credentials for secret " + arn, false},
		{"the master is elsewhere", postgreSQL{}, alternating, app, app.with(doc{"username": "app_clone", "password": "2"}), nil, app.with(doc{"host": "db2"}), "1", "Current database host db1 is not the same host as/rds replica of master db2", false},
		{"the master is elsewhere, in MongoDB", mongoDB{}, alternating, app.with(doc{"engine": "mongo"}), app.with(doc{"engine": "mongo", "username": "app_clone", "password": "2"}), nil, app.with(doc{"engine": "mongo", "host": "db2"}), "1", "Current database host db1 is not the same host as master db2", false},
		{"the master does not work", postgreSQL{}, alternating, app.with(doc{"masterarn": "arn:m"}), app.with(doc{"username": "app_clone", "password": "2"}), nil, app.with(doc{"password": "m"}), "1", "Unable to log into database using credentials in master secret arn:m", false},
		{"no master", postgreSQL{}, alternating, app.with(doc{"masterarn": "arn:m"}), app.with(doc{"username": "app_clone", "password": "2"}), nil, nil, "1", "the rotation needs the master secret arn:m", false},
		{"alternating", postgreSQL{}, alternating, app, app.with(doc{"username": "app_clone", "password": "2"}), nil, app.with(doc{"username": "admin"}), "1", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeServer{server: c.server, accepts: c.accepts}
			registry := New(Config{Hosts: hosts(t, "db0", "db1", "db2"), Resolver: &answers{[][]netipAddr{{testAddr}}}})
			r := &Rotator{registry: registry, kind: kind{fake, c.strategy}}
			s := newSecret(t, r, c.current, c.master)
			s.stages.Pending = c.pending.json(t)
			if c.previous != nil {
				s.stages.Previous = c.previous.json(t)
			}
			err := r.Set(context.Background(), s.stages)
			e, _ := errors.AsType[*Error](err)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (e == nil || e.Message != c.want || e.Step != "setSecret"):
				t.Errorf("%v, want %s", err, c.want)
			}
			if fake.sets != c.sets {
				t.Errorf("set: %v", fake.sets)
			}
			if fake.open != 0 || len(registry.slots.hosts) != 0 {
				t.Errorf("%d sessions, %d hosts are left open", fake.open, len(registry.slots.hosts))
			}
		})
	}
}

// Each login costs a connection, and a failed one a line in the server's log.
func TestPasswordsAreTriedInOrderAndOnce(t *testing.T) {
	app := doc{"host": "db1", "username": "app", "password": "current"}
	for _, c := range []struct {
		name            string
		server          server
		engine, accepts string
		want            []string
	}{
		{"one password, the usual case", postgreSQL{}, "postgres", "current", []string{"current"}},
		{"one password, set before", postgreSQL{}, "postgres", "pending", []string{"current", "pending"}},
		{"one password, the previous one", postgreSQL{}, "postgres", "previous", []string{"current", "pending", "previous"}},
		{"several passwords, the usual case", mySQL{}, "mysql", "current", []string{"pending", "current"}},
		{"several passwords, set before", mySQL{}, "mysql", "pending", []string{"pending"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeServer{server: c.server, accepts: c.accepts}
			registry := New(Config{Hosts: hosts(t, "db1"), Resolver: &answers{[][]netipAddr{{testAddr}}}})
			r := &Rotator{registry: registry, kind: kind{fake, singleUser}}
			current := app.with(doc{"engine": c.engine})
			s := newSecret(t, r, current, nil)
			s.stages.Pending, s.stages.Previous = current.with(doc{"password": "pending"}).json(t), current.with(doc{"password": "previous"}).json(t)
			if err := r.Set(t.Context(), s.stages); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(fake.tried, c.want) {
				t.Errorf("tried %v, want %v", fake.tried, c.want)
			}
		})
	}
}

// What a server says may hold what we sent.
func TestErrorsHoldNoSecret(t *testing.T) {
	secret := "s3cret-of-app"
	err := stepError(context.Background(), stepSet, fail(Refused, "the password could not be set").because(fmt.Errorf("near '%s'\n\x1b[31m", secret)), []byte(secret))
	if strings.Contains(err.Error(), secret) || err.Reason != Refused || !strings.HasPrefix(err.Error(), "setSecret: the password could not be set: ") {
		t.Errorf("%v", err)
	}
	err = stepError(context.Background(), stepSet, fail(Refused, "no").because(errors.New("two\nlines \x1b[31m"+strings.Repeat("x", 1000))))
	if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 400 {
		t.Errorf("%q", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the rotation was canceled"))
	if err := stepError(ctx, stepTest, errors.New("i/o timeout")); err.Reason != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for r := Misconfigured; r <= Canceled; r++ {
		if r.String() == "unknown" {
			t.Errorf("reason %d has no name", r)
		}
	}
}
