package hierarchical

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// Item is one record of a key store: a protected branch key and attributes, with the names
// of AWS's key store table. All attributes are authenticated by the protection.
type Item struct {
	Attributes map[string]string
	Protected  []byte // attribute "enc" of the table
}

// Names of attributes and their fixed values.
const (
	attrID        = "branch-key-id"
	attrType      = "type"
	attrVersion   = "version"
	attrCreated   = "create-time"
	attrKey       = "kms-arn"
	attrHierarchy = "hierarchy-version"
	attrProtected = "enc"
	attrStore     = "tablename" // authenticated, but not part of the item
	customPrefix  = "aws-crypto-ec:"

	typeActive    = "branch:ACTIVE"
	versionPrefix = "branch:version:"
)

// ID is the identifier of the branch key.
func (i *Item) ID() string { return i.Attributes[attrID] }

// Type tells what the item is: "branch:ACTIVE", or "branch:version:" and the version.
func (i *Item) Type() string { return i.Attributes[attrType] }

// Version is the version of the branch key in the item, a UUID.
func (i *Item) Version() string {
	if i.Type() == typeActive {
		return strings.TrimPrefix(i.Attributes[attrVersion], versionPrefix)
	}
	return strings.TrimPrefix(i.Type(), versionPrefix)
}

// check looks whether the item is well-formed and of the wanted branch key and type.
func (i *Item) check(id, kind string) error {
	version, active := i.Attributes[attrVersion]
	if !active {
		version = i.Type()
	}
	uuid, prefixed := strings.CutPrefix(version, versionPrefix)
	_, wellFormed := parseVersion(uuid)
	switch {
	case i.ID() != id || i.Type() != kind:
		return errors.New("key store: another item than was asked for")
	case active != (kind == typeActive) || !prefixed || !wellFormed:
		return fmt.Errorf("key store: version of %q is malformed", id)
	case i.Attributes[attrHierarchy] != "1":
		return fmt.Errorf("key store: item of hierarchy version %q", i.Attributes[attrHierarchy])
	case i.Attributes[attrCreated] == "" || i.Attributes[attrKey] == "" || len(i.Protected) == 0:
		return fmt.Errorf("key store: attributes of %q are missing", id)
	}
	for name := range i.Attributes {
		switch name {
		case attrID, attrType, attrVersion, attrCreated, attrKey, attrHierarchy:
		default:
			if !strings.HasPrefix(name, customPrefix) {
				return fmt.Errorf("key store: unknown attribute %q", name)
			}
		}
	}
	return nil
}

// context is what the protection of the item authenticates.
func (i *Item) context(store string) map[string]string {
	c := maps.Clone(i.Attributes)
	c[attrStore] = store
	return c
}

// MarshalJSON writes the item as one object, the protected key in base64.
func (i Item) MarshalJSON() ([]byte, error) {
	m := maps.Clone(i.Attributes)
	if m == nil {
		m = map[string]string{}
	}
	m[attrProtected] = base64.StdEncoding.EncodeToString(i.Protected)
	return json.MarshalIndent(m, "", "  ")
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Item) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	protected, err := base64.StdEncoding.DecodeString(m[attrProtected])
	if err != nil {
		return errors.New("protected branch key is not base64")
	}
	delete(m, attrProtected)
	i.Attributes, i.Protected = m, protected
	return nil
}
