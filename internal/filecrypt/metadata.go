package filecrypt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fastness/encryptionsdk"
)

// record is a line of metadata. Fields and their forms are those of AWS's tool: bytes in
// base64, names in order.
type record struct {
	Header       *recordHeader `json:"header"`
	HeaderAuth   *recordAuth   `json:"header_auth,omitempty"` // when decrypting
	Input        string        `json:"input"`
	MissingKeys  []string      `json:"missing_encryption_context_keys,omitzero"`
	MissingPairs [][2]string   `json:"missing_encryption_context_pairs,omitzero"`
	Mode         Mode          `json:"mode"`
	Output       string        `json:"output"`
	Reason       string        `json:"reason,omitempty"`
	Skipped      bool          `json:"skipped,omitempty"`
}

// missingReason is the reason for which AWS's tool skips a file.
const missingReason = "Missing encryption context key or value"

type recordHeader struct {
	Algorithm         string            `json:"algorithm"`
	CommitmentKey     []byte            `json:"commitment_key"` // null without one
	ContentType       int               `json:"content_type"`   // 1: unframed, 2: framed
	EncryptedDataKeys []recordKey       `json:"encrypted_data_keys"`
	EncryptionContext map[string]string `json:"encryption_context"`
	FrameLength       uint32            `json:"frame_length"`
	HeaderIVLength    *int              `json:"header_iv_length"` // version 1 only
	MessageID         []byte            `json:"message_id"`
	Type              *int              `json:"type"` // version 1 only
	Version           string            `json:"version"`
}

type recordKey struct {
	EncryptedDataKey []byte         `json:"encrypted_data_key"`
	KeyProvider      recordProvider `json:"key_provider"`
}

type recordProvider struct {
	KeyInfo    []byte `json:"key_info"`
	ProviderID []byte `json:"provider_id"`
}

type recordAuth struct {
	IV  []byte `json:"iv"`
	Tag []byte `json:"tag"`
}

// customerData is the type byte of version 1, the only one there is.
const customerData = 0x80

func newRecordHeader(h *encryptionsdk.Header) *recordHeader {
	r := &recordHeader{
		Algorithm: h.Suite.Name, CommitmentKey: h.Commitment, ContentType: 1,
		EncryptedDataKeys: []recordKey{},
		EncryptionContext: h.EncryptionContext, FrameLength: h.FrameLength, MessageID: h.MessageID, Version: "2.0",
	}
	if h.Framed {
		r.ContentType = 2
	}
	if h.Version == 1 {
		r.Version, r.Type, r.HeaderIVLength = "1.0", new(customerData), new(encryptionsdk.IVLen)
	}
	if r.EncryptionContext == nil {
		r.EncryptionContext = map[string]string{}
	}
	for _, k := range h.EncryptedDataKeys {
		r.EncryptedDataKeys = append(r.EncryptedDataKeys, recordKey{k.Ciphertext, recordProvider{k.ProviderInfo, []byte(k.ProviderID)}})
	}
	slices.SortStableFunc(r.EncryptedDataKeys, func(a, b recordKey) int {
		return cmp.Compare(string(a.KeyProvider.ProviderID)+string(a.KeyProvider.KeyInfo), string(b.KeyProvider.ProviderID)+string(b.KeyProvider.KeyInfo))
	})
	return r
}

// newRecordAuth shows the zero IV of version 2, which the message does not store.
func newRecordAuth(h *encryptionsdk.Header) *recordAuth {
	a := &recordAuth{IV: h.AuthIV, Tag: h.AuthTag}
	if a.IV == nil {
		a.IV = make([]byte, encryptionsdk.IVLen)
	}
	return a
}

// metadata writes records. A nil *metadata writes none.
type metadata struct {
	out       io.Writer // standard output, or nil:
	path      string
	overwrite bool // until the first record
}

// newMetadata checks that the file of metadata is none that the run reads or writes.
func newMetadata(o *Options, stdout io.Writer) (*metadata, error) {
	switch o.Metadata {
	case "":
		return nil, nil
	case stream:
		if o.Output == stream {
			return nil, usage("metadata and output cannot both go to standard output")
		}
		return &metadata{out: stdout}, nil
	}
	path, err := realPath(o.Metadata)
	if err != nil {
		return nil, usage("--metadata-output: %w", err)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, usage("--metadata-output: %s is a directory", o.Metadata)
	}
	for _, other := range []struct{ name, path string }{{"input", o.Input}, {"output", o.Output}} {
		if other.path == stream {
			continue
		}
		real, err := realPath(other.path)
		if err != nil {
			continue // a pattern, or what is complained about later
		}
		if path == real {
			return nil, usage("--metadata-output cannot be the %s", other.name)
		}
		if st, err := os.Stat(real); err == nil && st.IsDir() && within(real, path) {
			return nil, usage("--metadata-output cannot be in the %s directory", other.name)
		}
	}
	return &metadata{path: path, overwrite: o.OverwriteMetadata}, nil
}

// within tells whether path is below dir; both are absolute and clean.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// realPath is the absolute path of a file that need not exist, in a directory that must,
// with all links resolved.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(abs)), nil
}

// write appends one line.
func (m *metadata) write(r *record) (err error) {
	if m == nil {
		return nil
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return err
	}
	if m.out != nil {
		_, err := m.out.Write(line.Bytes())
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if m.overwrite {
		flags |= os.O_TRUNC
		m.overwrite = false
	}
	f, err := os.OpenFile(m.path, flags, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(line.Bytes())
	return errors.Join(err, f.Close())
}
