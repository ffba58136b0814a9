package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"fastness/internal/securemem"
	"fastness/internal/store"
)

// The keyring record stands under one key of the store, below a prefix that the
// sealed store refuses to everyone else:
//
//	"FSTNSEAL" | 1 | JSON of record | AES-CMAC of all before (16 bytes)
//
// The key of the authentication code is derived from the root, so the provider's part
// of the record is used before it is verified; each provider bounds what it reads
// there, and binds its configuration into the wrapping of the root.

const (
	reservedPrefix = "\x00seal\x00"
	recordKey      = reservedPrefix + "keyring"
	recordMagic    = "FSTNSEAL\x01"
	recordFormat   = 1

	// maxRecordBytes bounds the record, below store.MaxValueBytes.
	maxRecordBytes = 384 << 10
	// maxDomainKeys bounds the versions of all purposes together; with six purposes
	// rotated each day and never dropped it is reached after 170 days.
	maxDomainKeys = 1024
	// maxPurposeBytes bounds the name of a purpose ([a-z0-9-]).
	maxPurposeBytes = 32

	labelWrap        = "fastness keyring: wrap domain keys"
	labelRecord      = "fastness keyring: record"
	labelFingerprint = "fastness keyring: fingerprint"
	fingerprintBytes = 16
	installBytes     = 16
)

// record is the JSON of the keyring record.
type record struct {
	Format       int        `json:"format"`
	Installation string     `json:"installation"` // random, 32 hex digits
	Created      time.Time  `json:"created"`
	Serial       uint64     `json:"serial"` // grows with each change
	Provider     protection `json:"provider"`
	Fingerprint  string     `json:"fingerprint"` // of the root, 32 hex digits
	Keys         []wrapped  `json:"keys"`        // per purpose in rising versions
}

// protection is how the root is protected.
type protection struct {
	Kind    string `json:"kind"`
	Config  []byte `json:"config"`  // the provider's own JSON, kept byte for byte
	Wrapped []byte `json:"wrapped"` // the root
}

// wrapped is one version of a domain key under the root.
type wrapped struct {
	Purpose string    `json:"purpose"`
	Version uint32    `json:"version"` // from 1
	Created time.Time `json:"created"`
	Key     []byte    `json:"key"`
}

// checkPurpose allows 1 to maxPurposeBytes of a-z, 0-9 and hyphen.
func checkPurpose(p string) error {
	if len(p) < 1 || len(p) > maxPurposeBytes {
		return fmt.Errorf("%w: %q", ErrUnknownPurpose, p)
	}
	for _, c := range []byte(p) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("%w: %q", ErrUnknownPurpose, p)
		}
	}
	return nil
}

// parseRecord decodes a record and checks its form, not its authentication code.
func parseRecord(b []byte) (record, error) {
	bad := func(what string) (record, error) {
		return record{}, fmt.Errorf("%w: keyring record: %s", ErrIntegrity, what)
	}
	if len(b) > maxRecordBytes {
		return bad("too long")
	}
	body, ok := bytes.CutPrefix(b, []byte(recordMagic))
	if !ok || len(body) < blockBytes {
		return bad("not a keyring record")
	}
	dec := json.NewDecoder(bytes.NewReader(body[:len(body)-blockBytes]))
	dec.DisallowUnknownFields()
	var r record
	if err := dec.Decode(&r); err != nil {
		return bad("malformed")
	}
	if _, err := dec.Token(); err != io.EOF {
		return bad("trailing data")
	}
	switch {
	case r.Format != recordFormat:
		return bad(fmt.Sprintf("unknown format %d", r.Format))
	case !isHex(r.Installation, installBytes) || !isHex(r.Fingerprint, fingerprintBytes):
		return bad("malformed identifier")
	case r.Provider.Kind == "" || len(r.Provider.Kind) > maxPurposeBytes:
		return bad("no provider")
	case len(r.Keys) > maxDomainKeys:
		return bad("too many keys")
	}
	last := map[string]uint32{}
	for _, k := range r.Keys {
		if checkPurpose(k.Purpose) != nil || k.Version <= last[k.Purpose] || len(k.Key) != 32+xaesOverhead {
			return bad("malformed key entry")
		}
		last[k.Purpose] = k.Version
	}
	return r, nil
}

func isHex(s string, n int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == n && hex.EncodeToString(b) == s
}

// randomHex is n random bytes as hex digits, for identifiers that are not secret.
func randomHex(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("seal: reading random bytes: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// encode writes the record with its authentication code.
func (r *record) encode(root *rootKey) ([]byte, error) {
	j, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("seal: encoding the keyring record: %w", err)
	}
	b := append([]byte(recordMagic), j...)
	if len(b)+blockBytes > maxRecordBytes || len(r.Keys) > maxDomainKeys {
		return nil, ErrTooManyKeys
	}
	var tag [blockBytes]byte
	if err := root.mac.With(func(c cipher.Block) { tag = cmac(c, b) }); err != nil {
		return nil, sealedErr(err)
	}
	return append(b, tag[:]...), nil
}

// verify checks the authentication code of an encoded record.
func verifyRecord(b []byte, root *rootKey) error {
	if len(b) < blockBytes {
		return fmt.Errorf("%w: keyring record: too short", ErrIntegrity)
	}
	body, tag := b[:len(b)-blockBytes], b[len(b)-blockBytes:]
	var want [blockBytes]byte
	if err := root.mac.With(func(c cipher.Block) { want = cmac(c, body) }); err != nil {
		return sealedErr(err)
	}
	if subtle.ConstantTimeCompare(tag, want[:]) != 1 {
		return fmt.Errorf("%w: keyring record: wrong authentication code", ErrIntegrity)
	}
	return nil
}

// readRecord reads the raw record: ErrUninitialized in an empty store,
// ErrKeyringMissing in one with data.
func readRecord(r store.Reader) ([]byte, error) {
	it, err := r.Get([]byte(recordKey))
	if err == nil {
		return it.Value, nil
	}
	if !isNotFound(err) {
		return nil, fmt.Errorf("seal: reading the keyring record: %w", err)
	}
	for _, err := range r.Scan(store.Range{Limit: 1}) {
		if err != nil {
			return nil, fmt.Errorf("seal: looking for data: %w", err)
		}
		return nil, ErrKeyringMissing
	}
	return nil, ErrUninitialized
}

// rootKey is the root in memory.
type rootKey struct {
	raw         *securemem.Secret // 32 bytes
	wrap        *xaes             // wraps domain keys
	mac         *securemem.Block  // authenticates the record
	fingerprint string
}

// expandRoot derives the working keys of a root and takes it over.
func expandRoot(a *securemem.Arena, raw *securemem.Secret) (_ *rootKey, err error) {
	r := &rootKey{raw: raw}
	defer func() {
		if err != nil {
			r.destroy()
		}
	}()
	var b *securemem.Block
	if e := raw.With(func(key []byte) { b, err = a.NewBlock(key) }); e != nil {
		return nil, sealedErr(e)
	}
	if err != nil {
		return nil, err
	}
	defer b.Destroy()
	wrapKey, err := deriveSecret(a, b, labelWrap, 32)
	if err != nil {
		return nil, err
	}
	defer wrapKey.Destroy()
	_ = wrapKey.With(func(key []byte) { r.wrap, err = newXAES(a, key) })
	if err != nil {
		return nil, err
	}
	if r.mac, err = deriveBlock(a, b, labelRecord); err != nil {
		return nil, err
	}
	fp, err := deriveSecret(a, b, labelFingerprint, fingerprintBytes)
	if err != nil {
		return nil, err
	}
	defer fp.Destroy()
	_ = fp.With(func(f []byte) { r.fingerprint = hex.EncodeToString(f) })
	return r, nil
}

func (r *rootKey) destroy() {
	r.raw.Destroy()
	r.mac.Destroy()
	if r.wrap != nil {
		r.wrap.destroy()
	}
}

// domainAAD binds a wrapped domain key to its place.
func domainAAD(installation, purpose string, version uint32) []byte {
	b := []byte("fastness domain key\x00" + installation + "\x00" + purpose + "\x00")
	return binary.BigEndian.AppendUint32(b, version)
}

// wrapKey wraps a domain key.
func (r *rootKey) wrapKey(key *securemem.Secret, installation, purpose string, version uint32) (out []byte, err error) {
	if e := key.With(func(k []byte) { out, err = r.wrap.seal(nil, k, domainAAD(installation, purpose, version)) }); e != nil {
		return nil, sealedErr(e)
	}
	return out, err
}

// unwrapKey opens a wrapped domain key into the arena.
func (r *rootKey) unwrapKey(a *securemem.Arena, w wrapped, installation string) (*securemem.Secret, error) {
	s, err := a.New(32)
	if err != nil {
		return nil, err
	}
	_ = s.With(func(k []byte) { _, err = r.wrap.open(k[:0:32], w.Key, domainAAD(installation, w.Purpose, w.Version)) })
	if err != nil {
		s.Destroy()
		if err == errTag {
			err = fmt.Errorf("%w: domain key %s version %d", ErrIntegrity, w.Purpose, w.Version)
		}
		return nil, err
	}
	return s, nil
}
