package iam

import (
	"context"
	"fmt"

	"fastness/internal/arn"
	"fastness/internal/store"
)

// RootKey is an access key of an account's root user. Whoever receives it writes it
// where only the operator reads, and clears Secret.
type RootKey struct {
	Account     string
	AccessKeyID string
	Secret      []byte
}

// Bootstrap makes the account with an access key for its root user, unless the account
// exists. The key is given to persist before the account is durable, so that no
// account comes to be whose key nobody has; persist may run more than once, and the
// last key it was given counts. It must not keep the key, which is zeroed.
func (d *Directory) Bootstrap(ctx context.Context, accountID string, persist func(*RootKey) error) error {
	return d.ensure(ctx, accountID, func(t *tx, a *account) error {
		k, err := t.newKey(&keyOwner{root: a})
		if err != nil {
			return err
		}
		made := &RootKey{Account: accountID, AccessKeyID: k.ID, Secret: append([]byte(nil), k.Secret...)}
		defer clear(made.Secret)
		return persist(made)
	})
}

// EnsureAccount makes the account, without any access key, unless it exists.
func (d *Directory) EnsureAccount(ctx context.Context, accountID string) error {
	return d.ensure(ctx, accountID, func(t *tx, a *account) error { return t.saveAccount(a) })
}

// ensure runs make in a transaction if the account does not exist.
func (d *Directory) ensure(ctx context.Context, accountID string, make func(*tx, *account) error) error {
	if !arn.IsAccountID(accountID) {
		return fmt.Errorf("iam: %q is not an account id", accountID)
	}
	_, err := d.store.Update(ctx, func(st store.Txn) error {
		t := newTx(st, d, nil, accountID, d.clock.Now())
		if there, err := find(t, d.tables.accounts); err != nil || there != nil {
			return err
		}
		a, err := t.accountRecord()
		if err != nil {
			return err
		}
		return make(t, a)
	})
	return err
}
