package filecrypt

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

// keys is what a run encrypts and decrypts with.
type keys struct {
	manager encryptionsdk.MaterialsManager
	closers []io.Closer // raw keys to forget
}

func (k *keys) close() {
	for _, c := range k.closers {
		_ = c.Close()
	}
}

// newKeys makes the keyrings of all groups. The first key of the first group makes the
// data keys; the others wrap them, too.
func newKeys(ctx context.Context, o *Options) (_ *keys, err error) {
	k := new(keys)
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	var all []encryptionsdk.Keyring
	for i := range o.WrappingKeys {
		g := &o.WrappingKeys[i]
		made, err := k.keyrings(ctx, g, o.Mode)
		if err != nil {
			return nil, fmt.Errorf("wrapping keys of %s: %w", g.Provider, err)
		}
		all = append(all, made...)
	}
	keyring := all[0]
	if len(all) > 1 {
		if keyring, err = encryptionsdk.NewMultiKeyring(all[0], all[1:]...); err != nil {
			return nil, err
		}
	}
	k.manager = encryptionsdk.NewDefaultManager(keyring)
	if c := o.Caching; c != nil {
		k.manager, err = encryptionsdk.NewCachingManager(k.manager, encryptionsdk.CachingOptions{
			Capacity: c.Capacity, MaxAge: c.MaxAge, MaxMessages: c.MaxMessages, MaxBytes: c.MaxBytes,
		})
		if err != nil {
			return nil, usage("--caching: %w", err)
		}
	}
	return k, nil
}

func (k *keys) keyrings(ctx context.Context, g *KeyGroup, mode Mode) ([]encryptionsdk.Keyring, error) {
	switch g.Provider {
	case providerKMS:
		return kmsKeyrings(ctx, g)
	case providerAES:
		key, err := g.aesKey()
		if err != nil {
			return nil, err
		}
		defer clear(key)
		r, err := rawkeyring.NewAES(g.Namespace, g.Name, key)
		if err != nil {
			return nil, err
		}
		k.closers = append(k.closers, r)
		return []encryptionsdk.Keyring{r}, nil
	case providerRSA:
		public, private, err := g.rsaKey()
		if err != nil {
			return nil, err
		}
		if private == nil && mode.decrypts() {
			return nil, errors.New("decrypting needs the private key, and this is a public one")
		}
		r, err := rawkeyring.NewRSA(g.Namespace, g.Name, paddings[g.Padding], public, private)
		if err != nil {
			return nil, err
		}
		k.closers = append(k.closers, r)
		return []encryptionsdk.Keyring{r}, nil
	}
	return nil, fmt.Errorf("there is no provider %q", g.Provider)
}
