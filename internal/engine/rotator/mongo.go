package rotator

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoDB rotates users of MongoDB, of DocumentDB, and of what speaks their protocol.
// The server derives the SCRAM verifiers itself, so createUser and updateUser hold the
// password; it redacts both in its log. The host must be the primary or a mongos: other
// members of a replica set, whatever their names, are not connected to.
type mongoDB struct{}

func (mongoDB) defaults(o *Options) { o.UsernameLimit = maxNameBytes }

func (mongoDB) check(d *document) error {
	if d.engine != "mongo" {
		return fail(Misconfigured, "Database engine must be set to 'mongo' in order to use this rotation lambda")
	}
	return d.requireKeys("host", "username", "password")
}

func (mongoDB) port() int { return 27017 }

// weight: the driver watches the server on a connection of its own.
func (mongoDB) weight() int            { return 2 }
func (mongoDB) usesMaster() bool       { return false }
func (mongoDB) onePassword() bool      { return false }
func (mongoDB) usersInDatabases() bool { return true }

func (mongoDB) words() words {
	return words{
		previousUser: "Attempting to modify user %s other than previous valid user %s",
		previousHost: "Attempting to modify user for host %s other than previous host %s",
		masterHost:   "Current database host %s is not the same host as master %s",
	}
}

func (d *document) mongoDatabase() string {
	if d.dbname == "" {
		return "admin"
	}
	return d.dbname
}

func (mongoDB) connect(ctx context.Context, t *target, d *document, config *tls.Config) (session, error) {
	bounded, stop := context.WithCancel(ctx)
	defer stop()
	dialer := &dialer{t: t, config: config, stop: stop}
	o := options.Client().
		SetHosts([]string{net.JoinHostPort(t.host, strconv.Itoa(t.port))}).
		SetDirect(true). // else the server's word on who its members are is followed
		SetDialer(dialer).
		SetAuth(options.Credential{AuthSource: d.mongoDatabase(), Username: d.username, Password: string(d.password), PasswordSet: true}).
		SetAppName("fastness").
		SetMaxPoolSize(1).
		SetServerMonitoringMode(options.ServerMonitoringModePoll).
		SetHeartbeatInterval(time.Minute).
		SetConnectTimeout(connectTimeout).
		SetServerSelectionTimeout(connectTimeout).
		SetRetryReads(false).
		SetRetryWrites(false)
	if fips140.Enforced() {
		o.Auth.AuthMechanism = "SCRAM-SHA-256" // else the server may choose SHA-1, which panics
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fail(Misconfigured, "the driver takes no such connection")
	}
	s := &mongoSession{client: client, t: t, database: d.mongoDatabase()}
	// Commands on the user's own database need the login; ping needs no right.
	if err = client.Database(s.database).RunCommand(bounded, bson.D{{Key: "ping", Value: 1}}).Err(); err == nil {
		return s, nil
	}
	s.disconnect()
	if dialled := dialer.failed(); dialled != nil {
		if errors.Is(dialled, errNoTLS) {
			return nil, errNoTLS
		}
		return nil, t.notConnected(dialled)
	}
	if mongoRejected(err) {
		return nil, fail(LoginFailed, "the server rejected the login").because(mongoSaid(err))
	}
	return nil, t.notConnected(mongoSaid(err))
}

// mongoAuthenticationFailed is the server's error code for any login that is wrong.
const mongoAuthenticationFailed = 18

func mongoRejected(err error) bool {
	if said, ok := errors.AsType[mongo.CommandError](err); ok && said.Code == mongoAuthenticationFailed {
		return true
	}
	// The driver's error of a handshake does not unwrap to a CommandError.
	return strings.Contains(err.Error(), "AuthenticationFailed")
}

// mongoSaid keeps the server's words and drops the driver's, which can quote commands.
func mongoSaid(err error) error {
	if said, ok := errors.AsType[mongo.CommandError](err); ok && said.Message != "" {
		return errors.New(said.Message + " (" + said.Name + ")")
	}
	return err
}

func mongoRefused(what string, err error) error {
	if said, ok := errors.AsType[mongo.CommandError](err); ok && !said.HasErrorLabel("NetworkError") {
		return fail(Refused, "%s", what).because(mongoSaid(err))
	}
	return fail(Unreachable, "%s", what).because(err)
}

type mongoSession struct {
	client   *mongo.Client
	t        *target
	database string
}

func (s *mongoSession) disconnect() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	_ = s.client.Disconnect(ctx)
}

func (s *mongoSession) close() {
	s.disconnect()
	s.t.close()
}

// applied: the driver logs in by SCRAM, in which the server proves that it has the
// password's verifier.
func (s *mongoSession) applied(context.Context, *documents) (bool, error) { return true, nil }

func (s *mongoSession) command(ctx context.Context, database string, command bson.D, into any) error {
	result := s.client.Database(database).RunCommand(ctx, command)
	if into == nil {
		return result.Err()
	}
	return result.Decode(into)
}

func (s *mongoSession) probe(ctx context.Context, pending *document) error {
	if err := s.command(ctx, pending.mongoDatabase(), bson.D{{Key: "usersInfo", Value: pending.username}}, nil); err != nil {
		return mongoRefused("the query of the test failed", err)
	}
	return nil
}

func (s *mongoSession) setOwn(ctx context.Context, docs *documents) error {
	return s.update(ctx, docs.pending)
}

func (s *mongoSession) update(ctx context.Context, pending *document) error {
	err := s.command(ctx, pending.mongoDatabase(), bson.D{{Key: "updateUser", Value: pending.username}, {Key: "pwd", Value: string(pending.password)}}, nil)
	if err != nil {
		return mongoRefused("the password could not be set", err)
	}
	return nil
}

// mongoUsers is the answer of usersInfo. Roles are handed on as they are.
type mongoUsers struct {
	Users []struct {
		Roles bson.A `bson:"roles"`
	} `bson:"users"`
}

// setOther creates the user with roles and password at once.
func (s *mongoSession) setOther(ctx context.Context, docs *documents) error {
	database := docs.pending.mongoDatabase()
	var found mongoUsers
	if err := s.command(ctx, database, bson.D{{Key: "usersInfo", Value: docs.pending.username}}, &found); err != nil {
		return mongoRefused("the user could not be read", err)
	}
	if len(found.Users) > 0 {
		return s.update(ctx, docs.pending)
	}
	if err := s.command(ctx, docs.current.mongoDatabase(), bson.D{{Key: "usersInfo", Value: docs.current.username}}, &found); err != nil {
		return mongoRefused("the user could not be read", err)
	}
	if len(found.Users) != 1 {
		return fail(Refused, "the server has no user %s", docs.current.username)
	}
	roles := found.Users[0].Roles
	if roles == nil {
		roles = bson.A{}
	}
	err := s.command(ctx, database, bson.D{
		{Key: "createUser", Value: docs.pending.username},
		{Key: "pwd", Value: string(docs.pending.password)},
		{Key: "roles", Value: roles},
	}, nil)
	if err != nil {
		return mongoRefused("the user could not be created", err)
	}
	return nil
}
