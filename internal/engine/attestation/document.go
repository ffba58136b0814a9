package attestation

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"math"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Bounds of a document, from AWS's description of the format and of the KMS
// RecipientInfo parameter.
const (
	// MaxDocumentBytes bounds the whole signed document (KMS API: AttestationDocument).
	MaxDocumentBytes = 262_144
	// MaxPayloadBytes bounds the signed CBOR map inside it.
	MaxPayloadBytes = 16_384
	// MaxCertificateBytes bounds each DER certificate.
	MaxCertificateBytes = 1024
	// MaxBundleCertificates bounds the issuing chain. AWS sends four; the bound is ours.
	MaxBundleCertificates = 16
	// MaxPublicKeyBytes bounds the DER public key.
	MaxPublicKeyBytes = 1024
	// MaxUserDataBytes bounds user_data and nonce, each.
	MaxUserDataBytes = 512
	// MaxModuleIDBytes bounds module_id. AWS gives no bound; this one is ours.
	MaxModuleIDBytes = 1024
	// MinRecipientKeyBits and MaxRecipientKeyBits bound the RSA modulus of public_key.
	MinRecipientKeyBits = 2048
	MaxRecipientKeyBits = 4096

	maxPCRs = 32
)

// Source says which platform measured the caller.
type Source int

const (
	// Enclave is a Nitro Enclave: PCR0 is the SHA-384 of its image.
	Enclave Source = iota + 1
	// NitroTPM is an instance with NitroTPM: PCRs follow the TPM 2.0 boot measurements.
	NitroTPM
)

// String names the source for logs.
func (s Source) String() string {
	switch s {
	case Enclave:
		return "enclave"
	case NitroTPM:
		return "nitrotpm"
	default:
		return "unknown"
	}
}

// Document is what a verified attestation document says.
type Document struct {
	// Source tells an enclave's registers from a NitroTPM's.
	Source Source
	// ModuleID names the hypervisor module that issued the document.
	ModuleID string
	// Timestamp is when it was issued, to the millisecond, UTC.
	Timestamp time.Time
	// PCRs maps the index of each locked register (0..31) to its 32, 48 or 64 bytes.
	PCRs map[int][]byte
	// PublicKey is the RSA key to encrypt answers for; nil if the document has none.
	PublicKey *rsa.PublicKey
	// UserData and Nonce are the caller's own signed bytes; nil if absent.
	UserData []byte
	Nonce    []byte

	certificate []byte
	bundle      [][]byte
}

// ImageSHA384 is the digest of the enclave image, PCR0 in lower-case hexadecimal,
// and whether the document has one. A NitroTPM document never has.
func (d *Document) ImageSHA384() (digest string, ok bool) {
	if d.Source != Enclave {
		return "", false
	}
	pcr, ok := d.PCRs[0]
	return hex.EncodeToString(pcr), ok
}

// payloadWire holds each field unparsed, so that absence, null and a wrong type
// can be told apart.
type payloadWire struct {
	ModuleID    cbor.RawMessage `cbor:"module_id"`
	Digest      cbor.RawMessage `cbor:"digest"`
	Timestamp   cbor.RawMessage `cbor:"timestamp"`
	PCRs        cbor.RawMessage `cbor:"pcrs"`
	TPMPCRs     cbor.RawMessage `cbor:"nitrotpm_pcrs"`
	Certificate cbor.RawMessage `cbor:"certificate"`
	Bundle      cbor.RawMessage `cbor:"cabundle"`
	PublicKey   cbor.RawMessage `cbor:"public_key"`
	UserData    cbor.RawMessage `cbor:"user_data"`
	Nonce       cbor.RawMessage `cbor:"nonce"`
}

// parsePayload decodes the signed map and applies the syntactical rules. Fields
// that AWS does not list are refused.
func parsePayload(dec cbor.DecMode, payload []byte) (*Document, error) {
	if major(payload) != majorMap {
		return nil, malformed("payload is not a map")
	}
	var wire payloadWire
	if err := dec.Unmarshal(payload, &wire); err != nil {
		return nil, malformed("payload: %w", err)
	}
	doc := new(Document)
	steps := []func(cbor.DecMode, *payloadWire) error{
		doc.readIdentity, doc.readPCRs, doc.readCertificates, doc.readOptional,
	}
	for _, step := range steps {
		if err := step(dec, &wire); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (d *Document) readIdentity(dec cbor.DecMode, wire *payloadWire) error {
	if major(wire.ModuleID) != majorText {
		return badField("module_id", "not a text string")
	}
	if err := dec.Unmarshal(wire.ModuleID, &d.ModuleID); err != nil {
		return badField("module_id", "%v", err)
	}
	if n := len(d.ModuleID); n == 0 || n > MaxModuleIDBytes {
		return badField("module_id", "%d bytes, want 1 to %d", n, MaxModuleIDBytes)
	}
	if major(wire.Digest) != majorText {
		return badField("digest", "not a text string")
	}
	var digest string
	if err := dec.Unmarshal(wire.Digest, &digest); err != nil || digest != "SHA384" {
		return badField("digest", "not SHA384")
	}
	if major(wire.Timestamp) != majorUint {
		return badField("timestamp", "not an unsigned integer")
	}
	var millis uint64
	if err := dec.Unmarshal(wire.Timestamp, &millis); err != nil || millis == 0 || millis > math.MaxInt64 {
		return badField("timestamp", "not a positive number of milliseconds")
	}
	d.Timestamp = time.UnixMilli(int64(millis)).UTC()
	return nil
}

func (d *Document) readPCRs(dec cbor.DecMode, wire *payloadWire) error {
	raw, name := wire.PCRs, "pcrs"
	d.Source = Enclave
	if wire.TPMPCRs != nil {
		if wire.PCRs != nil {
			return badField("nitrotpm_pcrs", "present together with pcrs")
		}
		raw, name = wire.TPMPCRs, "nitrotpm_pcrs"
		d.Source = NitroTPM
	}
	if major(raw) != majorMap {
		return badField(name, "not a map")
	}
	var registers map[uint64]cbor.RawMessage
	if err := dec.Unmarshal(raw, &registers); err != nil {
		return badField(name, "%v", err)
	}
	if n := len(registers); n == 0 || n > maxPCRs {
		return badField(name, "%d registers, want 1 to %d", n, maxPCRs)
	}
	d.PCRs = make(map[int][]byte, len(registers))
	for index, rawValue := range registers {
		if index >= maxPCRs {
			return badField(name, "index %d beyond %d", index, maxPCRs-1)
		}
		value, ok := byteString(dec, rawValue)
		if !ok {
			return badField(name, "register %d is not a byte string", index)
		}
		switch len(value) {
		case 32, 48, 64:
		default:
			return badField(name, "register %d has %d bytes, want 32, 48 or 64", index, len(value))
		}
		d.PCRs[int(index)] = value
	}
	return nil
}

func (d *Document) readCertificates(dec cbor.DecMode, wire *payloadWire) error {
	certificate, ok := byteString(dec, wire.Certificate)
	if !ok || len(certificate) == 0 || len(certificate) > MaxCertificateBytes {
		return badField("certificate", "not a byte string of 1 to %d bytes", MaxCertificateBytes)
	}
	d.certificate = certificate
	if major(wire.Bundle) != majorArray {
		return badField("cabundle", "not an array")
	}
	var bundle []cbor.RawMessage
	if err := dec.Unmarshal(wire.Bundle, &bundle); err != nil {
		return badField("cabundle", "%v", err)
	}
	if n := len(bundle); n == 0 || n > MaxBundleCertificates {
		return badField("cabundle", "%d certificates, want 1 to %d", n, MaxBundleCertificates)
	}
	for i, raw := range bundle {
		der, ok := byteString(dec, raw)
		if !ok || len(der) == 0 || len(der) > MaxCertificateBytes {
			return badField("cabundle", "entry %d is not a byte string of 1 to %d bytes", i, MaxCertificateBytes)
		}
		d.bundle = append(d.bundle, der)
	}
	return nil
}

func (d *Document) readOptional(dec cbor.DecMode, wire *payloadWire) error {
	der, err := optionalBytes(dec, "public_key", wire.PublicKey, 1, MaxPublicKeyBytes)
	if err != nil {
		return err
	}
	if der != nil {
		if d.PublicKey, err = parseRecipientKey(der); err != nil {
			return err
		}
	}
	if d.UserData, err = optionalBytes(dec, "user_data", wire.UserData, 0, MaxUserDataBytes); err != nil {
		return err
	}
	d.Nonce, err = optionalBytes(dec, "nonce", wire.Nonce, 0, MaxUserDataBytes)
	return err
}

// optionalBytes reads a field that may be absent. AWS's text forbids null, yet
// its hypervisor writes null for an optional field the enclave did not ask for,
// so null means absent here.
func optionalBytes(dec cbor.DecMode, name string, raw cbor.RawMessage, shortest, longest int) ([]byte, error) {
	if raw == nil || isNull(raw) {
		return nil, nil
	}
	b, ok := byteString(dec, raw)
	if !ok {
		return nil, badField(name, "not a byte string")
	}
	if len(b) < shortest || len(b) > longest {
		return nil, badField(name, "%d bytes, want %d to %d", len(b), shortest, longest)
	}
	return b, nil
}

func parseRecipientKey(der []byte) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, badField("public_key", "not a SubjectPublicKeyInfo: %v", err)
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, badField("public_key", "not an RSA key")
	}
	if err := checkRecipientKey(pub); err != nil {
		return nil, badField("public_key", "%v", err)
	}
	return pub, nil
}
