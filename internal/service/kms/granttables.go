package kms

import (
	"crypto/sha256"
	"encoding/json"
	"slices"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// grantIndexes find a grant by its grantee (authorization), by its parameters (a
// retried CreateGrant with a name) and by its retiring principal (ListRetirableGrants,
// which lists one Region, whatever account the keys are of).
func grantIndexes() []table.Index[grantRecord] {
	return []table.Index[grantRecord]{
		{Name: grantsByGrantee, Keys: func(g *grantRecord) [][]table.Part {
			return [][]table.Part{parts(g.Grantee)}
		}},
		{Name: grantsByRequest, Unique: true, Keys: func(g *grantRecord) [][]table.Part {
			if g.Name == "" {
				return nil
			}
			return [][]table.Part{g.key().parts(g.requestHash())}
		}},
		{Name: grantsByRetirer, Keys: func(g *grantRecord) [][]table.Part {
			if g.Retiring == "" {
				return nil
			}
			return [][]table.Part{parts(g.Retiring)}
		}},
	}
}

// grantWrites is how many writes a grant takes at most: itself and three indexes.
const grantWrites = 4

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

func (t *tables) grant(r store.Reader, n keyName, id string) (*grantRecord, error) {
	return t.grants.Get(r, regional(n.region), n.parts(id)...)
}

func (t *tables) deleteGrant(tx store.Txn, g *grantRecord) error {
	return t.grants.Delete(tx, regional(g.Region), g.key().parts(g.ID)...)
}

// grantRequested returns the id of the grant that an identical, named request made, or
// "".
func (t *tables) grantRequested(r store.Reader, g *grantRecord) (string, error) {
	made, err := t.grants.GetUnique(r, regional(g.Region), grantsByRequest, g.key().parts(g.requestHash())...)
	if isNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

// hasGrants tells whether a key has any grant.
func (t *tables) hasGrants(r store.Reader, n keyName) (bool, error) {
	return exists(t.grants.Scan(r, regional(n.region), table.Page{Prefix: n.parts(), Limit: 1}))
}

// countGrants counts the grants of a key. There may be 50,000: they are not decoded.
func (t *tables) countGrants(r store.Reader, n keyName) (count int, err error) {
	for _, err := range r.Scan(store.Prefix(t.grants.Key(regional(n.region), n.parts()...))) {
		if err != nil {
			return 0, err
		}
		count++
	}
	return count, nil
}

// below are the entries of a grantee in grantsByGrantee for one key: the id of a grant,
// which begins with its key, follows the grantee.
func (n keyName) below(grantee string) []table.Part { return parts(grantee, n.account, n.id) }

// grantsTo returns the grants of a key to one grantee.
func (t *tables) grantsTo(r store.Reader, n keyName, grantee string) ([]grantRecord, error) {
	return collect(t.grants.ScanIndex(r, regional(n.region), grantsByGrantee, table.Page{Prefix: n.below(grantee)}))
}

// someGrants returns grants of a key, at most limit.
func (t *tables) someGrants(r store.Reader, n keyName, limit int) ([]grantRecord, error) {
	return collect(t.grants.Scan(r, regional(n.region), table.Page{Prefix: n.parts(), Limit: limit}))
}

// pageOfGrants returns a page of the grants of a key in the order of their ids: those
// to one grantee, or all if that is empty.
func (t *tables) pageOfGrants(r store.Reader, n keyName, grantee string, p position) ([]grantRecord, string, error) {
	if grantee == "" {
		return listing(t.grants.Scan(r, regional(n.region), p.page(n.parts()...)), p.limit, nil)
	}
	return listing(t.grants.ScanIndex(r, regional(n.region), grantsByGrantee, p.page(n.below(grantee)...)), p.limit, nil)
}

// retirable returns a page of the grants that a principal may retire in a Region.
func (t *tables) retirable(r store.Reader, region, principal string, p position) ([]grantRecord, string, error) {
	return listing(t.grants.ScanIndex(r, regional(region), grantsByRetirer, p.page(parts(principal)...)), p.limit, nil)
}
