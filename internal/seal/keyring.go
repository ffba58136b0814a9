package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
	"fastness/internal/securemem"
	"fastness/internal/store"
)

// The purposes that this project uses. A keyring may have others.
const (
	PurposeStore   = "store"   // record values, by Keyring.Store
	PurposeAudit   = "audit"   // audit log segments
	PurposeToken   = "token"   // session, grant and import tokens
	PurposePage    = "page"    // pagination tokens
	PurposeKMS     = "kms"     // material of KMS keys
	PurposeKeyslot = "keyslot" // slots of package keyslot
)

// DefaultPurposes are created when Options.Purposes is nil.
func DefaultPurposes() []string {
	return []string{PurposeStore, PurposeAudit, PurposeToken, PurposePage, PurposeKMS, PurposeKeyslot}
}

// DefaultDropDelay is the default of Options.DropDelay.
const DefaultDropDelay = time.Hour

// Options of Open.
type Options struct {
	// Clock stamps keys; required.
	Clock clock.Clock
	// Arena holds the keys in memory; required. The Keyring destroys its own secrets
	// in it, the caller closes it.
	Arena *securemem.Arena
	// Initialize lets Open create the root over an empty store.
	Initialize bool
	// Purposes that must exist; missing ones are added. Nil means DefaultPurposes.
	Purposes []string
	// DropDelay is how long a version must have been replaced before Drop takes it, so
	// that other processes have seen the rotation. Zero means DefaultDropDelay.
	DropDelay time.Duration
}

func (o *Options) complete() error {
	if o.Clock == nil || o.Arena == nil {
		return errors.New("seal: Options needs a Clock and an Arena")
	}
	if o.Purposes == nil {
		o.Purposes = DefaultPurposes()
	}
	if o.DropDelay == 0 {
		o.DropDelay = DefaultDropDelay
	}
	for _, p := range o.Purposes {
		if err := checkPurpose(p); err != nil {
			return err
		}
	}
	return nil
}

// Keyring is an open keyring. It is safe for concurrent use.
type Keyring struct {
	inner store.Store
	opts  Options

	ring atomic.Pointer[ring] // nil when sealed

	mu       sync.Mutex // changes of ring and provider
	provider Provider
}

// ring is one state of the keyring; it is not changed after it is published.
type ring struct {
	rec     record
	root    *rootKey
	domains map[string]domain
}

// domain is the line of versions of one purpose.
type domain struct {
	active uint32
	keys   map[uint32]*xaes
}

// Open opens the keyring of a store with the provider. Over a store without any key
// it creates a root if o.Initialize is set, else it returns ErrUninitialized. It
// never creates one over data: ErrKeyringMissing.
func Open(ctx context.Context, inner store.Store, p Provider, o Options) (*Keyring, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	k := &Keyring{inner: inner, opts: o, provider: p}
	raw, err := k.read(ctx)
	if errors.Is(err, ErrUninitialized) && o.Initialize {
		raw, err = k.initialize(ctx)
	}
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.adopt(ctx, raw); err != nil {
		return nil, err
	}
	for _, purpose := range o.Purposes {
		if _, ok := k.ring.Load().domains[purpose]; ok {
			continue
		}
		if _, err := k.rotate(ctx, purpose, true); err != nil {
			k.seal()
			return nil, err
		}
	}
	return k, nil
}

// read reads the raw record from the store.
func (k *Keyring) read(ctx context.Context) (raw []byte, err error) {
	err = k.inner.View(ctx, func(r store.Reader) error {
		raw, err = readRecord(r)
		return err
	})
	return raw, err
}

// initialize creates the root and the first version of each purpose.
func (k *Keyring) initialize(ctx context.Context) ([]byte, error) {
	a := k.opts.Arena
	secret, err := a.Random(32)
	if err != nil {
		return nil, err
	}
	root, err := expandRoot(a, secret)
	if err != nil {
		return nil, err
	}
	defer root.destroy()
	now := k.opts.Clock.Now().UTC().Truncate(time.Second)
	rec := record{Format: recordFormat, Created: now, Serial: 1, Fingerprint: root.fingerprint}
	if rec.Installation, err = randomHex(installBytes); err != nil {
		return nil, err
	}
	for _, purpose := range k.opts.Purposes {
		if slices.ContainsFunc(rec.Keys, func(w wrapped) bool { return w.Purpose == purpose }) {
			continue
		}
		w, err := k.newDomainKey(root, rec.Installation, purpose, 1)
		if err != nil {
			return nil, err
		}
		rec.Keys = append(rec.Keys, w)
	}
	if rec.Provider, err = k.protect(ctx, k.provider, rec.Installation, root); err != nil {
		return nil, err
	}
	raw, err := rec.encode(root)
	if err != nil {
		return nil, err
	}
	_, err = k.inner.Update(ctx, func(t store.Txn) error {
		switch _, err := readRecord(t); {
		case err == nil:
			return ErrAlreadyInitialized // another process was faster
		case !errors.Is(err, ErrUninitialized):
			return err
		}
		return t.Put([]byte(recordKey), raw)
	})
	if errors.Is(err, ErrAlreadyInitialized) || errors.Is(err, store.ErrUnknownOutcome) {
		return k.read(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("seal: writing the first keyring record: %w", err)
	}
	return raw, nil
}

// protect wraps the root with a provider and proves that it opens again, before
// anything depends on it.
func (k *Keyring) protect(ctx context.Context, p Provider, installation string, root *rootKey) (protection, error) {
	check, err := k.opts.Arena.New(32)
	if err != nil {
		return protection{}, err
	}
	defer check.Destroy()
	var w Wrapped
	e := root.raw.With(func(key []byte) {
		if w, err = p.Wrap(ctx, installation, key); err != nil {
			return
		}
		_ = check.With(func(again []byte) { err = p.Unwrap(ctx, installation, w, again) })
		if err == nil && !check.Equal(key) {
			err = ErrWrongKey
		}
	})
	if e != nil {
		return protection{}, sealedErr(e)
	}
	if err != nil {
		return protection{}, fmt.Errorf("seal: protecting the root key (%s): %w", p.Kind(), err)
	}
	if len(w.Config) > maxConfigBytes || len(w.Root) > maxConfigBytes {
		return protection{}, fmt.Errorf("seal: the %s provider's data is too long", p.Kind())
	}
	return protection{Kind: p.Kind(), Config: w.Config, Wrapped: w.Root}, nil
}

// newDomainKey makes and wraps a random domain key.
func (k *Keyring) newDomainKey(root *rootKey, installation, purpose string, version uint32) (wrapped, error) {
	key, err := k.opts.Arena.Random(32)
	if err != nil {
		return wrapped{}, err
	}
	defer key.Destroy()
	b, err := root.wrapKey(key, installation, purpose, version)
	if err != nil {
		return wrapped{}, err
	}
	return wrapped{Purpose: purpose, Version: version, Created: k.opts.Clock.Now().UTC().Truncate(time.Second), Key: b}, nil
}

// adopt verifies a record and makes it the current ring. Domain keys that are already
// in memory are kept, dropped ones are destroyed. The caller holds k.mu.
func (k *Keyring) adopt(ctx context.Context, raw []byte) error {
	rec, err := parseRecord(raw)
	if err != nil {
		return err
	}
	old := k.ring.Load()
	var root *rootKey
	if old != nil && old.rec.Fingerprint == rec.Fingerprint {
		root = old.root
	} else if root, err = k.unwrapRoot(ctx, rec); err != nil {
		return err
	}
	fresh := old == nil || root != old.root
	next := &ring{rec: rec, root: root, domains: map[string]domain{}}
	var made []*xaes
	fail := func(err error) error {
		for _, x := range made {
			x.destroy()
		}
		if fresh {
			root.destroy()
		}
		return err
	}
	if err := verifyRecord(raw, root); err != nil {
		return fail(err)
	}
	if old != nil && rec.Serial < old.rec.Serial {
		return fail(fmt.Errorf("%w: keyring record is older than the one in memory", ErrIntegrity))
	}
	for _, w := range rec.Keys {
		d, ok := next.domains[w.Purpose]
		if !ok {
			d.keys = map[uint32]*xaes{}
		}
		var x *xaes
		if old != nil {
			x = old.domains[w.Purpose].keys[w.Version]
		}
		if x == nil {
			key, err := root.unwrapKey(k.opts.Arena, w, rec.Installation)
			if err != nil {
				return fail(err)
			}
			_ = key.With(func(b []byte) { x, err = newXAES(k.opts.Arena, b) })
			key.Destroy()
			if err != nil {
				return fail(err)
			}
			made = append(made, x)
		}
		d.keys[w.Version] = x
		d.active = w.Version // versions rise
		next.domains[w.Purpose] = d
	}
	k.ring.Store(next)
	if old == nil {
		return nil
	}
	for purpose, d := range old.domains {
		for v, x := range d.keys {
			if next.domains[purpose].keys[v] == nil {
				x.destroy()
			}
		}
	}
	if fresh {
		old.root.destroy()
	}
	return nil
}

// unwrapRoot asks the provider for the root of a record.
func (k *Keyring) unwrapRoot(ctx context.Context, rec record) (*rootKey, error) {
	if rec.Provider.Kind != k.provider.Kind() {
		return nil, fmt.Errorf("%w: %s, not %s", ErrWrongProvider, rec.Provider.Kind, k.provider.Kind())
	}
	secret, err := k.opts.Arena.New(32)
	if err != nil {
		return nil, err
	}
	_ = secret.With(func(b []byte) {
		err = k.provider.Unwrap(ctx, rec.Installation, Wrapped{Config: rec.Provider.Config, Root: rec.Provider.Wrapped}, b)
	})
	if err != nil {
		secret.Destroy()
		return nil, fmt.Errorf("seal: unwrapping the root key (%s): %w", rec.Provider.Kind, err)
	}
	root, err := expandRoot(k.opts.Arena, secret)
	if err != nil {
		return nil, err
	}
	if root.fingerprint != rec.Fingerprint {
		root.destroy()
		return nil, fmt.Errorf("%w: its fingerprint differs", ErrWrongKey)
	}
	return root, nil
}

// Reload reads the keyring record again, after another process changed it.
func (k *Keyring) Reload(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reload(ctx)
}

func (k *Keyring) reload(ctx context.Context) error {
	cur := k.ring.Load()
	if cur == nil {
		return ErrSealed
	}
	raw, err := k.read(ctx)
	if err != nil {
		return err
	}
	if err = k.adopt(ctx, raw); err == nil {
		return nil
	}
	// With the same root the provider is not asked, so the record itself is at fault.
	if rec, perr := parseRecord(raw); perr == nil && rec.Fingerprint != cur.rec.Fingerprint {
		return fmt.Errorf("%w: %w", ErrRootChanged, err)
	}
	return err
}

// domain is the line of versions of a purpose.
func (k *Keyring) domain(purpose string) (domain, error) {
	r := k.ring.Load()
	if r == nil {
		return domain{}, ErrSealed
	}
	d, ok := r.domains[purpose]
	if !ok {
		return domain{}, fmt.Errorf("%w: %q", ErrUnknownPurpose, purpose)
	}
	return d, nil
}

// maxAhead bounds how far a version may be ahead of the newest one in memory to be
// worth reading the record again: a forged header must not cause a read each time.
const maxAhead = 16

// version finds one version of a purpose; one a little newer than memory knows makes
// it read the record again.
func (k *Keyring) version(purpose string, v uint32) (*xaes, error) {
	d, err := k.domain(purpose)
	if err != nil {
		return nil, err
	}
	if x := d.keys[v]; x != nil {
		return x, nil
	}
	if v > d.active && v-d.active <= maxAhead {
		if err := k.Reload(context.Background()); err != nil {
			return nil, err
		}
		if d, err = k.domain(purpose); err != nil {
			return nil, err
		}
		if x := d.keys[v]; x != nil {
			return x, nil
		}
	}
	return nil, fmt.Errorf("%w: %s version %d", ErrUnknownVersion, purpose, v)
}

// AEAD seals bytes for a purpose, or returns ErrUnknownPurpose or ErrSealed.
func (k *Keyring) AEAD(purpose string) (*AEAD, error) {
	if _, err := k.domain(purpose); err != nil {
		return nil, err
	}
	return &AEAD{k: k, purpose: purpose}, nil
}

// Derive derives n bytes (1 to 4096) for a label from the active domain key of a
// purpose (NIST SP 800-108 counter mode, CMAC-AES256) and says which version that
// was. The same version, label and n give the same bytes: see DeriveVersion. The
// caller destroys the Secret.
func (k *Keyring) Derive(purpose, label string, n int) (*securemem.Secret, uint32, error) {
	d, err := k.domain(purpose)
	if err != nil {
		return nil, 0, err
	}
	s, err := deriveSecret(k.opts.Arena, d.keys[d.active].block, deriveLabel(label), n)
	return s, d.active, err
}

// DeriveVersion is Derive from a version that Derive returned earlier.
func (k *Keyring) DeriveVersion(purpose string, version uint32, label string, n int) (*securemem.Secret, error) {
	x, err := k.version(purpose, version)
	if err != nil {
		return nil, err
	}
	return deriveSecret(k.opts.Arena, x.block, deriveLabel(label), n)
}

func deriveLabel(label string) string { return "fastness derive: " + label }

// Seal destroys all keys in memory. Every use of the Keyring, of its AEADs and of its
// sealed stores then returns ErrSealed.
func (k *Keyring) Seal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seal()
}

func (k *Keyring) seal() {
	r := k.ring.Swap(nil)
	if r == nil {
		return
	}
	for _, d := range r.domains {
		for _, x := range d.keys {
			x.destroy()
		}
	}
	r.root.destroy()
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
