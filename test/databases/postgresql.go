package databases

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// PostgreSQL starts a server that logs every statement, and passwords over TCP by
// SCRAM. settings are further lines of postgresql.conf, such as "ssl = off".
func PostgreSQL(t testing.TB, settings ...string) *Server {
	t.Helper()
	postgres := program(t, "postgresql", "/usr/lib/postgresql/*/bin/postgres", "postgres")
	if resolved, err := filepath.EvalSymlinks(postgres); err == nil {
		postgres = resolved
	}
	h, s := newHost(t)
	pwfile := h.write("pw", s.Password+"\n")
	h.run(filepath.Join(filepath.Dir(postgres), "initdb"), "--pgdata="+h.path("data"), "--username="+s.Admin,
		"--pwfile="+pwfile, "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
	config := "port = " + strconv.Itoa(s.Port) + `
listen_addresses = 'localhost'
unix_socket_directories = ''
ssl = on
ssl_cert_file = '` + h.path("server.pem") + `'
ssl_key_file = '` + h.path("server.key") + `'
fsync = off
max_connections = 60
log_statement = 'all'
log_min_duration_statement = 0
log_min_messages = debug1
log_min_error_statement = debug5
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_connections = on
log_disconnections = on
debug_print_parse = on
`
	for _, line := range settings {
		config += line + "\n"
	}
	f, err := os.OpenFile(h.path("data/postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(config); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	ready := func(context.Context) error {
		if !strings.Contains(s.Log(t), "database system is ready to accept connections") {
			return errors.New("it has not said so")
		}
		return nil
	}
	h.start(s, ready, postgres, "-D", h.path("data"))
	return s
}
