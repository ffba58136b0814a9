package clienthello

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

// Extensions that say what fingerprints tell.
const (
	extensionServerName          = 0
	extensionSupportedGroups     = 10
	extensionPointFormats        = 11
	extensionSignatureAlgorithms = 13
	extensionALPN                = 16
	extensionSupportedVersions   = 43
)

// Hello is what a ClientHello says, GREASE (RFC 8701) included.
type Hello struct {
	// Version is legacy_version.
	Version                               uint16
	Ciphers, Extensions                   []uint16
	Groups, SignatureAlgorithms, Versions []uint16
	PointFormats                          []uint8
	// ALPN are the protocols offered.
	ALPN []string
	// ServerName tells whether the extension is there.
	ServerName bool
}

var errMalformed = errors.New("clienthello: malformed message")

// Parse reads a handshake message as Capture returns it (RFC 8446 §4.1.2).
func Parse(message []byte) (*Hello, error) {
	var h Hello
	var kind uint8
	var body, session, ciphers, compression, extensions cryptobyte.String
	s := cryptobyte.String(message)
	if !s.ReadUint8(&kind) || kind != messageHello || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() ||
		!body.ReadUint16(&h.Version) || !body.Skip(32) || !body.ReadUint8LengthPrefixed(&session) ||
		!body.ReadUint16LengthPrefixed(&ciphers) || !numbers(ciphers, &h.Ciphers) || !body.ReadUint8LengthPrefixed(&compression) {
		return nil, errMalformed
	}
	if body.Empty() { // SSL 3.0 and TLS 1.0 have clients without extensions
		return &h, nil
	}
	if !body.ReadUint16LengthPrefixed(&extensions) || !body.Empty() {
		return nil, errMalformed
	}
	for !extensions.Empty() {
		var id uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&id) || !extensions.ReadUint16LengthPrefixed(&data) {
			return nil, errMalformed
		}
		h.Extensions = append(h.Extensions, id)
		if !h.extension(id, data) {
			return nil, errMalformed
		}
	}
	return &h, nil
}

// extension reads what an extension says.
func (h *Hello) extension(id uint16, data cryptobyte.String) bool {
	var list cryptobyte.String
	switch id {
	case extensionServerName:
		h.ServerName = true
	case extensionSupportedGroups:
		return data.ReadUint16LengthPrefixed(&list) && numbers(list, &h.Groups)
	case extensionSignatureAlgorithms:
		return data.ReadUint16LengthPrefixed(&list) && numbers(list, &h.SignatureAlgorithms)
	case extensionSupportedVersions:
		return data.ReadUint8LengthPrefixed(&list) && numbers(list, &h.Versions)
	case extensionPointFormats:
		if !data.ReadUint8LengthPrefixed(&list) {
			return false
		}
		h.PointFormats = append(h.PointFormats, list...)
	case extensionALPN:
		if !data.ReadUint16LengthPrefixed(&list) {
			return false
		}
		for !list.Empty() {
			var protocol cryptobyte.String
			if !list.ReadUint8LengthPrefixed(&protocol) {
				return false
			}
			h.ALPN = append(h.ALPN, string(protocol))
		}
	}
	return true
}

// numbers appends a list of 16-bit numbers.
func numbers(s cryptobyte.String, into *[]uint16) bool {
	for !s.Empty() {
		var n uint16
		if !s.ReadUint16(&n) {
			return false
		}
		*into = append(*into, n)
	}
	return true
}

// grease tells whether a number is one of those that clients send so that servers learn to
// ignore what they do not know.
func grease(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

// plain returns numbers without GREASE.
func plain(all []uint16) []uint16 {
	kept := make([]uint16, 0, len(all))
	for _, n := range all {
		if !grease(n) {
			kept = append(kept, n)
		}
	}
	return kept
}
