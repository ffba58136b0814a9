package hierarchical

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"fastness/encryptionsdk"
)

// Items is where a KeyStore keeps its items. It must be safe for use by several goroutines
// and processes.
type Items interface {
	// Item returns the item of a branch key with a type, or ErrNoBranchKey.
	Item(ctx context.Context, id, kind string) (*Item, error)
	// Add stores a new version and makes active the active item. A version must never be
	// overwritten, and must be stored before active points to it. replaces is the version of
	// the active item that active takes the place of; if that is another by now, or for ""
	// if there is one, Add fails.
	Add(ctx context.Context, version, active *Item, replaces string) error
}

// Protector protects branch keys in items. The maps are what is authenticated with the key.
// It must be safe for use by several goroutines.
type Protector interface {
	// KeyID names the protecting key: it becomes attribute "kms-arn".
	KeyID() string
	// Generate makes a branch key and returns it protected twice, for its two items.
	Generate(ctx context.Context, version, active map[string]string) (forVersion, forActive []byte, err error)
	// Open returns a protected branch key. The result is the caller's, who wipes it.
	Open(ctx context.Context, protected []byte, authenticated map[string]string) ([]byte, error)
	// Verify tells whether Open would succeed, with less access if there is a way.
	Verify(ctx context.Context, protected []byte, authenticated map[string]string) error
}

// KeyStore creates, rotates and finds branch keys.
type KeyStore struct {
	name      string
	items     Items
	protector Protector
	now       func() time.Time
}

var _ BranchKeyStore = (*KeyStore)(nil)

// NewKeyStore returns a key store over items. name is its logical name, authenticated with
// every branch key: an item does not open in a store of another name. now is the clock;
// nil: time.Now. It fails with ErrOptions.
func NewKeyStore(name string, items Items, protector Protector, now func() time.Time) (*KeyStore, error) {
	if name == "" || items == nil || protector == nil {
		return nil, fmt.Errorf("%w: a key store needs a name, items and a protector", encryptionsdk.ErrOptions)
	}
	if now == nil {
		now = time.Now
	}
	return &KeyStore{name: name, items: items, protector: protector, now: now}, nil
}

// Create makes a branch key with a first version, which is active. custom is an optional
// encryption context that stays with the branch key. It fails if the branch key exists.
func (s *KeyStore) Create(ctx context.Context, id string, custom encryptionsdk.EncryptionContext) error {
	if err := checkID(id); err != nil {
		return fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, err)
	}
	if _, err := s.items.Item(ctx, id, typeActive); err == nil {
		return fmt.Errorf("%w: branch key %q exists", encryptionsdk.ErrOptions, id)
	} else if !errors.Is(err, ErrNoBranchKey) {
		return err
	}
	attributes := map[string]string{}
	for k, v := range custom {
		attributes[customPrefix+k] = v
	}
	return s.add(ctx, id, attributes, "")
}

// Rotate gives a branch key a new version and makes it active. Data keys under older
// versions still open.
func (s *KeyStore) Rotate(ctx context.Context, id string) error {
	active, err := s.item(ctx, id, typeActive)
	if err != nil {
		return err
	}
	if err := s.protector.Verify(ctx, active.Protected, active.context(s.name)); err != nil {
		return fmt.Errorf("branch key %q: %w", id, err)
	}
	attributes := map[string]string{}
	for k, v := range active.Attributes {
		if strings.HasPrefix(k, customPrefix) {
			attributes[k] = v
		}
	}
	return s.add(ctx, id, attributes, active.Version())
}

// add makes and stores a version with custom attributes.
func (s *KeyStore) add(ctx context.Context, id string, custom map[string]string, replaces string) error {
	attributes := maps.Clone(custom)
	attributes[attrID] = id
	attributes[attrType] = versionPrefix + newVersion()
	attributes[attrCreated] = s.now().UTC().Format("2006-01-02T15:04:05.000000Z")
	attributes[attrKey] = s.protector.KeyID()
	attributes[attrHierarchy] = "1"
	version := &Item{Attributes: attributes}
	active := &Item{Attributes: maps.Clone(attributes)}
	active.Attributes[attrVersion] = attributes[attrType]
	active.Attributes[attrType] = typeActive
	var err error
	version.Protected, active.Protected, err = s.protector.Generate(ctx, version.context(s.name), active.context(s.name))
	if err != nil {
		return fmt.Errorf("branch key %q: %w", id, err)
	}
	return s.items.Add(ctx, version, active, replaces)
}

// ActiveBranchKey implements BranchKeyStore.
func (s *KeyStore) ActiveBranchKey(ctx context.Context, id string) (*BranchKey, error) {
	return s.open(ctx, id, typeActive)
}

// BranchKeyVersion implements BranchKeyStore.
func (s *KeyStore) BranchKeyVersion(ctx context.Context, id, version string) (*BranchKey, error) {
	return s.open(ctx, id, versionPrefix+version)
}

func (s *KeyStore) open(ctx context.Context, id, kind string) (*BranchKey, error) {
	item, err := s.item(ctx, id, kind)
	if err != nil {
		return nil, err
	}
	material, err := s.protector.Open(ctx, item.Protected, item.context(s.name))
	if err != nil {
		return nil, fmt.Errorf("branch key %q: %w", id, err)
	}
	if len(material) != BranchKeyLen {
		clear(material)
		return nil, fmt.Errorf("%w: branch key %q has %d bytes", encryptionsdk.ErrMaterials, id, len(material))
	}
	return &BranchKey{ID: id, Version: item.Version(), Material: material}, nil
}

// item gets an item and checks that it is what it should be.
func (s *KeyStore) item(ctx context.Context, id, kind string) (*Item, error) {
	if err := checkID(id); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBranchKey, err)
	}
	item, err := s.items.Item(ctx, id, kind)
	if err != nil {
		return nil, err
	}
	if err := item.check(id, kind); err != nil {
		return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrMaterials, err)
	}
	if item.Attributes[attrKey] != s.protector.KeyID() {
		return nil, fmt.Errorf("%w: branch key %q is protected by %q", encryptionsdk.ErrMaterials, id, item.Attributes[attrKey])
	}
	return item, nil
}
