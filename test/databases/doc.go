// Package databases starts real database servers for tests: PostgreSQL, MariaDB and
// Redis from Debian's packages, and FerretDB, which speaks MongoDB's protocol, from the
// module beside this package.
//
//	server := databases.PostgreSQL(t)
//	server.CA        // verifies its certificate, which is for localhost and 127.0.0.1
//	server.Host, server.Port
//	server.Admin, server.Password
//	server.Log(t)    // everything it logged, at its most verbose level for statements
//
// Each server runs in a temporary directory of its own, on a free port of the loopback
// interface, with TLS, as an unprivileged user (nobody if the tests run as root, for
// the servers refuse to be root), and ends with the test. A server whose program is
// missing fails the test and names the package to install; test/deps.sh installs them.
package databases
