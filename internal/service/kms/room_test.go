package kms

import (
	"encoding/json"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
)

// room is a client with the helpers that the tests of a key's life share.
type room struct {
	*harness
	*kmsapi.Client
	region string
}

func (h *harness) in(region string) *room {
	return &room{h, h.as(root(testAccount), region).kms(), region}
}

// must fails the test if err is not nil, and is v otherwise.
func must[V any](t testing.TB, v V, err error) V {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (r *room) create(in *kmsapi.CreateKeyRequest) *kmsapi.KeyMetadata {
	r.Helper()
	out, err := r.CreateKey(r.Context(), in)
	return must(r, out, err).KeyMetadata
}

func (r *room) encrypt(id *string, text string) []byte {
	r.Helper()
	out, err := r.Encrypt(r.Context(), &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte(text)})
	return must(r, out, err).CiphertextBlob
}

// decrypts checks that a blob decrypts, and returns the material that did it.
func (r *room) decrypts(blob []byte, text string) string {
	r.Helper()
	out, err := r.Decrypt(r.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})
	if err != nil {
		r.Fatalf("decrypt in %s: %v", r.region, err)
	}
	if string(out.Plaintext) != text {
		r.Fatalf("decrypted %q, want %q", out.Plaintext, text)
	}
	if out.KeyMaterialId == nil {
		return ""
	}
	return *out.KeyMaterialId
}

func (r *room) status(id *string) *kmsapi.GetKeyRotationStatusResponse {
	r.Helper()
	out, err := r.GetKeyRotationStatus(r.Context(), &kmsapi.GetKeyRotationStatusRequest{KeyId: id})
	return must(r, out, err)
}

func (r *room) describe(id *string) *kmsapi.KeyMetadata {
	r.Helper()
	out, err := r.DescribeKey(r.Context(), &kmsapi.DescribeKeyRequest{KeyId: id})
	return must(r, out, err).KeyMetadata
}

// materials lists all materials of a key.
func (r *room) materials(id *string) []kmsapi.RotationsListEntry {
	r.Helper()
	out, err := r.ListKeyRotations(r.Context(), &kmsapi.ListKeyRotationsRequest{KeyId: id, IncludeKeyMaterial: new(kmsapi.IncludeKeyMaterialAllKeyMaterial)})
	return must(r, out, err).Rotations
}

// wants fails unless err is the API error with that code and message.
func wants(t testing.TB, err error, code, message string) {
	t.Helper()
	if codeOf(err) != code || err.Error() != code+": "+message && !(message == "" && err.Error() == code) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func wantsCode(t testing.TB, err error, code string) {
	t.Helper()
	if codeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// events returns the records of one event, newest first.
func (h *harness) events(region, name string) []map[string]any {
	h.Helper()
	q := audit.Query{
		Account: testAccount, Region: region, Start: h.clock.Now().AddDate(-20, 0, 0), End: h.clock.Now(), Limit: 1000,
		Match: func(e *audit.Event) bool { return e.Name == name },
	}
	var out []map[string]any
	for {
		page, err := h.audit.Lookup(h.Context(), q)
		if err != nil {
			h.Fatal(err)
		}
		for _, e := range page.Events {
			var m map[string]any
			if err := json.Unmarshal(e.JSON, &m); err != nil {
				h.Fatal(err)
			}
			out = append(out, m)
		}
		if q.After = page.Next; len(q.After) == 0 {
			break
		}
	}
	return out
}
