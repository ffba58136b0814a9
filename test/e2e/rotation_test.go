package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"fastness/test/databases"
)

// agreement is how long after a restart secret and database may disagree.
const agreement = 10 * time.Second

// trySecrets calls a Secrets Manager operation.
func (s *server) trySecrets(operation string, in object) (object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	status, answer, err := s.send(s.key, "secretsmanager", "secretsmanager."+operation, "application/x-amz-json-1.1", body)
	if err != nil {
		return nil, err
	}
	out := object{}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("%s: %d: %w", operation, status, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %v: %v", operation, status, out["__type"], out["Message"])
	}
	return out, nil
}

func (s *server) secretsManager(t testing.TB, operation string, in object) object {
	t.Helper()
	out, err := s.trySecrets(operation, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// engine is a kind of database server, and how the tests work with it.
type engine struct {
	name     string // in secrets
	start    func(t testing.TB) *databases.Server
	single   string // template names
	multi    string // empty: none
	oldWorks bool   // with a single user, after one rotation
	// create makes a user, with what the admin does; login tries one.
	create func(ctx context.Context, d *databases.Server, user, password string) error
	login  func(ctx context.Context, d *databases.Server, user, password string) error
}

func engines() []engine {
	return []engine{
		{
			name: "postgres", start: func(t testing.TB) *databases.Server { return databases.PostgreSQL(t) },
			single: "SecretsManagerRDSPostgreSQLRotationSingleUser", multi: "SecretsManagerRDSPostgreSQLRotationMultiUser",
			create: func(ctx context.Context, d *databases.Server, user, password string) error {
				return postgresDo(ctx, d, d.Admin, d.Password, "CREATE ROLE "+user+" LOGIN PASSWORD '"+password+"'")
			},
			login: func(ctx context.Context, d *databases.Server, user, password string) error {
				return postgresDo(ctx, d, user, password, "SELECT now()")
			},
		},
		{
			name: "mariadb", start: func(t testing.TB) *databases.Server { return databases.MariaDB(t) },
			single: "SecretsManagerRDSMariaDBRotationSingleUser", multi: "SecretsManagerRDSMariaDBRotationMultiUser",
			create: func(ctx context.Context, d *databases.Server, user, password string) error {
				return mysqlDo(ctx, d, d.Admin, d.Password, "CREATE USER "+user+"@'%' IDENTIFIED BY '"+password+"'")
			},
			login: func(ctx context.Context, d *databases.Server, user, password string) error {
				return mysqlDo(ctx, d, user, password, "SELECT now()")
			},
		},
		{
			name: "redis", start: func(t testing.TB) *databases.Server { return databases.Redis(t) },
			single: "SecretsManagerElasticacheUserRotation", oldWorks: true,
			create: func(ctx context.Context, d *databases.Server, user, password string) error {
				return redisDo(ctx, d, d.Admin, d.Password, "ACL", "SETUSER", user, "on", ">"+password, "~*", "+@all")
			},
			login: func(ctx context.Context, d *databases.Server, user, password string) error {
				return redisDo(ctx, d, user, password, "PING")
			},
		},
	}
}

func postgresConnect(ctx context.Context, d *databases.Server, user, password string) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d dbname=postgres sslmode=verify-full sslrootcert=%s", d.Host, d.Port, d.CAFile))
	if err != nil {
		return nil, err
	}
	c.User, c.Password = user, password
	return pgx.ConnectConfig(ctx, c)
}

func postgresDo(ctx context.Context, d *databases.Server, user, password, statement string) error {
	conn, err := postgresConnect(ctx, d, user, password)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func mysqlDo(ctx context.Context, d *databases.Server, user, password, statement string) error {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", d.Addr(), user, password
	c.TLS = &tls.Config{RootCAs: d.CA, ServerName: d.Host, MinVersion: tls.VersionTLS12}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func redisDo(ctx context.Context, d *databases.Server, user, password string, command ...any) error {
	c := redis.NewClient(&redis.Options{
		Addr: d.Addr(), Username: user, Password: password, Protocol: 2, MaxRetries: -1,
		TLSConfig: &tls.Config{RootCAs: d.CA, ServerName: d.Host, MinVersion: tls.VersionTLS12},
	})
	defer c.Close()
	return c.Do(ctx, command...).Err()
}

// rotated is a secret for a user of a database.
type rotated struct {
	*engine
	*server
	db     *databases.Server
	secret string   // ARN
	seen   []string // passwords
}

// function is the ARN of a built-in rotation function.
func function(name string) string {
	return "arn:aws:lambda:us-east-1:000000000000:function:" + name
}

// newRotated makes a user and a secret for it. The password the test makes is logged by
// the server, the test's CREATE names it; it is not among those that must not be.
func newRotated(t testing.TB, s *server, e *engine, d *databases.Server, user string, more object) *rotated {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if err := e.create(ctx, d, user, "First-of-"+user); err != nil {
		t.Fatal(err)
	}
	value := object{"engine": e.name, "host": d.Host, "port": d.Port, "username": user, "password": "First-of-" + user, "ssl": true}
	if e.name == "postgres" {
		value["dbname"] = "postgres"
	}
	for k, v := range more {
		value[k] = v
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	out := s.secretsManager(t, "CreateSecret", object{"Name": user, "ClientRequestToken": uuid(), "SecretString": string(text)})
	return &rotated{engine: e, server: s, db: d, secret: out["ARN"].(string)}
}

func uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", rand.Uint32(), rand.Uint32N(1<<16), rand.Uint32N(1<<12), rand.Uint32N(1<<12), rand.Uint64N(1<<48))
}

// value is what the secret says under a label.
func (r *rotated) value(t testing.TB, stage string) (user, password string) {
	t.Helper()
	out := r.secretsManager(t, "GetSecretValue", object{"SecretId": r.secret, "VersionStage": stage})
	var v struct{ Username, Password string }
	if err := json.Unmarshal([]byte(out["SecretString"].(string)), &v); err != nil {
		t.Fatal(err)
	}
	return v.Username, v.Password
}

// rotate rotates with a function, and waits until that has ended well.
func (r *rotated) rotate(t testing.TB, name string) {
	t.Helper()
	token := uuid()
	r.secretsManager(t, "RotateSecret", object{"SecretId": r.secret, "ClientRequestToken": token, "RotationLambdaARN": function(name)})
	r.until(t, patience, func(labels map[string]any) bool {
		return slices.Contains(asStrings(labels[token]), "AWSCURRENT") && !isPending(labels)
	})
	_, password := r.value(t, "AWSCURRENT")
	r.seen = append(r.seen, password)
}

func asStrings(v any) (all []string) {
	list, _ := v.([]any)
	for _, s := range list {
		all = append(all, s.(string))
	}
	return all
}

func isPending(labels map[string]any) bool {
	for _, l := range labels {
		if slices.Contains(asStrings(l), "AWSPENDING") {
			return true
		}
	}
	return false
}

// until asks for the labels of the secret until they are as they should be.
func (r *rotated) until(t testing.TB, limit time.Duration, done func(labels map[string]any) bool) {
	t.Helper()
	deadline := time.After(limit)
	// Each question is an audit record that the disk has to take.
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		out := r.secretsManager(t, "DescribeSecret", object{"SecretId": r.secret})
		labels, _ := out["VersionIdsToStages"].(map[string]any)
		if done(labels) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the rotation has not ended: %v\n%s", labels, r.server.log)
		case <-ticker.C:
		}
	}
}

// opens fails unless a user can log in, or cannot.
func (r *rotated) opens(t testing.TB, user, password string, want bool) {
	t.Helper()
	err := r.login(context.WithoutCancel(t.Context()), r.db, user, password)
	if (err == nil) != want {
		t.Errorf("%s: login of %s: %v, want it to work: %v", r.name, user, err, want)
	}
}

// silent fails if a log holds a password that a rotation made. The first one, which the test
// put into its CREATE, is none of them, and is still there if a rotation was killed early.
func (r *rotated) silent(t testing.TB) {
	t.Helper()
	logs := map[string]string{"the database's log": r.db.Log(t), "the server's log": r.server.log.String()}
	for where, text := range logs {
		for _, password := range r.seen {
			if !strings.HasPrefix(password, "First-of-") && strings.Contains(text, password) {
				t.Errorf("%s holds a password", where)
			}
		}
	}
}

// withDatabases starts the databases and an installation that may rotate in them.
func withDatabases(t testing.TB, e ...engine) (i *installation, all []*databases.Server, flags []string) {
	t.Helper()
	var pem []byte
	for n := range e {
		d := e[n].start(t)
		all = append(all, d)
		ca, err := os.ReadFile(d.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pem = append(pem, ca...)
	}
	i = newInstallation(t)
	if err := os.WriteFile(i.path("databases.pem"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Fatal("no certificates")
	}
	return i, all, []string{"--rotation-allow-hosts", "localhost,127.0.0.1", "--rotation-ca", i.path("databases.pem")}
}

func TestRotationInRealDatabases(t *testing.T) {
	t.Parallel()
	all := engines()
	i, servers, flags := withDatabases(t, all...)
	s := i.serve(t, flags...)
	for n := range all {
		e, d := &all[n], servers[n]
		r := newRotated(t, s, e, d, "single_"+e.name, nil)
		for range 3 {
			user, old := r.value(t, "AWSCURRENT")
			r.rotate(t, e.single)
			now, password := r.value(t, "AWSCURRENT")
			if now != user || password == old {
				t.Errorf("%s: the user went from %s to %s, its password is another one: %v", e.name, user, now, password != old)
			}
			r.opens(t, now, password, true)
			r.opens(t, user, old, e.oldWorks)
		}
		r.silent(t)
		if e.multi == "" {
			continue
		}
		master := s.secretsManager(t, "CreateSecret", object{"Name": "master-" + e.name, "ClientRequestToken": uuid(), "SecretString": mustJSON(t, object{
			"engine": e.name, "host": d.Host, "port": d.Port, "username": d.Admin, "password": d.Password, "dbname": map[bool]any{true: "postgres"}[e.name == "postgres"],
		})})["ARN"].(string)
		a := newRotated(t, s, e, d, "pair_"+e.name, object{"masterarn": master})
		s.secretsManager(t, "PutResourcePolicy", object{"SecretId": master, "ResourcePolicy": mustJSON(t, object{
			"Version": "2012-10-17", "Statement": object{
				"Effect": "Allow", "Principal": object{"Service": "secretsmanager.amazonaws.com"}, "Action": "secretsmanager:GetSecretValue",
				"Resource": "*", "Condition": object{"StringEquals": object{"aws:SourceArn": a.secret}},
			},
		})})
		for n := range 4 {
			user, old := a.value(t, "AWSCURRENT")
			a.rotate(t, e.multi)
			now, password := a.value(t, "AWSCURRENT")
			if want := "pair_" + e.name + []string{"_clone", ""}[n%2]; now != want {
				t.Errorf("%s: rotation %d: user %s, want %s", e.name, n, now, want)
			}
			a.opens(t, now, password, true)
			a.opens(t, user, old, true) // its turn has not come
		}
		a.silent(t)
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRotationSurvivesKills kills the server with kill -9 somewhere in a rotation, again
// and again (FASTNESS_ROTATION_KILLS times; make soak: 50). Each time, secret and database
// agree soon after the restart, and nothing is left half done.
func TestRotationSurvivesKills(t *testing.T) {
	t.Parallel()
	kills := 6
	if text := os.Getenv("FASTNESS_ROTATION_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	all := engines()
	i, servers, flags := withDatabases(t, all...)
	s := i.serve(t, flags...)
	var secrets []*rotated
	for n := range all {
		secrets = append(secrets, newRotated(t, s, &all[n], servers[n], "app_"+all[n].name, nil))
	}
	slowest := time.Duration(0)
	for n := range kills {
		r := secrets[n%len(secrets)]
		acknowledged := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := s.trySecrets("RotateSecret", object{"SecretId": r.secret, "ClientRequestToken": uuid(), "RotationLambdaARN": function(r.single)})
			acknowledged <- err
		}()
		wait := time.Duration(rand.Int64N(int64(150 * time.Millisecond)))
		<-time.After(wait)
		s.kill(t)
		<-acknowledged // either way: it happened in full, or not at all
		killed := time.Since(began)
		s = i.serve(t, flags...)
		began = time.Now()
		for _, each := range secrets {
			each.server = s
		}
		r.until(t, agreement, func(labels map[string]any) bool { return !isPending(labels) })
		user, password := r.value(t, "AWSCURRENT")
		r.opens(t, user, password, true)
		r.seen = append(r.seen, password)
		slowest = max(slowest, time.Since(began))
		if t.Failed() {
			t.Fatalf("kill %d, %v after the call, in %s", n, killed, r.name)
		}
	}
	for _, r := range secrets {
		r.silent(t)
	}
	t.Logf("%d kills, agreement after at most %v", kills, slowest)
}

// BenchmarkPostgreSQLRotation is a rotation from the call of RotateSecret to its LastRotatedDate, when the new
// version becomes current: a sync, some milliseconds, before a client can see it.
func BenchmarkPostgreSQLRotation(b *testing.B) {
	all := engines()[:1]
	i, servers, flags := withDatabases(b, all...)
	s := i.serve(b, flags...)
	r := newRotated(b, s, &all[0], servers[0], "app", nil)
	r.rotate(b, all[0].single)
	var took []time.Duration
	for b.Loop() {
		token, began := uuid(), time.Now()
		s.secretsManager(b, "RotateSecret", object{"SecretId": r.secret, "ClientRequestToken": token, "RotationLambdaARN": function(all[0].single)})
		// Who asks all the time has the disk take a record of each question, beside those of the rotation.
		var out map[string]any
		for ask := time.NewTicker(20 * time.Millisecond); ; {
			<-ask.C
			out = s.secretsManager(b, "DescribeSecret", object{"SecretId": r.secret})
			labels, _ := out["VersionIdsToStages"].(map[string]any)
			if slices.Contains(asStrings(labels[token]), "AWSCURRENT") && !isPending(labels) {
				ask.Stop()
				break
			}
		}
		seconds, ok := out["LastRotatedDate"].(float64)
		if !ok {
			b.Fatalf("LastRotatedDate is %v", out["LastRotatedDate"])
		}
		took = append(took, time.UnixMilli(int64(seconds*1000)).Sub(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
}

// BenchmarkPostgreSQLRotationsAtOnce is 100 secrets of one server, all rotated at once: how
// long until the last has ended, and the most connections that the server has seen.
func BenchmarkPostgreSQLRotationsAtOnce(b *testing.B) {
	const secrets = 100
	all := engines()[:1]
	i, servers, flags := withDatabases(b, all...)
	s := i.serve(b, flags...)
	rotated := make([]*rotated, secrets)
	for n := range rotated {
		rotated[n] = newRotated(b, s, &all[0], servers[0], fmt.Sprintf("app%d", n), nil)
	}
	watch, err := postgresConnect(b.Context(), servers[0], servers[0].Admin, servers[0].Password)
	if err != nil {
		b.Fatal(err)
	}
	defer watch.Close(context.WithoutCancel(b.Context()))
	ctx, stop := context.WithCancel(b.Context())
	most := make(chan int, 1)
	go func() {
		seen := 0
		for ctx.Err() == nil {
			var n int
			if watch.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fastness'").Scan(&n) == nil {
				seen = max(seen, n)
			}
		}
		most <- seen
	}()
	for b.Loop() {
		tokens := make([]string, secrets)
		for n, r := range rotated {
			tokens[n] = uuid()
			s.secretsManager(b, "RotateSecret", object{"SecretId": r.secret, "ClientRequestToken": tokens[n], "RotationLambdaARN": function(r.single)})
		}
		for n, r := range rotated {
			r.until(b, patience, func(labels map[string]any) bool {
				return slices.Contains(asStrings(labels[tokens[n]]), "AWSCURRENT") && !isPending(labels)
			})
		}
	}
	stop()
	connections := <-most
	if connections > 16 {
		b.Errorf("%d connections at once, more than 16", connections)
	}
	b.ReportMetric(float64(connections), "connections")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/secrets, "ms/rotation")
}
