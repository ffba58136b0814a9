package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"fastness/internal/store"
)

// State is where a server stands.
type State int

// The states. A server serves requests only when Unsealed.
const (
	Uninitialized State = iota // the store is empty and has no keyring
	Sealed                     // there is a keyring, its keys are not in memory
	Unsealed                   // the keys are in memory
)

// String is the state in lower case.
func (s State) String() string {
	switch s {
	case Uninitialized:
		return "uninitialized"
	case Sealed:
		return "sealed"
	case Unsealed:
		return "unsealed"
	default:
		return "unknown"
	}
}

// Status describes a server's seal. Nothing in it is secret.
type Status struct {
	State State
	// Info is empty when Uninitialized.
	Info Info
	// Shares and Threshold of a Shamir seal, else 0; Submitted is the progress of the
	// unsealing that is under way.
	Shares, Threshold, Submitted int
}

// Unsealer holds a server's keyring and moves it between the states. It is safe for
// concurrent use.
type Unsealer struct {
	inner store.Store
	opts  Options

	mu      sync.Mutex
	keyring *Keyring
	collect *ShamirCollect
}

// NewUnsealer returns an Unsealer for a store; it is Sealed or Uninitialized.
// Options.Initialize is ignored: only Initialize creates a root.
func NewUnsealer(inner store.Store, o Options) (*Unsealer, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	o.Initialize = false
	return &Unsealer{inner: inner, opts: o}, nil
}

// Status tells the state. It returns an error (ErrKeyringMissing, ErrIntegrity …)
// when the store is in none of them.
func (u *Unsealer) Status(ctx context.Context) (Status, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var st Status
	var err error
	if u.keyring != nil {
		st.State = Unsealed
		st.Info, err = u.keyring.Info()
	} else {
		st.State = Sealed
		st.Info, err = Inspect(ctx, u.inner)
		if errors.Is(err, ErrUninitialized) {
			return Status{State: Uninitialized}, nil
		}
	}
	if err != nil {
		return Status{}, err
	}
	if st.Info.Provider == KindShamir {
		c, err := parseShamirConfig(st.Info.Config)
		if err != nil {
			return Status{}, err
		}
		st.Shares, st.Threshold = c.Shares, c.Threshold
		if u.collect != nil {
			st.Submitted, _ = u.collect.Progress()
		}
	}
	return st, nil
}

// Initialize creates the root over an empty store, protected by p, and leaves the
// server Unsealed. It returns ErrAlreadyInitialized when there is a keyring.
func (u *Unsealer) Initialize(ctx context.Context, p Provider) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch _, err := Inspect(ctx, u.inner); {
	case err == nil:
		return ErrAlreadyInitialized
	case !errors.Is(err, ErrUninitialized):
		return err
	}
	o := u.opts
	o.Initialize = true
	k, err := Open(ctx, u.inner, p, o)
	if err != nil {
		return err
	}
	u.keyring = k
	return nil
}

// Unseal opens the keyring with a provider that has all it needs. It does nothing
// when the server is Unsealed.
func (u *Unsealer) Unseal(ctx context.Context, p Provider) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.unseal(ctx, p)
}

func (u *Unsealer) unseal(ctx context.Context, p Provider) error {
	if u.keyring != nil {
		return nil
	}
	k, err := Open(ctx, u.inner, p, u.opts)
	if err != nil {
		return err
	}
	u.keyring = k
	return nil
}

// SubmitShare adds one Shamir share. With the last one needed it opens the keyring;
// if that fails, all shares are forgotten. A share that is refused changes nothing.
// The caller overwrites text.
func (u *Unsealer) SubmitShare(ctx context.Context, text []byte) (Status, error) {
	err := u.submit(ctx, text)
	st, serr := u.Status(ctx)
	return st, errors.Join(err, serr)
}

func (u *Unsealer) submit(ctx context.Context, text []byte) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keyring != nil {
		return nil
	}
	info, err := Inspect(ctx, u.inner)
	if err != nil {
		return err
	}
	if info.Provider != KindShamir {
		return fmt.Errorf("%w: %s, not %s", ErrWrongProvider, info.Provider, KindShamir)
	}
	c, err := parseShamirConfig(info.Config)
	if err != nil {
		return err
	}
	if u.collect != nil && string(u.collect.config.Set) != string(c.Set) {
		u.reset() // the set was changed by another process
	}
	if u.collect == nil {
		if u.collect, err = NewShamirCollect(u.opts.Arena, info.Config); err != nil {
			return err
		}
	}
	have, need, err := u.collect.Submit(text)
	if err != nil || have < need {
		return err
	}
	defer u.reset()
	return u.unseal(ctx, u.collect)
}

// Reset forgets the submitted shares.
func (u *Unsealer) Reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reset()
}

func (u *Unsealer) reset() {
	if u.collect != nil {
		u.collect.Reset()
		u.collect = nil
	}
}

// Seal destroys all keys and shares in memory. Everything that uses the keyring then
// returns ErrSealed.
func (u *Unsealer) Seal() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reset()
	if u.keyring != nil {
		u.keyring.Seal()
		u.keyring = nil
	}
}

// Keyring is the open keyring, or ErrSealed.
func (u *Unsealer) Keyring() (*Keyring, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keyring == nil {
		return nil, ErrSealed
	}
	return u.keyring, nil
}
