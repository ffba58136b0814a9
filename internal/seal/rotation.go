package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fastness/internal/store"
)

// Rotate adds a version to the line of a purpose and makes it the active one. It
// returns the new version. The other versions go on opening what they sealed.
func (k *Keyring) Rotate(ctx context.Context, purpose string) (uint32, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.domain(purpose); err != nil {
		return 0, err
	}
	return k.rotate(ctx, purpose, false)
}

// rotate adds a version; with onlyFirst it adds nothing if there is one.
func (k *Keyring) rotate(ctx context.Context, purpose string, onlyFirst bool) (uint32, error) {
	var version uint32
	err := k.change(ctx, func(root *rootKey, rec *record) error {
		version = 0
		for _, w := range rec.Keys {
			if w.Purpose == purpose {
				version = w.Version
			}
		}
		if onlyFirst && version > 0 {
			return nil
		}
		if version == ^uint32(0) {
			return ErrTooManyKeys
		}
		version++
		w, err := k.newDomainKey(root, rec.Installation, purpose, version)
		if err != nil {
			return err
		}
		rec.Keys = append(rec.Keys, w)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("seal: rotating the domain key %q: %w", purpose, err)
	}
	return version, nil
}

// change applies f to the stored record in one transaction and adopts the result.
// The caller holds k.mu.
func (k *Keyring) change(ctx context.Context, f func(*rootKey, *record) error) error {
	// Follow what other processes did first; then the root in memory is the stored one.
	if err := k.reload(ctx); err != nil {
		return err
	}
	root := k.ring.Load().root
	var raw []byte
	_, err := k.inner.Update(ctx, func(t store.Txn) error {
		old, err := readRecord(t)
		if err != nil {
			return err
		}
		if err := verifyRecord(old, root); err != nil {
			return err
		}
		rec, err := parseRecord(old)
		if err != nil {
			return err
		}
		if err := f(root, &rec); err != nil {
			return err
		}
		rec.Serial++
		if raw, err = rec.encode(root); err != nil {
			return err
		}
		return t.Put([]byte(recordKey), raw)
	})
	if errors.Is(err, store.ErrUnknownOutcome) {
		// Memory follows whatever is stored; the caller still learns of the doubt.
		return errors.Join(err, k.reload(ctx))
	}
	if err != nil {
		return err
	}
	return k.adopt(ctx, raw)
}

// Migrate protects the same root with another provider, which must not need anything
// that is only there after a restart. Data and domain keys are not touched.
func (k *Keyring) Migrate(ctx context.Context, p Provider) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	cur := k.ring.Load()
	if cur == nil {
		return ErrSealed
	}
	prot, err := k.protect(ctx, p, cur.rec.Installation, cur.root)
	if err != nil {
		return err
	}
	err = k.change(ctx, func(root *rootKey, rec *record) error {
		if root != cur.root {
			return ErrRootChanged
		}
		rec.Provider = prot
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal: changing the provider to %s: %w", p.Kind(), err)
	}
	k.provider = p
	return nil
}

// RotateRoot replaces the root by a new random one, protected by p (which may be the
// provider in use), and wraps every domain key under it. It happens in one
// transaction; data is not touched.
func (k *Keyring) RotateRoot(ctx context.Context, p Provider) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.reload(ctx); err != nil {
		return err
	}
	cur := k.ring.Load()
	secret, err := k.opts.Arena.Random(32)
	if err != nil {
		return err
	}
	root, err := expandRoot(k.opts.Arena, secret)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			root.destroy()
		}
	}()
	prot, err := k.protect(ctx, p, cur.rec.Installation, root)
	if err != nil {
		return err
	}
	var rec record
	_, err = k.inner.Update(ctx, func(t store.Txn) error {
		old, err := readRecord(t)
		if err != nil {
			return err
		}
		if err := verifyRecord(old, cur.root); err != nil {
			return err
		}
		if rec, err = parseRecord(old); err != nil {
			return err
		}
		for i, w := range rec.Keys {
			if rec.Keys[i].Key, err = k.moveKey(cur.root, root, w, rec.Installation); err != nil {
				return err
			}
		}
		rec.Provider, rec.Fingerprint = prot, root.fingerprint
		rec.Serial++
		raw, err := rec.encode(root)
		if err != nil {
			return err
		}
		return t.Put([]byte(recordKey), raw)
	})
	if errors.Is(err, store.ErrUnknownOutcome) {
		// With p in place, reload works whichever root is stored if p kept its kind and
		// key; otherwise the old state stays usable in memory until a restart.
		prev := k.provider
		k.provider = p
		if rerr := k.reload(ctx); rerr != nil {
			k.provider = prev
			err = errors.Join(err, rerr)
		}
		return fmt.Errorf("seal: changing the root key: %w", err)
	}
	if err != nil {
		return fmt.Errorf("seal: changing the root key: %w", err)
	}
	// The domain keys are the same, so is what is expanded of them: only the root and
	// the record change. A version that another process added in between is read now.
	done = true
	k.provider = p
	k.ring.Store(&ring{rec: rec, root: root, domains: cur.domains})
	cur.root.destroy()
	return k.reload(ctx)
}

// moveKey wraps a domain key under another root.
func (k *Keyring) moveKey(from, to *rootKey, w wrapped, installation string) ([]byte, error) {
	key, err := from.unwrapKey(k.opts.Arena, w, installation)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	return to.wrapKey(key, installation, w.Purpose, w.Version)
}

// KeyVersion describes one version of a domain key.
type KeyVersion struct {
	Version uint32
	Created time.Time
	Active  bool
}

// Versions lists the versions of a purpose, oldest first.
func (k *Keyring) Versions(purpose string) ([]KeyVersion, error) {
	r := k.ring.Load()
	if r == nil {
		return nil, ErrSealed
	}
	d, ok := r.domains[purpose]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownPurpose, purpose)
	}
	var out []KeyVersion
	for _, w := range r.rec.Keys {
		if w.Purpose == purpose {
			out = append(out, KeyVersion{Version: w.Version, Created: w.Created, Active: w.Version == d.active})
		}
	}
	return out, nil
}

// Drop removes an old version: what it sealed can never be opened again. It returns
// ErrInUse for the active version, for one replaced less than Options.DropDelay ago,
// and, for PurposeStore, when any value of the store is still sealed with it. For the
// other purposes the caller has made sure that nothing is.
func (k *Keyring) Drop(ctx context.Context, purpose string, version uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.ring.Load()
	if r == nil {
		return ErrSealed
	}
	if purpose == PurposeStore {
		n, err := countVersion(ctx, k.inner, version)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: %d values are sealed with version %d", ErrInUse, n, version)
		}
	}
	err := k.change(ctx, func(_ *rootKey, rec *record) error {
		at := -1
		var next *wrapped
		for i, w := range rec.Keys {
			switch {
			case w.Purpose != purpose:
			case w.Version == version:
				at = i
			case w.Version > version && next == nil:
				next = &rec.Keys[i]
			}
		}
		switch {
		case at < 0:
			return ErrUnknownVersion
		case next == nil:
			return fmt.Errorf("%w: it is the active version", ErrInUse)
		case k.opts.Clock.Now().Sub(next.Created) < k.opts.DropDelay:
			return fmt.Errorf("%w: it was replaced less than %v ago", ErrInUse, k.opts.DropDelay)
		}
		rec.Keys = slices.Delete(rec.Keys, at, at+1)
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal: dropping version %d of %q: %w", version, purpose, err)
	}
	return nil
}

// Info describes a keyring without its secrets.
type Info struct {
	Installation string    // random identifier, 32 hex digits
	Created      time.Time // of the keyring
	Provider     string    // kind
	Config       []byte    // the provider's configuration (JSON)
	Fingerprint  string    // of the root, 32 hex digits
}

func (r *record) info() Info {
	return Info{Installation: r.Installation, Created: r.Created, Provider: r.Provider.Kind, Config: r.Provider.Config, Fingerprint: r.Fingerprint}
}

// Info describes the open keyring.
func (k *Keyring) Info() (Info, error) {
	r := k.ring.Load()
	if r == nil {
		return Info{}, ErrSealed
	}
	return r.rec.info(), nil
}

// Inspect describes the keyring of a store without opening it, so nothing of it is
// verified. It returns ErrUninitialized or ErrKeyringMissing when there is none.
func Inspect(ctx context.Context, inner store.Store) (Info, error) {
	k := &Keyring{inner: inner}
	raw, err := k.read(ctx)
	if err != nil {
		return Info{}, err
	}
	rec, err := parseRecord(raw)
	if err != nil {
		return Info{}, err
	}
	return rec.info(), nil
}
