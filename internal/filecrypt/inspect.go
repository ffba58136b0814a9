package filecrypt

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fastness/encryptionsdk"
)

// Inspection is what the header of a message says about itself. Nothing of it has been
// verified: anybody can have written it.
type Inspection struct {
	Version           int               `json:"version"`
	Type              string            `json:"type"`
	Algorithm         string            `json:"algorithm"`
	AlgorithmID       string            `json:"algorithm_id"`
	CommitsToKey      bool              `json:"commits_to_key"`
	Signed            bool              `json:"signed"`
	MessageID         string            `json:"message_id"` // hex
	EncryptionContext map[string]string `json:"encryption_context"`
	DataKeys          []InspectedKey    `json:"encrypted_data_keys"`
	ContentType       string            `json:"content_type"` // framed or unframed
	FrameLength       uint32            `json:"frame_length"` // bytes; 0 if unframed
	Commitment        string            `json:"commitment_key,omitempty"`
	HeaderIV          string            `json:"header_iv"`
	HeaderTag         string            `json:"header_tag"`
	HeaderLength      int               `json:"header_length"` // bytes
}

// InspectedKey is one wrapped data key.
type InspectedKey struct {
	Provider string `json:"provider"`
	// Key names the wrapping key: an ARN, or the name of a raw key. Info is the whole of
	// the provider's information in base64 if it is more than that name.
	Key  string `json:"key"`
	Info string `json:"key_info,omitempty"`
	// IV and TagLength (bytes) are of data keys that are wrapped with raw AES.
	IV               string `json:"iv,omitempty"`
	TagLength        int    `json:"tag_length,omitempty"`
	CiphertextLength int    `json:"ciphertext_length"` // bytes
}

// Inspect reads the header of a message, as base64 text with decode.
func Inspect(r io.Reader, decode bool) (*Inspection, error) {
	if decode {
		r = decoded(r)
	}
	h, err := encryptionsdk.ReadHeader(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	i := &Inspection{
		Version: h.Version, Type: "customer authenticated encrypted data",
		Algorithm: h.Suite.Name, AlgorithmID: fmt.Sprintf("0x%04x", uint16(h.Suite.ID)),
		CommitsToKey: h.Suite.Commits, Signed: h.Suite.Signs(),
		MessageID: hex.EncodeToString(h.MessageID), EncryptionContext: h.EncryptionContext,
		DataKeys: []InspectedKey{}, ContentType: "unframed", FrameLength: h.FrameLength,
		Commitment: hex.EncodeToString(h.Commitment), HeaderIV: hex.EncodeToString(newRecordAuth(h).IV),
		HeaderTag: hex.EncodeToString(h.AuthTag), HeaderLength: h.Length,
	}
	if h.Framed {
		i.ContentType = "framed"
	}
	if i.EncryptionContext == nil {
		i.EncryptionContext = map[string]string{}
	}
	for _, k := range h.EncryptedDataKeys {
		i.DataKeys = append(i.DataKeys, inspectKey(k))
	}
	return i, nil
}

// inspectKey tells the name of the wrapping key from what follows it: raw AES keyrings
// append the length of the tag in bits, that of the nonce in bytes, and the nonce.
func inspectKey(k encryptionsdk.EncryptedDataKey) InspectedKey {
	i := InspectedKey{Provider: k.ProviderID, CiphertextLength: len(k.Ciphertext)}
	const trailer = 4 + 4 + encryptionsdk.IVLen
	if n := len(k.ProviderInfo) - trailer; n > 0 && !strings.HasPrefix(k.ProviderID, providerKMS) {
		tagBits, nonce := binary.BigEndian.Uint32(k.ProviderInfo[n:]), binary.BigEndian.Uint32(k.ProviderInfo[n+4:])
		if tagBits == encryptionsdk.TagLen*8 && nonce == encryptionsdk.IVLen && utf8.Valid(k.ProviderInfo[:n]) {
			i.Key, i.TagLength = string(k.ProviderInfo[:n]), encryptionsdk.TagLen
			i.IV = hex.EncodeToString(k.ProviderInfo[n+8:])
			i.Info = base64.StdEncoding.EncodeToString(k.ProviderInfo)
			return i
		}
	}
	if utf8.Valid(k.ProviderInfo) {
		i.Key = string(k.ProviderInfo)
	} else {
		i.Info = base64.StdEncoding.EncodeToString(k.ProviderInfo)
	}
	return i
}

// Rows are the same for people: names and values.
func (i *Inspection) Rows() [][]string {
	yes := map[bool]string{true: "yes", false: "no"}
	rows := [][]string{
		{"version", strconv.Itoa(i.Version)},
		{"type", i.Type},
		{"algorithm", i.AlgorithmID + " " + i.Algorithm},
		{"commits to the key", yes[i.CommitsToKey]},
		{"signed", yes[i.Signed]},
		{"message id", i.MessageID},
		{"content", i.ContentType},
	}
	if i.ContentType == "framed" {
		rows = append(rows, []string{"frame length", strconv.FormatUint(uint64(i.FrameLength), 10)})
	}
	for _, k := range slices.Sorted(maps.Keys(i.EncryptionContext)) {
		rows = append(rows, []string{"encryption context", printable(k) + " = " + printable(i.EncryptionContext[k])})
	}
	for n, k := range i.DataKeys {
		text := printable(k.Provider) + "  " + printable(k.Key)
		switch {
		case k.IV != "":
			text += "  iv " + k.IV
		case k.Info != "":
			text += "info " + k.Info
		}
		rows = append(rows, []string{fmt.Sprintf("data key %d", n+1), fmt.Sprintf("%s  (%d bytes)", text, k.CiphertextLength)})
	}
	if i.Commitment != "" {
		rows = append(rows, []string{"commitment", i.Commitment})
	}
	return append(rows,
		[]string{"header iv", i.HeaderIV},
		[]string{"header tag", i.HeaderTag},
		[]string{"header length", strconv.Itoa(i.HeaderLength)},
	)
}
