package kms

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/store"
)

// The indexes of grants. A grant is found by its grantee (authorization), by its
// parameters (a retried CreateGrant with a name) and by its retiring principal
// (ListRetirableGrants).
const (
	grantsByGrantee  = "kms/grant-to"     // account, Region, key, grantee, grant → empty
	grantsByRequest  = "kms/grant-named"  // account, Region, key, hash → grant
	grantsByRetiring = "kms/grant-retire" // Region, principal, account, key, grant → empty
)

// putGrant writes a grant and its indexes.
func (t *tables) putGrant(tx store.Txn, g *grantRecord) error {
	if err := t.grants.Put(tx, g); err != nil {
		return err
	}
	if err := tx.Put(g.granteeRow(), nil); err != nil {
		return err
	}
	if g.Name != "" {
		if err := tx.Put(g.requestRow(), []byte(g.ID)); err != nil {
			return err
		}
	}
	if g.Retiring != "" {
		return tx.Put(g.retiringRow(), nil)
	}
	return nil
}

// grantWrites is how many writes putGrant and deleteGrant make at most.
const grantWrites = 4

func (t *tables) deleteGrant(tx store.Txn, g *grantRecord) error {
	if err := t.grants.Delete(tx, g); err != nil {
		return err
	}
	if err := tx.Delete(g.granteeRow()); err != nil {
		return err
	}
	if g.Name != "" {
		if err := tx.Delete(g.requestRow()); err != nil {
			return err
		}
	}
	if g.Retiring != "" {
		return tx.Delete(g.retiringRow())
	}
	return nil
}

func (g *grantRecord) granteeRow() []byte {
	return rowKey(grantsByGrantee, g.Account, g.Region, g.KeyID, g.Grantee, g.ID)
}

// retiringRow begins with the Region: ListRetirableGrants lists one, whatever account
// the keys are of.
func (g *grantRecord) retiringRow() []byte {
	return rowKey(grantsByRetiring, g.Region, g.Retiring, g.Account, g.KeyID, g.ID)
}

// requestRow finds the grant that an identical, named request made.
func (g *grantRecord) requestRow() []byte {
	return rowKey(grantsByRequest, g.Account, g.Region, g.KeyID, g.requestHash())
}

// requestHash names the parameters of the request that made the grant.
func (g *grantRecord) requestHash() string {
	ops := make([]string, len(g.Operations))
	for i, op := range g.Operations {
		ops[i] = string(op)
	}
	slices.Sort(ops)
	// Marshalling strings and maps of strings cannot fail, and sorts the maps.
	b, _ := json.Marshal([]any{g.Name, g.Grantee, g.Retiring, g.Issuing, ops, g.Equals, g.Subset})
	sum := sha256.Sum256(b)
	return hexOf(sum[:])
}

// grantRequested returns the id of the grant that an identical request made, or "".
func (t *tables) grantRequested(r store.Reader, g *grantRecord) (string, error) {
	item, err := r.Get(g.requestRow())
	if isNotFound(err) {
		return "", nil
	}
	return string(item.Value), err
}

// hasGrants tells whether a key has any grant.
func (t *tables) hasGrants(r store.Reader, k keyName) (bool, error) {
	rg := store.Prefix(append(rowKey(grantsByGrantee, k.account, k.region, k.id), 0))
	rg.Limit = 1
	for _, err := range r.Scan(rg) {
		return err == nil, err
	}
	return false, nil
}

// countGrants counts the grants of a key.
func (t *tables) countGrants(r store.Reader, k keyName) (n int, err error) {
	for _, err := range r.Scan(store.Prefix(append(rowKey(grantsByGrantee, k.account, k.region, k.id), 0))) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// grantsTo returns the grants of a key to one grantee.
func (t *tables) grantsTo(r store.Reader, k keyName, grantee string) ([]grantRecord, error) {
	ids, err := lastParts(r, "", 0, grantsByGrantee, k.account, k.region, k.id, grantee)
	if err != nil {
		return nil, err
	}
	grants := make([]grantRecord, 0, len(ids))
	for _, id := range ids {
		g, err := t.grants.Get(r, k.account, k.region, k.id, id)
		if err != nil {
			return nil, fmt.Errorf("kms: grant %s: %w", id, err)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// pageOfGrants returns grants of a key in the order of their ids, behind after, at most
// limit; to one grantee, or to all if that is empty.
func (t *tables) pageOfGrants(r store.Reader, k keyName, grantee, after string, limit int) ([]grantRecord, error) {
	if grantee == "" {
		return t.grants.under(r, after, limit, k.account, k.region, k.id)
	}
	ids, err := lastParts(r, after, limit, grantsByGrantee, k.account, k.region, k.id, grantee)
	if err != nil {
		return nil, err
	}
	var grants []grantRecord
	for _, id := range ids {
		g, err := t.grants.Get(r, k.account, k.region, k.id, id)
		if err != nil {
			return nil, fmt.Errorf("kms: grant %s: %w", id, err)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// retirable returns grants that a principal may retire in a Region, behind after (the
// last three components of a row), at most limit.
func (t *tables) retirable(r store.Reader, region, principal, after string, limit int) ([]grantRecord, error) {
	rows, err := lastParts(r, after, limit, grantsByRetiring, region, principal)
	if err != nil {
		return nil, err
	}
	var grants []grantRecord
	for _, row := range rows {
		part := strings.Split(row, "\x00")
		if len(part) != 3 {
			return nil, fmt.Errorf("kms: malformed row %q of %s", row, grantsByRetiring)
		}
		g, err := t.grants.Get(r, part[0], region, part[1], part[2])
		if err != nil {
			return nil, fmt.Errorf("kms: grant %s: %w", part[2], err)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// lastParts returns what follows the given components in the rows of an index, behind
// after, at most limit (0: all).
func lastParts(r store.Reader, after string, limit int, index string, prefix ...string) ([]string, error) {
	base := append(rowKey(index, prefix...), 0)
	rg := store.Prefix(base)
	if after != "" {
		rg.Start = append(append(slices.Clone(base), after...), 0)
	}
	rg.Limit = limit
	var parts []string
	for item, err := range r.Scan(rg) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, string(bytes.TrimPrefix(item.Key, base)))
	}
	return parts, nil
}
