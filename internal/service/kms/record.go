package kms

import (
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/keyslot"
)

// keyRecord is one KMS key in one Region. A multi-Region key has a record in each of
// its Regions; ID, Ref, Spec, Usage and Origin are the same in all of them.
type keyRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	ID      string `json:"id"`

	// Ref names the key in ciphertext blobs: 16 random bytes, the same in all Regions of
	// a multi-Region key, and not derived from the id.
	Ref         []byte          `json:"ref"`
	Spec        string          `json:"spec"`
	Usage       string          `json:"usage"`
	Origin      string          `json:"origin"`
	State       kmsapi.KeyState `json:"state"`
	Description string          `json:"description,omitempty"`
	Created     time.Time       `json:"created"`
	Policy      string          `json:"policy"` // see storedPolicy
	Tags        []tag           `json:"tags,omitempty"`
	// Managed says that it is an AWS managed key, see managed.go.
	Managed bool `json:"managed,omitempty"`

	// Deletion is set in the states PendingDeletion and PendingReplicaDeletion.
	Deletion *deletion `json:"deletion,omitempty"`
	// Rotation is set once automatic rotation has been enabled.
	Rotation *rotation `json:"rotation,omitempty"`
	// OnDemandRotations counts RotateKeyOnDemand, which has a quota.
	OnDemandRotations int `json:"onDemandRotations,omitempty"`
	// Material is the id of the current key material, empty while there is none.
	Material string `json:"material,omitempty"`
	// Public is the SubjectPublicKeyInfo of an asymmetric key (DER).
	Public      []byte       `json:"public,omitempty"`
	MultiRegion *multiRegion `json:"multiRegion,omitempty"`
	// KeyStore and External are set for keys in custom key stores.
	KeyStore string `json:"keyStore,omitempty"`
	External string `json:"external,omitempty"` // XKS key id
}

// tag is one tag of a key, in the order the caller gave.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// deletion is a scheduled destruction.
type deletion struct {
	// Date is when the key is destroyed; zero while a primary waits for its replicas.
	Date time.Time `json:"date,omitzero"`
	Days int       `json:"days"`
	// Dying is set when the waiting period is over: the key does not exist any more, and
	// what is left of it is being removed.
	Dying bool `json:"dying,omitempty"`
}

// rotation is the automatic rotation of a key.
type rotation struct {
	Enabled    bool      `json:"enabled"`
	PeriodDays int       `json:"periodDays"`
	Next       time.Time `json:"next,omitzero"`
}

// multiRegion says where the other parts of a multi-Region key are.
type multiRegion struct {
	Type     kmsapi.MultiRegionKeyType `json:"type"`
	Primary  string                    `json:"primary"`  // Region
	Replicas []string                  `json:"replicas"` // Regions, sorted
}

// materialRecord is one key material of a key.
type materialRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	KeyID   string `json:"key"`
	ID      string `json:"id"` // 64 hexadecimal digits

	State kmsapi.KeyMaterialState `json:"state"`
	// Slot and Wrapped are how the material is kept; both empty while imported
	// material is absent.
	Slot    keyslot.SlotID `json:"slot,omitzero"`
	Wrapped []byte         `json:"wrapped,omitempty"`
	// Order numbers the materials of a key from 1: the first one, then each rotation.
	Order   int       `json:"order"`
	Created time.Time `json:"created"`
	// Rotated is when it became current by a rotation, and Type how; zero for the first.
	Rotated time.Time           `json:"rotated,omitzero"`
	Type    kmsapi.RotationType `json:"type,omitempty"`
	// For imported material.
	Import          kmsapi.ImportState         `json:"import,omitempty"`
	ExpirationModel kmsapi.ExpirationModelType `json:"expirationModel,omitempty"`
	ValidTo         time.Time                  `json:"validTo,omitzero"`
	Description     string                     `json:"description,omitempty"`
}

// aliasRecord is a friendly name.
type aliasRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"` // with the prefix "alias/"

	KeyID   string    `json:"key"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// grantRecord is a permission outside policies.
type grantRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	KeyID   string `json:"key"`
	ID      string `json:"id"` // 64 hexadecimal digits

	Name       string                  `json:"name,omitempty"`
	Created    time.Time               `json:"created"`
	Grantee    string                  `json:"grantee"` // see storedPrincipal
	Retiring   string                  `json:"retiring,omitempty"`
	Issuing    string                  `json:"issuing"` // the account that issued it, as an ARN
	Operations []kmsapi.GrantOperation `json:"operations"`
	// Constraints; an empty map is a constraint too, nil is none.
	Equals map[string]string `json:"equals,omitzero"`
	Subset map[string]string `json:"subset,omitzero"`
}

func keyARN(account, region, id string) string {
	return "arn:" + call.Partition + ":kms:" + region + ":" + account + ":key/" + id
}

// aliasARN takes the name with its prefix "alias/".
func aliasARN(account, region, name string) string {
	return "arn:" + call.Partition + ":kms:" + region + ":" + account + ":" + name
}

// key is the key that the grant is on.
func (g *grantRecord) key() keyName { return keyName{g.Account, g.Region, g.KeyID} }

// key is the key that the material is of.
func (m *materialRecord) key() keyName { return keyName{m.Account, m.Region, m.KeyID} }

func (r *keyRecord) name() keyName { return keyName{r.Account, r.Region, r.ID} }

func (r *keyRecord) arn() string { return keyARN(r.Account, r.Region, r.ID) }

func tagMap(tags []tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
