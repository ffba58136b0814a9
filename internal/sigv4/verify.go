package sigv4

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"
)

// Clock tells the time; internal/clock's clocks are ones.
type Clock interface{ Now() time.Time }

// Bounds of a Verifier when its Options leave them zero.
const (
	// DefaultCachedKeys is the number of derived keys kept, about 0.5 KiB each.
	DefaultCachedKeys = 4096
	// DefaultMaxChunk is the largest signed chunk, in bytes. A signed chunk is held
	// in memory until its signature is verified; AWS's clients send 64 KiB to
	// 128 KiB.
	DefaultMaxChunk = 1 << 20
)

// maxScratch is the largest canonical request, in bytes, whose memory is used again.
const maxScratch = 64 << 10

// Options configures a Verifier.
type Options struct {
	// Clock is required.
	Clock Clock
	// MaxCachedKeys bounds the cache of derived keys; 0 means DefaultCachedKeys.
	MaxCachedKeys int
	// MaxChunk bounds a signed chunk in bytes; 0 means DefaultMaxChunk.
	MaxChunk int
}

// Verifier checks signatures. It is safe for concurrent use.
type Verifier struct {
	clock    Clock
	maxChunk int
	cache    *keyCache
	salt     [sha256.Size]byte // keys identify
	dummy    []byte            // the secret of access keys that do not exist
	scratch  sync.Pool
}

// NewVerifier makes a Verifier. It fails only for want of a clock.
func NewVerifier(o Options) (*Verifier, error) {
	if o.Clock == nil {
		return nil, errors.New("sigv4: a verifier needs a clock")
	}
	if o.MaxCachedKeys <= 0 {
		o.MaxCachedKeys = DefaultCachedKeys
	}
	if o.MaxChunk <= 0 {
		o.MaxChunk = DefaultMaxChunk
	}
	v := &Verifier{clock: o.Clock, maxChunk: o.MaxChunk, cache: newKeyCache(o.MaxCachedKeys), dummy: make([]byte, 40)}
	rand.Read(v.salt[:]) // never fails
	rand.Read(v.dummy)
	v.scratch.New = func() any { return new(scratch) }
	return v, nil
}

// Verify checks s against the secret access key and the body, which is complete and
// in memory. A nil error means: whoever holds the secret signed this method, path,
// query, these headers and this body, for this Region and service, now. A refusal
// is an *Error; any other error means that the secret cannot be a key (empty, or too
// short where FIPS 140-3 is enforced). The secret is not kept; the key derived from it is, until Forget or
// until another secret arrives under the same access key id.
func (v *Verifier) Verify(s *Signature, secret []byte, rules Rules, body []byte) error {
	return v.verifyBuffered(s, secret, true, &rules, body)
}

// VerifyUnknown refuses a request under an access key id that nobody has, after the
// same work that a wrong signature under a known one costs. The error is of
// KindUnknownAccessKey, or the one that any key would have got (scope, time, form).
func (v *Verifier) VerifyUnknown(s *Signature, rules Rules, body []byte) error {
	return v.verifyBuffered(s, v.dummy, false, &rules, body)
}

func (v *Verifier) verifyBuffered(s *Signature, secret []byte, known bool, rules *Rules, body []byte) error {
	if err := s.check(rules, v.clock.Now()); err != nil {
		return err
	}
	if s.Payload.Streaming() {
		return s.fail(KindPayloadMode, "A payload in chunks must be read as a stream.", "")
	}
	var digest [2 * sha256.Size]byte
	hashed := s.Payload == PayloadHash || s.Payload == PayloadImplicit && !rules.S3
	if hashed {
		sum := sha256.Sum256(body)
		hex.Encode(digest[:], sum[:])
	}
	payload := s.PayloadSHA256
	switch {
	case s.Payload == PayloadImplicit && rules.S3:
		payload = unsignedPayload
	case s.Payload == PayloadImplicit:
		payload = ""
	}
	if _, err := v.authenticate(s, secret, known, rules, payload, digest[:]); err != nil {
		return err
	}
	if s.Payload == PayloadHash && subtle.ConstantTimeCompare(digest[:], []byte(s.PayloadSHA256)) != 1 {
		return s.payloadMismatch()
	}
	return nil
}

func (s *Signature) payloadMismatch() *Error {
	return s.fail(KindPayloadMismatch, textMismatch, textPayloadS3)
}

// VerifyStream checks s like Verify, but for a body that is still to be read. The
// returned Body yields the decoded bytes and an *Error in place of io.EOF if they
// are not what was signed. Bytes of a signed chunk are released only after its
// signature is verified; with a single signed hash (PayloadHash) or a trailing
// checksum they are released before, so the reader must not commit them before
// io.EOF. A body whose hash no header gives (PayloadImplicit) must be buffered and
// go to Verify, unless rules.S3.
func (v *Verifier) VerifyStream(s *Signature, secret []byte, rules Rules, body io.Reader) (*Body, error) {
	return v.verifyStream(s, secret, true, &rules, body)
}

// VerifyStreamUnknown is to VerifyStream what VerifyUnknown is to Verify. It does
// not read the body.
func (v *Verifier) VerifyStreamUnknown(s *Signature, rules Rules) error {
	_, err := v.verifyStream(s, v.dummy, false, &rules, nil)
	return err
}

func (v *Verifier) verifyStream(s *Signature, secret []byte, known bool, rules *Rules, body io.Reader) (*Body, error) {
	if err := s.check(rules, v.clock.Now()); err != nil {
		return nil, err
	}
	payload := s.PayloadSHA256
	if s.Payload == PayloadImplicit {
		if !rules.S3 {
			return nil, s.fail(KindPayloadMode, "A payload without 'x-amz-content-sha256' must be buffered.", "")
		}
		payload = unsignedPayload
	}
	key, err := v.authenticate(s, secret, known, rules, payload, nil)
	if err != nil {
		return nil, err
	}
	return s.newBody(body, key, v.maxChunk)
}

// authenticate compares the signature with the one that secret gives. payload is
// the payload hash verbatim, or empty for digest. Every refusal here costs one key
// derivation and a MAC under a fresh key, whether the key was cached, not cached or
// does not exist, so that the time of an answer does not tell which access keys
// exist or are in use. Only a key that verified is cached: strangers cannot fill
// the cache.
func (v *Verifier) authenticate(s *Signature, secret []byte, known bool, rules *Rules, payload string, digest []byte) (*signingKey, error) {
	sc := v.scratch.Get().(*scratch)
	defer func() {
		if cap(sc.canonical) <= maxScratch { // one huge request must not stay for ever
			v.scratch.Put(sc)
		}
	}()
	var complete bool
	sc.canonical, complete = s.appendCanonical(sc, sc.canonical[:0], rules, payload)
	if payload == "" {
		sc.canonical = append(sc.canonical, digest...)
	}
	sc.sts = s.appendStringToSign(sc, sc.sts[:0], sc.canonical)

	name := scopeKey{algorithm: s.Algorithm, accessKeyID: s.AccessKeyID}
	if s.Algorithm == HMAC {
		name.date, name.region, name.service = s.Date, s.Region, s.Service
	}
	id := v.identify(sc, secret)
	var key *signingKey
	if known {
		key = v.cache.get(name)
	}
	cached := key != nil && subtle.ConstantTimeCompare(key.id[:], id[:]) == 1
	if !cached {
		var err error
		if key, err = derive(s, secret, id); err != nil {
			return nil, err
		}
	}
	right := key.verify(sc, sc.sts, s.raw[:s.rawLen])
	if right && known && complete {
		if !cached {
			v.cache.put(name, key)
		}
		return key, nil
	}
	if cached {
		burn, err := derive(s, v.dummy, id)
		if err != nil {
			return nil, err
		}
		if burn.public == nil {
			burn.sum(&sc.mac, sc.sts)
		}
	} else if key.public == nil {
		key.sum(&sc.mac, sc.sts) // what the cached key cost
	}
	e := s.fail(KindMismatch, textMismatch, textMismatchS3)
	e.AccessKeyID, e.SignatureProvided = s.AccessKeyID, s.provided
	e.StringToSign, e.CanonicalRequest = string(sc.sts), string(sc.canonical)
	if !known {
		*e = Error{Kind: KindUnknownAccessKey, Message: textUnknown, S3Message: textUnknownS3, Presigned: s.Presigned, AccessKeyID: s.AccessKeyID}
	}
	return nil, e
}

// derive makes the key of s from a secret whose identity is id.
func derive(s *Signature, secret []byte, id [sha256.Size]byte) (*signingKey, error) {
	key := &signingKey{id: id}
	var err error
	if s.Algorithm == HMAC {
		key.mac, err = deriveHMAC(secret, s.Date, s.Region, s.Service)
	} else {
		key.public, err = publicECDSA(s.AccessKeyID, secret)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// identify is a digest of the secret under a salt of this process. It ties a cached
// key to its secret without keeping the secret.
func (v *Verifier) identify(sc *scratch, secret []byte) [sha256.Size]byte {
	sc.secret = append(append(sc.secret[:0], v.salt[:]...), secret...)
	id := sha256.Sum256(sc.secret)
	clear(sc.secret)
	return id
}

// Forget drops the derived keys of an access key, when it is deleted, disabled or
// given another secret.
func (v *Verifier) Forget(accessKeyID string) { v.cache.forget(accessKeyID) }
