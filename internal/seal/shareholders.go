package seal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"fastness/internal/seal/shamir"
	"fastness/internal/securemem"
)

// KindShamir is the kind of the providers that use Shamir shares.
const KindShamir = "shamir"

// The errors of share collection, besides those of package shamir.
var (
	// ErrForeignShare: the share belongs to another set or another installation.
	ErrForeignShare = errors.New("seal: share belongs to another set")
	// ErrDuplicateShare: the share was submitted before.
	ErrDuplicateShare = errors.New("seal: share was already submitted")
	// ErrNotEnoughShares: fewer shares than the threshold were submitted.
	ErrNotEnoughShares = errors.New("seal: not enough shares")
)

// ShamirConfig stands in the keyring record.
type ShamirConfig struct {
	Set       []byte `json:"set"`       // identifier of the set, 8 bytes
	Shares    int    `json:"shares"`    // shares made, 2 to 255
	Threshold int    `json:"threshold"` // shares needed, 2 to Shares
}

func (c ShamirConfig) check() error {
	if len(c.Set) != shamir.SetBytes || c.Threshold < shamir.MinThreshold || c.Shares < c.Threshold || c.Shares > shamir.MaxShares {
		return fmt.Errorf("%w: shamir configuration", ErrIntegrity)
	}
	return nil
}

// parseShamirConfig reads the configuration in a keyring record.
func parseShamirConfig(config []byte) (ShamirConfig, error) {
	var c ShamirConfig
	if err := decodeConfig(config, &c); err != nil {
		return ShamirConfig{}, err
	}
	return c, c.check()
}

// ShamirSplit is the provider for a new set of shares: at initialization, or as the
// target of Migrate and RotateRoot. Each Wrap makes a new key and new shares; hand
// them out with Shares, then Destroy.
type ShamirSplit struct {
	arena             *securemem.Arena
	shares, threshold int

	mu    sync.Mutex
	key   *securemem.Secret
	texts []*securemem.Secret
}

var _ Provider = (*ShamirSplit)(nil)

// NewShamirSplit returns a provider that makes shares (2 to 255) of which threshold
// (2 to shares) unseal.
func NewShamirSplit(a *securemem.Arena, shares, threshold int) (*ShamirSplit, error) {
	if threshold < shamir.MinThreshold || shares < threshold || shares > shamir.MaxShares {
		return nil, fmt.Errorf("%w: %d of %d shares", shamir.ErrParameters, threshold, shares)
	}
	return &ShamirSplit{arena: a, shares: shares, threshold: threshold}, nil
}

// Kind is KindShamir.
func (s *ShamirSplit) Kind() string { return KindShamir }

// Wrap implements Provider.
func (s *ShamirSplit) Wrap(_ context.Context, installation string, root []byte) (Wrapped, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	c := ShamirConfig{Set: make([]byte, shamir.SetBytes), Shares: s.shares, Threshold: s.threshold}
	if _, err := rand.Read(c.Set); err != nil {
		return Wrapped{}, fmt.Errorf("seal: reading random bytes: %w", err)
	}
	config, err := json.Marshal(c)
	if err != nil {
		return Wrapped{}, fmt.Errorf("seal: encoding the shamir configuration: %w", err)
	}
	if s.key, err = s.arena.Random(32); err != nil {
		return Wrapped{}, err
	}
	if err := s.split(c); err != nil {
		s.clear()
		return Wrapped{}, err
	}
	return wrapWithKey(s.arena, s.key, KindShamir, installation, config, root)
}

// split makes the share texts of the key.
func (s *ShamirSplit) split(c ShamirConfig) error {
	var shares []shamir.Share
	var err error
	_ = s.key.With(func(k []byte) { shares, err = shamir.Split(k, c.Shares, c.Threshold) })
	if err != nil {
		return err
	}
	defer func() {
		for _, sh := range shares {
			clear(sh.Y)
		}
	}()
	for _, sh := range shares {
		text, err := shamir.EncodeText(shamir.Labelled{Set: [shamir.SetBytes]byte(c.Set), Threshold: c.Threshold, Total: c.Shares, Share: sh})
		if err != nil {
			return err
		}
		t, err := s.arena.Take(text)
		if err != nil {
			return err
		}
		s.texts = append(s.texts, t)
	}
	return nil
}

// Unwrap implements Provider, with the key of the last Wrap.
func (s *ShamirSplit) Unwrap(_ context.Context, installation string, w Wrapped, root []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		return ErrNotEnoughShares
	}
	return unwrapWithKey(s.arena, s.key, KindShamir, installation, w, root)
}

// Shares calls f with the text of each share in turn. f must not keep the slice.
func (s *ShamirSplit) Shares(f func(number int, text []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range s.texts {
		_ = t.With(func(b []byte) { f(i+1, b) })
	}
}

// Destroy overwrites the shares and their key. Call it once the shares are handed
// out, even if the initialization failed.
func (s *ShamirSplit) Destroy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *ShamirSplit) clear() {
	s.key.Destroy()
	s.key = nil
	for _, t := range s.texts {
		t.Destroy()
	}
	s.texts = nil
}

// ShamirCollect is the provider that collects shares to unseal.
type ShamirCollect struct {
	arena  *securemem.Arena
	config ShamirConfig

	mu     sync.Mutex
	shares map[byte]*securemem.Secret // by number
}

var _ Provider = (*ShamirCollect)(nil)

// NewShamirCollect returns a collector for the set that a keyring's Info.Config
// describes.
func NewShamirCollect(a *securemem.Arena, config []byte) (*ShamirCollect, error) {
	c, err := parseShamirConfig(config)
	if err != nil {
		return nil, err
	}
	return &ShamirCollect{arena: a, config: c, shares: map[byte]*securemem.Secret{}}, nil
}

// Kind is KindShamir.
func (s *ShamirCollect) Kind() string { return KindShamir }

// Submit adds a share's text and returns how many of how many needed there are. A
// share that is corrupt (shamir.ErrCorrupt), of another set (ErrForeignShare) or
// repeated (ErrDuplicateShare) changes nothing.
func (s *ShamirCollect) Submit(text []byte) (have, need int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, need = len(s.shares), s.config.Threshold
	l, err := shamir.ParseText(text)
	if err != nil {
		return have, need, err
	}
	defer clear(l.Share.Y)
	if string(l.Set[:]) != string(s.config.Set) || l.Threshold != s.config.Threshold || l.Total != s.config.Shares || len(l.Share.Y) != 32 {
		return have, need, ErrForeignShare
	}
	if s.shares[l.Share.X] != nil {
		return have, need, fmt.Errorf("%w: number %d", ErrDuplicateShare, l.Share.X)
	}
	if have == need {
		return have, need, fmt.Errorf("%w: the threshold is reached", shamir.ErrCount)
	}
	sec, err := s.arena.Take(l.Share.Y)
	if err != nil {
		return have, need, err
	}
	s.shares[l.Share.X] = sec
	return have + 1, need, nil
}

// Progress is how many shares there are and how many are needed.
func (s *ShamirCollect) Progress() (have, need int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.shares), s.config.Threshold
}

// Reset destroys the collected shares.
func (s *ShamirCollect) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sec := range s.shares {
		sec.Destroy()
	}
	clear(s.shares)
}

// Wrap implements Provider by refusing: new shares come from ShamirSplit.
func (s *ShamirCollect) Wrap(context.Context, string, []byte) (Wrapped, error) {
	return Wrapped{}, errors.New("seal: collected shares cannot protect a new root; split new ones")
}

// Unwrap implements Provider. Shares that pass their checks but give a wrong key
// return ErrWrongKey.
func (s *ShamirCollect) Unwrap(_ context.Context, installation string, w Wrapped, root []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := parseShamirConfig(w.Config)
	if err != nil {
		return err
	}
	if string(c.Set) != string(s.config.Set) {
		return ErrForeignShare
	}
	if len(s.shares) != c.Threshold {
		return fmt.Errorf("%w: %d of %d", ErrNotEnoughShares, len(s.shares), c.Threshold)
	}
	shares := make([]shamir.Share, 0, len(s.shares))
	defer func() {
		for _, sh := range shares {
			clear(sh.Y)
		}
	}()
	for x, sec := range s.shares {
		_ = sec.With(func(y []byte) { shares = append(shares, shamir.Share{X: x, Y: append([]byte(nil), y...)}) })
	}
	raw, err := shamir.Combine(shares)
	if err != nil {
		return err
	}
	key, err := s.arena.Take(raw)
	if err != nil {
		return err
	}
	defer key.Destroy()
	return unwrapWithKey(s.arena, key, KindShamir, installation, w, root)
}
