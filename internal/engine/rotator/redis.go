package rotator

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisServer rotates ACL users of Redis from 6 on and of Valkey. ACL users are each
// server's own: neither replication nor a cluster spreads them, so a secret is for one
// server.
type redisServer struct{}

func (redisServer) defaults(o *Options) {
	o.Password.Length = 20 // AWS's template; ElastiCache wants 16 to 128
}

// check: AWS's template needs no engine, and takes a current secret without a password.
func (redisServer) check(d *document) error {
	if err := d.requireKeys("host", "username"); err != nil {
		return err
	}
	if d.engine != "" && d.engine != "redis" && d.engine != "valkey" {
		return fail(Misconfigured, "Database engine must be set to 'redis' or 'valkey' in order to use this rotation lambda")
	}
	return nil
}

func (redisServer) port() int              { return 6379 }
func (redisServer) weight() int            { return 1 }
func (redisServer) usesMaster() bool       { return true }
func (redisServer) onePassword() bool      { return false }
func (redisServer) usersInDatabases() bool { return false }

func (redisServer) words() words {
	return words{
		previousUser: "Attempting to modify user %s other than previous valid user %s",
		previousHost: "Attempting to modify user for host %s other than previous host %s",
		masterHost:   "Current database host %s is not the same host as master %s",
	}
}

func (redisServer) connect(ctx context.Context, t *target, d *document, config *tls.Config) (session, error) {
	if len(d.password) == 0 {
		// Without one the client would not log in, and be the default user.
		return nil, fail(LoginFailed, "the secret has no password")
	}
	// The connection is there before the client, which would try again and log.
	conn, err := t.dialTLS(ctx, config)
	if errors.Is(err, errNoTLS) {
		return nil, errNoTLS
	}
	if err != nil {
		return nil, t.notConnected(err)
	}
	once := &onceDialer{conn: conn}
	client := redis.NewClient(&redis.Options{
		Addr:     net.JoinHostPort(t.host, strconv.Itoa(t.port)),
		Username: d.username, Password: string(d.password),
		Dialer: once.dial, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		PoolSize: 1, MaxActiveConns: 1, DisableIdentity: true, Protocol: 2,
		// A server cannot have us connect elsewhere.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	s := &redisSession{client, t}
	err = client.Do(ctx, "ACL", "WHOAMI").Err()
	if err == nil || redisDenied(err) {
		return s, nil
	}
	_ = client.Close()
	conn.Close()
	switch {
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"), strings.Contains(err.Error(), "without any password configured"):
		return nil, fail(LoginFailed, "the server rejected the login").because(err)
	}
	if _, ok := errors.AsType[redis.Error](err); ok {
		return nil, fail(Unreachable, "the server takes no login").because(err)
	}
	return nil, t.notConnected(err)
}

// onceDialer hands out a connection that is there already, and no other.
type onceDialer struct {
	mu   sync.Mutex
	conn net.Conn
}

func (d *onceDialer) dial(context.Context, string, string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil, errClosedTarget
	}
	conn := d.conn
	d.conn = nil
	return conn, nil
}

// redisDenied: the user is logged in and may not run a command.
func redisDenied(err error) bool { return redis.HasErrorPrefix(err, "NOPERM") }

func redisRefused(what string, err error) error {
	if _, ok := errors.AsType[redis.Error](err); ok {
		return fail(Refused, "%s", what).because(err)
	}
	return fail(Unreachable, "%s", what).because(err)
}

type redisSession struct {
	client *redis.Client
	t      *target
}

func (s *redisSession) close() {
	_ = s.client.Close()
	s.t.close()
}

// applied: a user with the flag nopass logs in with any password, and a password may be
// set that the server was not told to save. So whoever can look does it all again.
func (s *redisSession) applied(ctx context.Context, docs *documents) (bool, error) {
	if docs.master != nil {
		return false, nil
	}
	_, err := s.hashes(ctx, docs.pending.username)
	switch {
	case err == nil:
		return false, nil
	case redisDenied(err):
		return true, nil
	}
	return false, redisRefused("the user's passwords could not be read", err)
}

// hashes are the SHA-256 of a user's passwords in hex, as ACL GETUSER lists them.
func (s *redisSession) hashes(ctx context.Context, user string) ([]string, error) {
	reply, err := s.client.Do(ctx, "ACL", "GETUSER", user).Slice()
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(reply); i += 2 {
		if reply[i] != "passwords" {
			continue
		}
		list, ok := reply[i+1].([]any)
		if !ok {
			break
		}
		var all []string
		for _, v := range list {
			if hash, ok := v.(string); ok && redisHashForm(hash) {
				all = append(all, hash)
			}
		}
		return all, nil
	}
	return nil, errors.New("the server's answer has no passwords")
}

func redisHashForm(hash string) bool {
	return len(hash) == 2*sha256.Size && strings.Trim(hash, "0123456789abcdef") == ""
}

func redisHash(password []byte) string {
	sum := sha256.Sum256(password)
	return hex.EncodeToString(sum[:])
}

// setOwn makes the pending and the current password the user's only ones, as AWS's
// template does. So the current one goes on working until the rotation after this, and
// one that an abandoned rotation left is gone.
func (s *redisSession) setOwn(ctx context.Context, docs *documents) error {
	user := docs.pending.username
	if len(docs.pending.password) == 0 {
		return fail(Misconfigured, "password key is missing from secret JSON")
	}
	there, err := s.hashes(ctx, user)
	if errors.Is(err, redis.Nil) {
		return fail(Refused, "the server has no user %s", user)
	}
	if err != nil {
		return redisRefused("the user's passwords could not be read", err)
	}
	pending, current := redisHash(docs.pending.password), redisHash(docs.current.password)
	command := []any{"ACL", "SETUSER", user, "#" + pending}
	for _, hash := range there {
		if hash != pending && (hash != current || len(docs.current.password) == 0) {
			command = append(command, "!"+hash)
		}
	}
	if err := s.client.Do(ctx, command...).Err(); err != nil {
		return redisRefused("the password could not be set", err)
	}
	return s.save(ctx)
}

// save makes the server write its users to the file they came from: a restart would
// bring the old password back, and lock out whoever has the new one.
func (s *redisSession) save(ctx context.Context) error {
	const what = "the password is set, but the server could not be told to save it"
	values, err := s.client.ConfigGet(ctx, "aclfile").Result()
	if err != nil {
		return redisRefused(what, err)
	}
	if values["aclfile"] != "" {
		err = s.client.Do(ctx, "ACL", "SAVE").Err()
	} else {
		err = s.client.ConfigRewrite(ctx).Err()
	}
	if err != nil && strings.Contains(err.Error(), "without a config file") {
		return nil // nothing there survives a restart, users included
	}
	if err != nil {
		return redisRefused(what, err)
	}
	return nil
}

// setOther is not reached: Redis has more than one password for a user, so AWS has no
// template with alternating ones.
func (s *redisSession) setOther(ctx context.Context, docs *documents) error {
	return s.setOwn(ctx, docs)
}

// probe: the login was the test; a user who may not run these is logged in as well.
func (s *redisSession) probe(ctx context.Context, pending *document) error {
	if err := s.client.Ping(ctx).Err(); err != nil && !redisDenied(err) {
		return redisRefused("the query of the test failed", err)
	}
	who, err := s.client.Do(ctx, "ACL", "WHOAMI").Text()
	if redisDenied(err) {
		return nil
	}
	if err != nil {
		return redisRefused("the query of the test failed", err)
	}
	if who != pending.username {
		return fail(Refused, "the server takes the login for the user %s", who)
	}
	return nil
}
