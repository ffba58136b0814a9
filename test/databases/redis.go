package databases

import (
	"strconv"
	"testing"
)

// Redis starts a server that logs at its level debug and keeps every command in its slow
// log. Users are in an ACL file. settings are further lines of redis.conf.
func Redis(t testing.TB, settings ...string) *Server {
	t.Helper()
	return startRedis(t, true, true, settings)
}

// RedisWithoutTLS starts a server that knows no TLS.
func RedisWithoutTLS(t testing.TB, settings ...string) *Server {
	t.Helper()
	return startRedis(t, true, false, settings)
}

// RedisWithoutACLFile starts a server whose users are in redis.conf.
func RedisWithoutACLFile(t testing.TB, settings ...string) *Server {
	t.Helper()
	return startRedis(t, false, true, settings)
}

func startRedis(t testing.TB, aclFile, tls bool, settings []string) *Server {
	t.Helper()
	redis := program(t, "redis-server", "redis-server", "/usr/bin/redis-server")
	h, s := newHost(t)
	admin := "user " + s.Admin + " on >" + s.Password + " ~* &* +@all\n"
	config := "bind 127.0.0.1\ndir " + h.dir + "\nloglevel debug\nslowlog-log-slower-than 0\nslowlog-max-len 10000\nsave \"\"\n"
	if tls {
		config += "port 0\ntls-port " + strconv.Itoa(s.Port) + "\ntls-auth-clients no\n" +
			"tls-cert-file " + h.path("server.pem") + "\ntls-key-file " + h.path("server.key") + "\ntls-ca-cert-file " + h.path("ca.pem") + "\n"
	} else {
		config += "port " + strconv.Itoa(s.Port) + "\n"
	}
	if aclFile {
		config += "aclfile " + h.write("users.acl", "user default off\n"+admin) + "\n"
	} else {
		config += "user default off\n" + admin
	}
	for _, line := range settings {
		config += line + "\n"
	}
	s.files = []string{h.write("redis.conf", config)}
	if aclFile {
		s.files = append(s.files, h.path("users.acl"))
	}
	h.start(s, s.listening, redis, h.path("redis.conf"))
	return s
}
