package seal

import "errors"

// The errors of this package; match them with errors.Is.
var (
	// ErrIntegrity: sealed data was changed, cut, or belongs elsewhere.
	ErrIntegrity = errors.New("seal: integrity check failed")
	// ErrSealed: the keys are not in memory (not yet unsealed, or sealed again).
	ErrSealed = errors.New("seal: sealed")
	// ErrUninitialized: the store is empty and has no keyring yet.
	ErrUninitialized = errors.New("seal: not initialized")
	// ErrAlreadyInitialized: the store has a keyring.
	ErrAlreadyInitialized = errors.New("seal: already initialized")
	// ErrKeyringMissing: the store holds data, but not the keyring record that its keys
	// are in. Restore the record from a backup; a new root would not open the data.
	ErrKeyringMissing = errors.New("seal: the store holds data but its keyring record is missing")
	// ErrWrongKey: the provider's key does not open the root key.
	ErrWrongKey = errors.New("seal: the key does not open the root key")
	// ErrWrongProvider: the keyring is protected by another kind of provider.
	ErrWrongProvider = errors.New("seal: the keyring is protected by another kind of provider")
	// ErrRootChanged: the root was changed by another process and this one's provider
	// cannot follow.
	ErrRootChanged = errors.New("seal: the root key was changed elsewhere")
	// ErrReservedKey: a key below the prefix of the keyring.
	ErrReservedKey = errors.New("seal: reserved key")
	// ErrUnknownVersion: data names a version of a domain key that is not in the
	// keyring (dropped, or never there).
	ErrUnknownVersion = errors.New("seal: unknown key version")
	// ErrUnknownPurpose: the keyring has no domain key for the purpose.
	ErrUnknownPurpose = errors.New("seal: unknown purpose")
	// ErrInUse: the version still seals data, or was active too recently to be dropped.
	ErrInUse = errors.New("seal: key version in use")
	// ErrTooManyKeys: the keyring record is full; drop old versions first.
	ErrTooManyKeys = errors.New("seal: too many domain keys")
)
