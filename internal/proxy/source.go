package proxy

import "context"

// Source is where a proxy gets its configuration from.
type Source interface {
	// Watch waits until there is a configuration that is not of revision after, and returns
	// it with its revision. After the revision 0 it returns the current one as soon as there
	// is one. A revision is never 0 and never means two configurations. When ctx is done the
	// error is that of ctx; any other error is temporary: the proxy keeps what it has and
	// tries again.
	Watch(ctx context.Context, after uint64) (Config, uint64, error)
}
