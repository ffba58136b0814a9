package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"fastness/internal/seal"
)

// ShowShares hands new Shamir shares to people. It runs before anything depends on the
// shares; an error stops what they were made for. It must not keep them.
type ShowShares func(shares [][]byte) error

// handingOut shows the shares of a new set before the keyring that needs them is
// durable: a crash in between leaves shares that open nothing, never a keyring whose
// shares nobody has.
type handingOut struct {
	*seal.ShamirSplit
	show ShowShares
}

var _ seal.Provider = (*handingOut)(nil)

// Wrap implements seal.Provider.
func (h *handingOut) Wrap(ctx context.Context, installation string, root []byte) (seal.Wrapped, error) {
	w, err := h.ShamirSplit.Wrap(ctx, installation, root)
	if err != nil {
		return w, err
	}
	var shares [][]byte
	defer func() {
		for _, s := range shares {
			clear(s)
		}
	}()
	h.Shares(func(_ int, text []byte) { shares = append(shares, bytes.Clone(text)) })
	if err := h.show(shares); err != nil {
		return seal.Wrapped{}, fmt.Errorf("app: handing out the shares: %w", err)
	}
	return w, nil
}

// Initialize makes the store of a server that is unsealed with Shamir shares and hands
// the shares out.
func Initialize(ctx context.Context, c Config, show ShowShares) (err error) {
	s, err := openStopped(&c, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := refuseFreshRoot(&c); err != nil {
		return err
	}
	split, err := seal.NewShamirSplit(s.arena, c.Seal.Shares, c.Seal.Threshold)
	if err != nil {
		return err
	}
	defer split.Destroy()
	return s.unsealer.Initialize(ctx, &handingOut{split, show})
}

// Rekey changes how the root key of a stopped server is kept, to what to says. With
// newRoot the root key itself is replaced too, after which copies of the old one open
// nothing but old backups.
func Rekey(ctx context.Context, c Config, to SealConfig, newRoot bool, show ShowShares) (err error) {
	s, err := openStopped(&c, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	ring, err := s.unseal(ctx)
	if err != nil {
		return err
	}
	target := c
	target.Seal = to
	if err := target.complete(); err != nil {
		return err
	}
	p, err := newProvider(&target, s.arena)
	if err != nil {
		return err
	}
	if p == nil {
		split, err := seal.NewShamirSplit(s.arena, to.Shares, to.Threshold)
		if err != nil {
			return err
		}
		defer split.Destroy()
		p = &handingOut{split, show}
	}
	if newRoot {
		return ring.RotateRoot(ctx, p)
	}
	return ring.Migrate(ctx, p)
}
