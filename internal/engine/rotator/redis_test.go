package rotator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"fastness/test/databases"
)

func redisAdmin(t testing.TB, s *databases.Server, config *tls.Config) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: s.Admin, Password: s.Password, TLSConfig: config, Protocol: 2})
	t.Cleanup(func() { c.Close() })
	return c
}

func redisDo(t testing.TB, c *redis.Client, args ...any) any {
	t.Helper()
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return v
}

func redisUser(t testing.TB, s *databases.Server, admin *redis.Client, name string, rights ...any) doc {
	t.Helper()
	password := "First-of-" + name
	redisDo(t, admin, append([]any{"ACL", "SETUSER", name, "reset", "on", "#" + redisHash([]byte(password))}, rights...)...)
	return doc{"username": name, "user_arn": "arn:aws:elasticache:us-east-1:111122223333:user:u1", "host": s.Host, "port": s.Port, "password": password}
}

func redisMaster(s *databases.Server) doc {
	return doc{"host": s.Host, "port": s.Port, "username": s.Admin, "password": s.Password}
}

func TestRedis(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *databases.Server{"ACL file": databases.Redis, "configuration": databases.RedisWithoutACLFile} {
		for who, rights := range map[string][]any{"own rights": {"+@all"}, "by master": {"~app:*", "+get"}} {
			t.Run(name+", "+who, func(t *testing.T) {
				server := start(t)
				admin := redisAdmin(t, server, &tls.Config{ServerName: server.Host, RootCAs: server.CA})
				r := lookup(t, registryFor(t, server), "SecretsManagerElasticacheUserRotation")
				app := redisUser(t, server, admin, "app", rights...)
				var master doc
				if who == "by master" {
					master = redisMaster(server)
					app["masterarn"] = "arn:master"
				}
				s := newSecret(t, r, app, master)
				var used []string
				for range 4 {
					oldest, old := s.stages.Previous, s.stages.Current
					s.rotate()
					if !s.works(s.stages.Current) || !s.works(old) {
						t.Error("the new password does not work, or the one before it")
					}
					if oldest != nil && s.works(oldest) {
						t.Error("the password before the last one still works")
					}
					used = append(used, s.passwords()...)
					if !strings.Contains(server.Files(t), "#"+redisHash([]byte(parse(t, s.stages.Current)["password"].(string)))) {
						t.Error("the new password is not in the server's files: a restart would lock it out")
					}
				}
				slow := fmt.Sprint(redisDo(t, admin, "SLOWLOG", "GET", "-1"))
				if !strings.Contains(slow, "SETUSER") {
					t.Error("the slow log has no command: it proves nothing")
				}
				holdsNone(t, "the server's logs", server.Log(t)+slow, used...)
				if got := len(parse(t, s.stages.Current)["password"].(string)); got != 20 {
					t.Errorf("a password of %d", got)
				}
			})
		}
	}
}

// Whoever has nopass logs in with any password: that is no proof that it is set.
func TestRedisUserWithoutPassword(t *testing.T) {
	server := databases.Redis(t)
	admin := redisAdmin(t, server, &tls.Config{ServerName: server.Host, RootCAs: server.CA})
	r := lookup(t, registryFor(t, server), "SecretsManagerElasticacheUserRotation")
	s := newSecret(t, r, redisUser(t, server, admin, "app", "+@all", "nopass"), nil)
	s.rotate()
	if s.works(doc{"username": "app", "host": server.Host, "port": server.Port, "password": "wrong"}.json(t)) {
		t.Error("any password still works")
	}
	if !s.works(s.stages.Current) {
		t.Error("the new password does not work")
	}
}

func TestRedisSurvivesBeingKilledAnywhere(t *testing.T) {
	server := databases.Redis(t)
	admin := redisAdmin(t, server, &tls.Config{ServerName: server.Host, RootCAs: server.CA})
	number := 0
	for name, master := range map[string]doc{"own rights": nil, "by master": redisMaster(server)} {
		t.Run(name, func(t *testing.T) {
			r := lookup(t, registryFor(t, server), "SecretsManagerElasticacheUserRotation")
			killedEverywhere(t, func() *secret {
				number++
				rights := []any{"+@all"}
				if master != nil {
					rights = []any{"+get"}
				}
				s := newSecret(t, r, redisUser(t, server, admin, fmt.Sprintf("app%d", number), rights...).with(doc{"masterarn": "arn:master"}), master)
				s.create()
				return s
			}, func(s *secret) {
				if !s.works(s.stages.Pending) || !s.works(s.stages.Current) {
					t.Error("a password does not work")
				}
				if !strings.Contains(server.Files(t), "#"+redisHash([]byte(parse(t, s.stages.Pending)["password"].(string)))) {
					t.Error("the new password is not in the server's files")
				}
			})
		})
	}
}

func TestRedisTLS(t *testing.T) {
	plain := databases.RedisWithoutTLS(t)
	app := redisUser(t, plain, redisAdmin(t, plain, nil), "app", "+@all")
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
			s := newSecret(t, lookup(t, New(c.config), "SecretsManagerElasticacheUserRotation"), app, nil)
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
	secure := databases.Redis(t)
	s := newSecret(t, lookup(t, New(Config{Hosts: hosts(t, "localhost"), AllowPlaintext: true, RootCAs: plain.CA}), "SecretsManagerElasticacheUserRotation"),
		doc{"username": "app", "host": secure.Host, "port": secure.Port, "password": "p"}, nil)
	s.create()
	err := s.rotator.Set(context.Background(), s.stages)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Untrusted {
		t.Errorf("an unknown authority: %v", err)
	}
}

// A secret without a password would log in as the default user.
func TestRedisWithoutAPasswordIsNoLogin(t *testing.T) {
	server := databases.Redis(t)
	admin := redisAdmin(t, server, &tls.Config{ServerName: server.Host, RootCAs: server.CA})
	redisDo(t, admin, "ACL", "SETUSER", "default", "on", "nopass", "+@all")
	app := redisUser(t, server, admin, "app", "+@all")
	delete(app, "password")
	r := lookup(t, registryFor(t, server), "SecretsManagerElasticacheUserRotation")
	s := newSecret(t, r, app, redisMaster(server))
	s.create()
	err := r.Set(context.Background(), s.stages)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != LoginFailed {
		t.Errorf("%v", err)
	}
}
