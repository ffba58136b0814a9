package attestation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func TestVerifyReadsAnEnclaveDocument(t *testing.T) {
	p := newPlatform(t)
	key, spki := recipientKey(t, 2048)
	f := p.fields(spki)
	f["user_data"] = []byte("user data")
	f["nonce"] = []byte{}
	payload := mustCBOR(t, f)
	for name, document := range map[string][]byte{
		"untagged": p.sign(t, payload, false, p.leafKey),
		"tagged":   p.sign(t, payload, true, p.leafKey),
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := NewVerifier(p.rootPool, 0).Verify(document, testNow)
			if err != nil {
				t.Fatal(err)
			}
			if doc.Source != Enclave || doc.ModuleID != "i-0123456789abcdef0-enc0123456789abcdef" {
				t.Errorf("source %v, module %q", doc.Source, doc.ModuleID)
			}
			if !doc.Timestamp.Equal(testNow) {
				t.Errorf("timestamp %v", doc.Timestamp)
			}
			if len(doc.PCRs) != 5 || !bytes.Equal(doc.PCRs[31], bytes.Repeat([]byte{31}, 48)) {
				t.Errorf("PCRs %v", doc.PCRs)
			}
			if digest, ok := doc.ImageSHA384(); !ok || digest != strings.Repeat("a0", 48) {
				t.Errorf("image digest %q, %v", digest, ok)
			}
			if doc.PublicKey == nil || !doc.PublicKey.Equal(&key.PublicKey) {
				t.Error("public key differs")
			}
			if string(doc.UserData) != "user data" || doc.Nonce == nil || len(doc.Nonce) != 0 {
				t.Errorf("user data %q, nonce %v", doc.UserData, doc.Nonce)
			}
		})
	}
}

func TestVerifyTakesNullForAnAbsentOptionalField(t *testing.T) {
	p := newPlatform(t)
	f := p.fields(nil)
	f["public_key"], f["user_data"], f["nonce"] = nil, nil, nil
	doc, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if doc.PublicKey != nil || doc.UserData != nil || doc.Nonce != nil {
		t.Errorf("got %+v", doc)
	}
}

func TestVerifyKeepsNitroTPMApart(t *testing.T) {
	p := newPlatform(t)
	f := p.fields(nil)
	f["nitrotpm_pcrs"] = f["pcrs"]
	delete(f, "pcrs")
	doc, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := doc.ImageSHA384(); ok || doc.Source != NitroTPM || len(doc.PCRs) != 5 {
		t.Errorf("source %v, %d PCRs, image digest %v", doc.Source, len(doc.PCRs), ok)
	}
}

func TestVerifyRefusesBrokenFields(t *testing.T) {
	p := newPlatform(t)
	_, spki := recipientKey(t, 2048)
	_, weak := recipientKey(t, 1024)
	ecDER, err := x509.MarshalPKIXPublicKey(&p.leafKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pcr48 := make([]byte, 48)
	manyPCRs := map[any]any{}
	for i := range 33 {
		manyPCRs[i] = pcr48
	}
	manyCertificates := make([][]byte, MaxBundleCertificates+1)
	for i := range manyCertificates {
		manyCertificates[i] = p.bundle[0]
	}
	drop := struct{}{} // marks a field to leave out
	cases := []struct {
		name  string
		field string
		value any
		want  error
	}{
		{"no module id", "module_id", drop, ErrField},
		{"null module id", "module_id", nil, ErrField},
		{"empty module id", "module_id", "", ErrField},
		{"module id as bytes", "module_id", []byte("i-1"), ErrField},
		{"long module id", "module_id", strings.Repeat("m", MaxModuleIDBytes+1), ErrField},
		{"no digest", "digest", drop, ErrField},
		{"other digest", "digest", "SHA512", ErrField},
		{"digest as number", "digest", 384, ErrField},
		{"no timestamp", "timestamp", drop, ErrField},
		{"zero timestamp", "timestamp", 0, ErrField},
		{"negative timestamp", "timestamp", -1, ErrField},
		{"timestamp as text", "timestamp", "1", ErrField},
		{"timestamp as float", "timestamp", 1.5e12, ErrField},
		{"timestamp beyond int64", "timestamp", uint64(1) << 63, ErrField},
		{"no pcrs", "pcrs", drop, ErrField},
		{"null pcrs", "pcrs", nil, ErrField},
		{"empty pcrs", "pcrs", map[any]any{}, ErrField},
		{"pcrs as array", "pcrs", [][]byte{pcr48}, ErrField},
		{"33 pcrs", "pcrs", manyPCRs, ErrField},
		{"pcr index 32", "pcrs", map[any]any{32: pcr48}, ErrField},
		{"negative pcr index", "pcrs", map[any]any{-1: pcr48}, ErrField},
		{"pcr index as text", "pcrs", map[any]any{"0": pcr48}, ErrField},
		{"short pcr", "pcrs", map[any]any{0: make([]byte, 47)}, ErrField},
		{"empty pcr", "pcrs", map[any]any{0: []byte{}}, ErrField},
		{"pcr as text", "pcrs", map[any]any{0: strings.Repeat("p", 48)}, ErrField},
		{"pcr as array of bytes", "pcrs", map[any]any{0: make([]int, 32)}, ErrField},
		{"both kinds of pcrs", "nitrotpm_pcrs", map[any]any{0: pcr48}, ErrField},
		{"no certificate", "certificate", drop, ErrField},
		{"empty certificate", "certificate", []byte{}, ErrField},
		{"long certificate", "certificate", make([]byte, MaxCertificateBytes+1), ErrField},
		{"certificate of noise", "certificate", []byte("noise"), ErrCertificate},
		{"no bundle", "cabundle", drop, ErrField},
		{"empty bundle", "cabundle", [][]byte{}, ErrField},
		{"bundle as bytes", "cabundle", p.bundle[0], ErrField},
		{"bundle of text", "cabundle", []string{"x"}, ErrField},
		{"bundle with an empty entry", "cabundle", [][]byte{p.bundle[0], {}}, ErrField},
		{"bundle with a long entry", "cabundle", [][]byte{make([]byte, MaxCertificateBytes+1)}, ErrField},
		{"bundle of 17", "cabundle", manyCertificates, ErrField},
		{"bundle of noise", "cabundle", [][]byte{[]byte("noise")}, ErrCertificate},
		{"bundle without the issuer", "cabundle", p.bundle[:2], ErrCertificate},
		{"empty public key", "public_key", []byte{}, ErrField},
		{"long public key", "public_key", make([]byte, MaxPublicKeyBytes+1), ErrField},
		{"public key as text", "public_key", string(bytes.ToValidUTF8(spki, []byte("?"))), ErrField},
		{"public key of noise", "public_key", []byte("noise"), ErrField},
		{"elliptic public key", "public_key", ecDER, ErrField},
		{"weak public key", "public_key", weak, ErrField},
		{"long user data", "user_data", make([]byte, MaxUserDataBytes+1), ErrField},
		{"user data as text", "user_data", "u", ErrField},
		{"long nonce", "nonce", make([]byte, MaxUserDataBytes+1), ErrField},
		{"unknown field", "extra", 1, ErrMalformed},
		{"field in capitals", "NONCE", []byte{1}, ErrMalformed},
		{"payload beyond its bound", "user_data", make([]byte, MaxPayloadBytes), ErrTooLarge},
		{"tag inside", "nonce", cbor.Tag{Number: 24, Content: []byte{1}}, ErrMalformed},
		{"deep nesting", "nonce", [][][][][][][][][]int{{{{{{{{{1}}}}}}}}}, ErrMalformed},
		{"long array", "nonce", make([]int, 33), ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := maps.Clone(p.fields(spki))
			if c.value == drop {
				delete(f, c.field)
			} else {
				f[c.field] = c.value
			}
			doc, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if doc != nil {
				t.Error("a refused document was returned")
			}
		})
	}
}

// Some hypervisors write the payload as a map of indefinite length.
func TestVerifyTakesIndefiniteLengths(t *testing.T) {
	p := newPlatform(t)
	payload := mustCBOR(t, p.fields(nil))
	payload[0] = 0xbf
	payload = append(payload, 0xff)
	v := NewVerifier(p.rootPool, 0)
	if _, err := v.Verify(p.sign(t, payload, false, p.leafKey), testNow); err != nil {
		t.Error(err)
	}
	twice := append(bytes.Clone(payload[:len(payload)-1]), mustCBOR(t, "digest")...)
	twice = append(append(twice, mustCBOR(t, "SHA384")...), 0xff)
	if _, err := v.Verify(p.sign(t, twice, false, p.leafKey), testNow); !errors.Is(err, ErrMalformed) {
		t.Errorf("duplicate key: %v", err)
	}
}

func TestVerifyRefusesDuplicateRegisters(t *testing.T) {
	p := newPlatform(t)
	f := p.fields(nil)
	one := append(mustCBOR(t, 0), mustCBOR(t, make([]byte, 48))...)
	f["pcrs"] = cbor.RawMessage(append(append([]byte{0xa2}, one...), one...))
	if _, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow); !errors.Is(err, ErrField) && !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyRefusesDuplicateKeys(t *testing.T) {
	p := newPlatform(t)
	payload := mustCBOR(t, p.fields(nil))
	// One more pair in a map of six: the head byte counts them.
	if payload[0] != 0xa6 {
		t.Fatalf("payload head %#x", payload[0])
	}
	twice := append([]byte{0xa7}, payload[1:]...)
	twice = append(twice, mustCBOR(t, "module_id")...)
	twice = append(twice, mustCBOR(t, "other")...)
	_, err := NewVerifier(p.rootPool, 0).Verify(p.sign(t, twice, false, p.leafKey), testNow)
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyRefusesBrokenEnvelopes(t *testing.T) {
	p := newPlatform(t)
	payload := mustCBOR(t, p.fields(nil))
	good := p.sign(t, payload, false, p.leafKey)
	var parts []cbor.RawMessage
	if err := cbor.Unmarshal(good, &parts); err != nil {
		t.Fatal(err)
	}
	rebuilt := func(i int, v any) []byte {
		other := append([]cbor.RawMessage(nil), parts...)
		other[i] = mustCBOR(t, v)
		return mustCBOR(t, other)
	}
	header := func(v any) []byte { return mustCBOR(t, v) }
	cases := map[string][]byte{
		"empty":                      {},
		"noise":                      []byte("noise"),
		"other tag":                  append([]byte{0xd1}, good...),
		"tag twice":                  append([]byte{0xd2, 0xd2}, good...),
		"trailing byte":              append(append([]byte(nil), good...), 0),
		"truncated":                  good[:len(good)-1],
		"three parts":                mustCBOR(t, parts[:3]),
		"five parts":                 mustCBOR(t, append(append([]cbor.RawMessage(nil), parts...), parts[0])),
		"protected as map":           rebuilt(0, map[int]int{1: es384}),
		"protected empty":            rebuilt(0, []byte{}),
		"algorithm ES256":            rebuilt(0, header(map[int]int{1: -7})),
		"algorithm as text":          rebuilt(0, header(map[int]string{1: "ES384"})),
		"second protected parameter": rebuilt(0, header(map[int]int{1: es384, 3: 0})),
		"unprotected parameter":      rebuilt(1, map[int]int{4: 1}),
		"unprotected null":           rebuilt(1, nil),
		"payload null":               rebuilt(2, nil),
		"payload empty":              rebuilt(2, []byte{}),
		"payload as text":            rebuilt(2, "payload"),
		"payload not a map":          rebuilt(2, header([]int{1})),
		"short signature":            rebuilt(3, make([]byte, 95)),
		"signature as text":          rebuilt(3, strings.Repeat("s", 96)),
	}
	for name, document := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := NewVerifier(p.rootPool, 0).Verify(document, testNow); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := NewVerifier(p.rootPool, 0).Verify(make([]byte, MaxDocumentBytes+1), testNow); !errors.Is(err, ErrTooLarge) {
		t.Errorf("oversized document: %v", err)
	}
}

func TestVerifyRefusesEveryFlippedByte(t *testing.T) {
	p := newPlatform(t)
	v := NewVerifier(p.rootPool, 0)
	good := p.document(t, p.fields(nil))
	if _, err := v.Verify(good, testNow); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x01
		if _, err := v.Verify(bad, testNow); err == nil {
			t.Fatalf("byte %d flipped and still accepted", i)
		}
	}
}

func TestVerifyRefusesWrongSigners(t *testing.T) {
	p := newPlatform(t)
	other := newPlatform(t)
	payload := mustCBOR(t, p.fields(nil))
	zero := func(document []byte) []byte {
		b := bytes.Clone(document)
		clear(b[len(b)-es384SignatureBytes:])
		return b
	}
	good := p.sign(t, payload, false, p.leafKey)
	for name, c := range map[string]struct {
		roots    *x509.CertPool
		document []byte
		now      time.Time
		want     error
	}{
		"wrong root":              {other.rootPool, good, testNow, ErrCertificate},
		"empty pool":              {x509.NewCertPool(), good, testNow, ErrCertificate},
		"no pool":                 {nil, good, testNow, ErrCertificate},
		"signed by another key":   {p.rootPool, p.sign(t, payload, false, other.leafKey), testNow, ErrSignature},
		"zero signature":          {p.rootPool, zero(good), testNow, ErrSignature},
		"certificate expired":     {p.rootPool, good, testNow.Add(4 * time.Hour), ErrCertificate},
		"certificate not yet":     {p.rootPool, good, testNow.Add(-2 * time.Minute), ErrCertificate},
		"chain and root expired":  {p.rootPool, good, testNow.Add(49 * time.Hour), ErrCertificate},
		"foreign bundle injected": {p.rootPool, other.document(t, other.fields(nil)), testNow, ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewVerifier(c.roots, 0).Verify(c.document, c.now); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestVerifyRefusesUnsuitableCertificates(t *testing.T) {
	p := newPlatform(t)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	anAuthority := authority("sub", 0)
	noUsage := leafTemplate()
	noUsage.KeyUsage = x509.KeyUsageKeyAgreement
	for name, c := range map[string]struct {
		template *x509.Certificate
		key      *ecdsa.PrivateKey
	}{
		"certificate authority": {anAuthority, p.leafKey},
		"no digital signature":  {noUsage, p.leafKey},
		"key on P-256":          {leafTemplate(), p256},
	} {
		t.Run(name, func(t *testing.T) {
			f := p.fields(nil)
			f["certificate"] = issue(t, c.template, p.inter, &c.key.PublicKey, p.interKey).Raw
			if _, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow); !errors.Is(err, ErrCertificate) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("path too long", func(t *testing.T) {
		// inter has path length zero; a further authority below it may not sign.
		key := newKey(t)
		sub := issue(t, authority("below", 0), p.inter, &key.PublicKey, p.interKey)
		f := p.fields(nil)
		f["certificate"] = issue(t, leafTemplate(), sub, &p.leafKey.PublicKey, key).Raw
		f["cabundle"] = append(append([][]byte(nil), p.bundle...), sub.Raw)
		if _, err := NewVerifier(p.rootPool, 0).Verify(p.document(t, f), testNow); !errors.Is(err, ErrCertificate) {
			t.Errorf("got %v", err)
		}
	})
}

func TestVerifyBoundsTheAge(t *testing.T) {
	p := newPlatform(t)
	document := p.document(t, p.fields(nil))
	v := NewVerifier(p.rootPool, 5*time.Minute)
	for _, c := range []struct {
		now  time.Time
		want error
	}{
		{testNow, nil},
		{testNow.Add(5 * time.Minute), nil},
		{testNow.Add(5*time.Minute + time.Millisecond), ErrStale},
		{testNow.Add(-time.Minute), nil},
	} {
		if _, err := v.Verify(document, c.now); !errors.Is(err, c.want) {
			t.Errorf("at %v: got %v, want %v", c.now.Sub(testNow), err, c.want)
		}
	}
	f := p.fields(nil)
	f["timestamp"] = uint64(testNow.Add(2 * time.Minute).UnixMilli())
	if _, err := v.Verify(p.document(t, f), testNow); !errors.Is(err, ErrStale) {
		t.Errorf("document from the future: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	p := newPlatform(f)
	_, spki := recipientKey(f, 2048)
	payload := mustCBOR(f, p.fields(spki))
	f.Add(p.sign(f, payload, false, p.leafKey))
	f.Add(p.sign(f, payload, true, p.leafKey))
	tpm := p.fields(nil)
	tpm["nitrotpm_pcrs"] = tpm["pcrs"]
	delete(tpm, "pcrs")
	f.Add(p.document(f, tpm))
	// Certificates of noise keep most mutations short of the slow chain building.
	small := p.fields(nil)
	small["certificate"], small["cabundle"] = []byte{0x30}, [][]byte{{0x30}}
	small["user_data"], small["nonce"] = []byte("u"), nil
	f.Add(p.document(f, small))
	f.Add([]byte{0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x41, 0xa0, 0x40})
	v := NewVerifier(p.rootPool, time.Hour)
	f.Fuzz(func(t *testing.T, document []byte) {
		doc, err := v.Verify(document, testNow)
		if (doc == nil) == (err == nil) {
			t.Fatalf("document %v with error %v", doc, err)
		}
		if doc != nil && (len(doc.PCRs) == 0 || doc.ModuleID == "") {
			t.Fatal("accepted document lacks required fields")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p := newPlatform(b)
	_, spki := recipientKey(b, 2048)
	document := p.document(b, p.fields(spki))
	v := NewVerifier(p.rootPool, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(document, testNow); err != nil {
			b.Fatal(err)
		}
	}
}
