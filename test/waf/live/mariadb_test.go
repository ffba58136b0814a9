package live

import (
	"crypto/tls"
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"

	"fastness/test/databases"
)

// connect opens a database of a server as its admin.
func connect(t testing.TB, s *databases.Server, database string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = s.Admin, s.Password, "tcp", s.Addr(), database
	c.TLS = &tls.Config{RootCAs: s.CA, ServerName: s.Host, MinVersion: tls.VersionTLS12}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
