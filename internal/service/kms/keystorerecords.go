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

// deleteExternal frees the external key of a KMS key that is destroyed.
func (t *tables) deleteExternal(tx store.Txn, k *keyRecord) error {
	if k.KeyStore == "" {
		return nil
	}
	return tx.Delete(rowKey(externalIndex, k.Account, k.Region, k.KeyStore, k.External))
}

// externalInUse tells whether a KMS key of the store uses the external key.
func (t *tables) externalInUse(r store.Reader, s keyStoreName, external string) (bool, error) {
	_, err := r.Get(rowKey(externalIndex, s.account, s.region, s.id, external))
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// hasKeys tells whether a store has KMS keys.
func (t *tables) hasKeys(r store.Reader, s keyStoreName) (bool, error) {
	first := store.Prefix(append(rowKey(externalIndex, s.account, s.region, s.id), 0))
	first.Limit = 1
	for _, err := range r.Scan(first) {
		return err == nil, err
	}
	return false, nil
}
