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

// Bootstrap makes the account with an access key for its root user. When the account
// exists already nothing happens, and the key is nil: a secret is shown once.
func (d *Directory) Bootstrap(ctx context.Context, accountID string) (*RootKey, error) {
	var made *RootKey
	err := d.ensure(ctx, accountID, func(t *tx, a *account) error {
		k, err := t.newKey(&keyOwner{root: a})
		if err != nil {
			return err
		}
		made = &RootKey{Account: accountID, AccessKeyID: k.ID, Secret: append([]byte(nil), k.Secret...)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
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
