package kms

import (
	"context"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// keyStoreRecord is a custom key store that is backed by an external proxy.
type keyStoreRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	ID      string `json:"id"` // cks- and 17 hexadecimal digits

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
	Account string `json:"account"`
	Region  string `json:"region"`
	ID      string `json:"id"`

	Secret string `json:"secret"`
}

type keyStoreName struct{ account, region, id string }

func (r *keyStoreRecord) name() keyStoreName { return keyStoreName{r.Account, r.Region, r.ID} }

func (t *tables) keyStore(r store.Reader, n keyStoreName) (*keyStoreRecord, error) {
	return t.keyStores.Get(r, everywhere, parts(n.account, n.region, n.id)...)
}

// keyStoresOf returns the key stores of an account and Region.
func (t *tables) keyStoresOf(r store.Reader, account, region string) ([]keyStoreRecord, error) {
	return collect(t.keyStores.Scan(r, everywhere, table.Page{Prefix: parts(account, region)}))
}

// allKeyStores returns the key stores of all accounts and Regions.
func (t *tables) allKeyStores(ctx context.Context, s store.Store) (all []keyStoreRecord, err error) {
	err = s.View(ctx, func(r store.Reader) (err error) {
		all, err = collect(t.keyStores.Scan(r, everywhere, table.Page{}))
		return err
	})
	return all, err
}

func (t *tables) keyStoreSecret(r store.Reader, n keyStoreName) (*keyStoreSecret, error) {
	return t.keyStoreSecrets.Get(r, table.Scope{Account: n.account, Region: n.region}, parts(n.id)...)
}

// deleteKeyStore removes a key store and its secret.
func (t *tables) deleteKeyStore(tx store.Txn, n keyStoreName) error {
	if err := t.keyStores.Delete(tx, everywhere, parts(n.account, n.region, n.id)...); err != nil {
		return err
	}
	return absent(t.keyStoreSecrets.Delete(tx, table.Scope{Account: n.account, Region: n.region}, parts(n.id)...))
}

// externalKeys finds the KMS key of an external key in a key store.
func externalKeys(k *keyRecord) [][]table.Part {
	if k.KeyStore == "" {
		return nil
	}
	return [][]table.Part{parts(k.Account, k.KeyStore, k.External)}
}

// externalInUse tells whether a KMS key of the store uses the external key.
func (t *tables) externalInUse(r store.Reader, n keyStoreName, external string) (bool, error) {
	_, err := t.keys.GetUnique(r, regional(n.region), keysByExternal, parts(n.account, n.id, external)...)
	return err == nil, absent(err)
}

// hasKeys tells whether a store has KMS keys.
func (t *tables) hasKeys(r store.Reader, n keyStoreName) (bool, error) {
	return exists(t.keys.ScanIndex(r, regional(n.region), keysByExternal, table.Page{Prefix: parts(n.account, n.id), Limit: 1}))
}
