package kms

import (
	"context"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

// keyStoreRecord is a custom key store that is backed by an external proxy.
type keyStoreRecord struct {
	Account string `json:"-"`
	Region  string `json:"-"`
	ID      string `json:"-"` // cks- and 17 hexadecimal digits

	Name    string                         `json:"name"`
	Created time.Time                      `json:"created"`
	State   kmsapi.ConnectionStateType     `json:"state"`
	Error   kmsapi.ConnectionErrorCodeType `json:"error,omitempty"` // in state FAILED
	Proxy   proxyRecord                    `json:"proxy"`
	// Generation rises with every change of Proxy, of the credential and of State, so
	// that whoever looked at the store before knows that it has changed.
	Generation int `json:"generation"`
}

// proxyRecord says where a proxy is. The secret of its credential is a record of its
// own, which is read only to connect.
type proxyRecord struct {
	Connectivity kmsapi.XksProxyConnectivityType `json:"connectivity"`
	Endpoint     string                          `json:"endpoint"` // https://name
	Path         string                          `json:"path"`
	Service      string                          `json:"service,omitempty"` // VPC endpoint service
	ServiceOwner string                          `json:"serviceOwner,omitempty"`
	AccessKeyID  string                          `json:"accessKeyId"`
}

func (p *proxyRecord) private() bool {
	return p.Connectivity == kmsapi.XksProxyConnectivityTypeVPCEndpointService
}

// keyStoreSecret is the secret access key for the proxy of a key store.
type keyStoreSecret struct {
	Account string `json:"-"`
	Region  string `json:"-"`
	ID      string `json:"-"`

	Secret string `json:"secret"`
}

type keyStoreName struct{ account, region, id string }

func (r *keyStoreRecord) tuple() []string     { return []string{r.Account, r.Region, r.ID} }
func (r *keyStoreRecord) setTuple(t []string) { r.Account, r.Region, r.ID = t[0], t[1], t[2] }
func (r *keyStoreRecord) name() keyStoreName  { return keyStoreName{r.Account, r.Region, r.ID} }

func (r *keyStoreSecret) tuple() []string     { return []string{r.Account, r.Region, r.ID} }
func (r *keyStoreSecret) setTuple(t []string) { r.Account, r.Region, r.ID = t[0], t[1], t[2] }

// allKeyStores returns the key stores of all accounts and Regions.
func (t *tables) allKeyStores(ctx context.Context, s store.Store) ([]keyStoreRecord, error) {
	var all []keyStoreRecord
	err := s.View(ctx, func(r store.Reader) error {
		all = nil
		for item, err := range r.Scan(store.Prefix(rowKey(t.keyStores.name))) {
			if err != nil {
				return err
			}
			rec, err := t.keyStores.decode(item)
			if err != nil {
				return err
			}
			all = append(all, rec)
		}
		return nil
	})
	return all, err
}

// externalIndex finds the KMS key of an external key in a key store.
const externalIndex = "kms/external-key"

func (t *tables) putExternal(tx store.Txn, k *keyRecord) error {
	return tx.Put(rowKey(externalIndex, k.Account, k.Region, k.KeyStore, k.External), []byte(k.ID))
}

// externalInUse tells whether a KMS key of the store uses the external key. The row of
// a key that has been destroyed since does not count.
func (t *tables) externalInUse(r store.Reader, s keyStoreName, external string) (bool, error) {
	item, err := r.Get(rowKey(externalIndex, s.account, s.region, s.id, external))
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return t.keyExists(r, s, string(item.Value))
}

func (t *tables) keyExists(r store.Reader, s keyStoreName, id string) (bool, error) {
	_, err := t.keys.Get(r, s.account, s.region, id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// maxStaleRows bounds how many rows of destroyed keys one transaction removes.
const maxStaleRows = 64

// emptyKeyStore tells whether a store has no KMS keys, and removes the rows of keys
// that were destroyed.
func (t *tables) emptyKeyStore(tx store.Txn, s keyStoreName) (bool, error) {
	var stale [][]byte
	for item, err := range tx.Scan(store.Prefix(append(rowKey(externalIndex, s.account, s.region, s.id), 0))) {
		if err != nil {
			return false, err
		}
		alive, err := t.keyExists(tx, s, string(item.Value))
		if alive || err != nil {
			return false, err
		}
		if len(stale) < maxStaleRows {
			stale = append(stale, item.Key)
		}
	}
	for _, key := range stale {
		if err := tx.Delete(key); err != nil {
			return false, err
		}
	}
	return true, nil
}
