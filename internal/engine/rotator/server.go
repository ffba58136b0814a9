package rotator

import (
	"context"
	"crypto/tls"
)

// server is one kind of database.
type server interface {
	// defaults sets what AWS's template for this server does differently.
	defaults(*Options)
	// check tells whether a document is for this server and complete.
	check(*document) error
	// port is the usual one.
	port() int
	// weight is how many connections the driver opens for a session.
	weight() int
	// usesMaster tells whether a single user may be changed by a master.
	usesMaster() bool
	// onePassword tells whether setOwn, of a user that logged in as itself, ends every other
	// password of that user at once.
	onePassword() bool
	// usersInDatabases tells whether users belong to databases: then a master logs in to
	// its own, and else to that of the user it changes.
	usersInDatabases() bool
	// words are the sentences in which AWS's templates differ.
	words() words
	// connect logs in. config is nil for plaintext. The session owns the target from
	// then on. A server without TLS makes errNoTLS.
	connect(ctx context.Context, t *target, d *document, config *tls.Config) (session, error)
}

// words are formats with two %s: the pending value and the other one.
type words struct {
	previousUser, previousHost, masterHost string
}

// session is a login.
type session interface {
	// applied tells, of a login as the pending user, whether nothing is left to set.
	applied(ctx context.Context, docs *documents) (bool, error)
	// setOwn gives the single user the pending password.
	setOwn(ctx context.Context, docs *documents) error
	// setOther, as master, makes the pending user like the current one, and gives it
	// the pending password last.
	setOther(ctx context.Context, docs *documents) error
	// probe runs a harmless query as the pending user.
	probe(ctx context.Context, pending *document) error
	close()
}
