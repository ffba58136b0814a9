package databases

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// MariaDB starts a server with the general log and the slow log of every statement, and
// the plugin ed25519. options are further ones of mariadbd, such as "--skip-ssl".
func MariaDB(t testing.TB, options ...string) *Server {
	t.Helper()
	mariadbd := program(t, "mariadb-server", "mariadbd", "/usr/sbin/mariadbd")
	install := program(t, "mariadb-server", "mariadb-install-db")
	h, s := newHost(t)
	// This init file would be logged if it ran after the start.
	bootstrap := h.write("bootstrap.sql", "FLUSH PRIVILEGES;\n"+
		"CREATE USER admin@localhost IDENTIFIED BY '"+s.Password+"';\n"+
		"CREATE USER admin@'127.0.0.1' IDENTIFIED BY '"+s.Password+"';\n"+
		"GRANT ALL PRIVILEGES ON *.* TO admin@localhost WITH GRANT OPTION;\n"+
		"GRANT ALL PRIVILEGES ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"+
		"FLUSH PRIVILEGES;\n")
	h.run(install, "--no-defaults", "--datadir="+h.path("data"), "--auth-root-authentication-method=socket", "--skip-test-db",
		"--extra-file="+bootstrap)
	s.logs = append(s.logs, h.path("general.log"), h.path("slow.log"))
	ready := func(context.Context) error {
		if !strings.Contains(s.Log(t), "ready for connections") {
			return errors.New("it has not said so")
		}
		return nil
	}
	args := append([]string{
		"--no-defaults", "--datadir=" + h.path("data"), "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port),
		"--socket=" + h.path("sock"), "--pid-file=" + h.path("pid"), "--skip-name-resolve",
		"--ssl-cert=" + h.path("server.pem"), "--ssl-key=" + h.path("server.key"),
		"--general-log=1", "--general-log-file=" + h.path("general.log"),
		"--slow-query-log=1", "--slow-query-log-file=" + h.path("slow.log"), "--long-query-time=0", "--log-queries-not-using-indexes=1",
		"--log-warnings=9", "--plugin-load-add=auth_ed25519",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--performance-schema=OFF",
	}, options...)
	h.start(s, ready, mariadbd, args...)
	return s
}
