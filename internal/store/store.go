package store

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Limits that hold on every engine. The first two are etcd's defaults.
const (
	// MaxTxnOps is the largest number of writes (Put and Delete) in one Update.
	MaxTxnOps = 128
	// MaxTxnBytes is the largest sum of key and value bytes written in one Update.
	MaxTxnBytes = 1536 << 10
	// MaxValueBytes is the largest value; larger ones belong in a blob store.
	MaxValueBytes = 512 << 10
	// MaxKeyBytes is the largest key.
	MaxKeyBytes = 4 << 10
)

// The errors of this package; match them with errors.Is.
var (
	// ErrNotFound: Get found no value under the key.
	ErrNotFound = errors.New("store: key not found")
	// ErrTxnTooLarge: an Update went over MaxTxnOps or MaxTxnBytes; nothing was written.
	ErrTxnTooLarge = errors.New("store: transaction too large")
	// ErrTooLarge: a key or value is over its bound; nothing was written.
	ErrTooLarge = errors.New("store: key or value too large")
	// ErrConflict: an Update met other commits so often that retrying was given up;
	// nothing was written.
	ErrConflict = errors.New("store: too many conflicting transactions")
	// ErrUnknownOutcome: the commit may or may not have happened (power or network
	// was lost while it was under way). Callers read again before they decide.
	ErrUnknownOutcome = errors.New("store: outcome of the commit is unknown")
	// ErrCompacted: a Watch asked for revisions that are no longer kept; the
	// caller reads everything again with View and watches from that revision.
	ErrCompacted = errors.New("store: revision compacted")
	// ErrFenced: the writer's lease was lost before the commit; nothing was written.
	ErrFenced = errors.New("store: lease lost")
	// ErrEmptyKey: a Put or Delete named the empty key, which no engine stores.
	ErrEmptyKey = errors.New("store: empty key")
	// ErrFailed: the engine met an error it cannot repair while running (a disk that
	// refuses to sync, a damaged table). It answers nothing more until it is opened
	// again. The cause is wrapped beside it.
	ErrFailed = errors.New("store: engine failed")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("store: closed")
)

// Revision numbers commits: each durable Update that wrote something has a
// Revision one higher than the one before. The empty store is at 0.
type Revision uint64

// Item is one key with its value and the Revision that wrote it. The slices
// belong to the receiver. An item that the reading Txn itself wrote has Revision 0.
type Item struct {
	Key, Value []byte
	Revision   Revision
}

// Range selects keys Start <= key < End in byte order; a nil End means no upper
// bound. Limit 0 means no limit. Reverse walks from the highest key down.
type Range struct {
	Start, End []byte
	Limit      int
	Reverse    bool
}

// Prefix is the Range of all keys that begin with p.
func Prefix(p []byte) Range {
	return Range{Start: p, End: PrefixEnd(p)}
}

// PrefixEnd is the smallest key greater than every key that begins with p, or nil
// when there is none (p is empty or all 0xff).
func PrefixEnd(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			end := append([]byte(nil), p[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// Reader reads one consistent state of the store.
type Reader interface {
	// Get returns the item under key, or ErrNotFound.
	Get(key []byte) (Item, error)
	// Scan yields the items of r in order. A non-nil error is the last pair yielded.
	// In a Txn it sees the writes made before the iteration began.
	Scan(r Range) iter.Seq2[Item, error]
	// Revision is the revision of the state that is read.
	Revision() Revision
}

// Txn is a Reader that also writes. Its reads see its own writes. All reads are
// validated at commit: if another commit changed anything that was read (a key
// that was there, a key that was not, a range that was scanned), the function of
// the Update runs again on the newer state.
type Txn interface {
	Reader
	// Put writes value under key. The slices may be reused after Put returns.
	// Bounds are checked at once where they can be, and at commit at the latest.
	Put(key, value []byte) error
	// Delete removes key; removing an absent key is no error.
	Delete(key []byte) error
	// OnCommit registers f to run once, after the commit is durable, and before watchers
	// are told of it and Update returns, in the order of revisions. It does not run for an attempt that
	// is retried or fails; for an Update that wrote nothing it runs with the revision
	// that was read. Other commits wait for f: it must not block or use the store.
	OnCommit(f func(Revision))
	// Fence makes the commit conditional on l still being held; if it is not, the
	// Update fails with ErrFenced.
	Fence(l Lease)
	// Savepoint runs f and returns its error. If there is one, the transaction is as if
	// f had written nothing: writes, hooks, fences and passed bounds of f are undone, so
	// that the transaction can go on and commit without them. What f read stays read
	// (and validated at commit), because what follows may depend on it. Savepoints nest.
	Savepoint(f func() error) error
}

// Change is one written or deleted key of a commit, as a Watch reports it.
type Change struct {
	Key     []byte
	Value   []byte // nil when Deleted, and from WatchKeys
	Deleted bool
}

// Commit is what one Update wrote of the watched keys.
type Commit struct {
	Revision Revision
	Changes  []Change
}

// Watcher delivers commits in order, each once, without gaps.
type Watcher interface {
	// Next blocks until a commit that touches the watched keys is there and returns it. It returns ErrCompacted when the watcher fell behind what is kept,
	// ErrClosed after Close, or the context's error.
	Next(ctx context.Context) (Commit, error)
	// Progress is the revision up to which everything that concerns the watched keys has
	// been returned by Next.
	Progress() Revision
	// Close releases the watcher; a blocked Next returns ErrClosed.
	Close()
}

// Lease is a held name with a time to live, renewed in the background until it is
// released, lost or the store closes.
type Lease interface {
	// Token increases with every new holder of the name: a fencing token.
	Token() uint64
	// Done is closed when the lease is lost or released.
	Done() <-chan struct{}
	// Release gives the name up at once.
	Release(ctx context.Context) error
}

// Store is the interface of every engine. It is safe for concurrent use.
type Store interface {
	// View runs f on a snapshot. Iterators and readers are not valid after f returns.
	View(ctx context.Context, f func(Reader) error) error
	// Update runs f in a serializable transaction and commits what it wrote. f may
	// run more than once, so it has no effects besides the Txn (use OnCommit). When f
	// returns an error nothing is written and Update returns that error. Update
	// returns after the commit is durable, with its Revision; an Update that wrote
	// nothing returns the revision it read.
	Update(ctx context.Context, f func(Txn) error) (Revision, error)
	// Watch delivers every commit after revision from that touches a key beginning
	// with prefix.
	Watch(ctx context.Context, prefix []byte, from Revision) (Watcher, error)
	// WatchKeys is Watch for those who only have to know which keys changed: it delivers
	// every commit after revision from that touches a key which match accepts, with those
	// keys and no values. match is called for every key of every commit, so it must be
	// quick; it may not keep the key.
	WatchKeys(ctx context.Context, match func(key []byte) bool, from Revision) (Watcher, error)
	// Campaign waits until this process holds the lease called name and keeps it
	// with the given time to live.
	Campaign(ctx context.Context, name string, ttl time.Duration) (Lease, error)
	// Close waits for running transactions and closes the store.
	Close() error
}
