package envelope

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
)

type knownBlob struct {
	KeyID      string            `json:"keyId"`
	Material   string            `json:"material"`
	KeyRef     string            `json:"keyRef"`
	MaterialID string            `json:"materialId"`
	Context    map[string]string `json:"context"`
	Plaintext  string            `json:"plaintext"`
	Blob       string            `json:"blob"`
}

func knownBlobs(t testing.TB) []knownBlob {
	t.Helper()
	data, err := os.ReadFile("testdata/blobs_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var blobs []knownBlob
	if err := json.Unmarshal(data, &blobs); err != nil {
		t.Fatal(err)
	}
	if len(blobs) != 20 {
		t.Fatalf("%d known blobs, want 20", len(blobs))
	}
	return blobs
}

// localKey makes a PRF in ordinary memory that allocates nothing.
func localKey(key []byte) (PRF, error) { return &hashPRF{h: hmac.New(sha256.New, key)}, nil }

type hashPRF struct {
	mu sync.Mutex
	h  hash.Hash
}

func (p *hashPRF) Sum(dst, message []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.h.Reset()
	p.h.Write(message)
	return p.h.Sum(dst), nil
}

func (p *hashPRF) Destroy() {}

func newTestKey(t testing.TB, material []byte) *Key {
	t.Helper()
	k, err := NewKey(material, localKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKnownBlobsOpenForever(t *testing.T) {
	for _, v := range knownBlobs(t) {
		material, blob := unhex(t, v.Material), unhex(t, v.Blob)
		h, err := ParseHeader(blob)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(h.KeyRef[:]) != v.KeyRef || hex.EncodeToString(h.MaterialID[:]) != v.MaterialID {
			t.Errorf("header %x %x, want %s %s", h.KeyRef, h.MaterialID, v.KeyRef, v.MaterialID)
		}
		if id := MaterialID(v.KeyID, material); hex.EncodeToString(id[:]) != v.MaterialID {
			t.Errorf("material id %x, want %s", id, v.MaterialID)
		}
		plaintext, err := newTestKey(t, material).Open(nil, blob, v.Context)
		if err != nil {
			t.Fatalf("blob of %d bytes: %v", len(blob), err)
		}
		if hex.EncodeToString(plaintext) != v.Plaintext {
			t.Errorf("wrong plaintext for the blob of %d bytes", len(blob))
		}
	}
}

func TestSealedBlobOpensAndHasTheDocumentedLayout(t *testing.T) {
	material, err := Random(MaterialSize)
	if err != nil {
		t.Fatal(err)
	}
	k := newTestKey(t, material)
	h := Header{KeyRef: [KeyRefSize]byte{7}, MaterialID: MaterialID("key", material)}
	context := map[string]string{"tenant": "42", "Tenant": "43"}
	for _, size := range []int{0, 1, 16, 4096, MaxPlaintext} {
		plaintext := bytes.Repeat([]byte{'p'}, size)
		prefix := []byte("prefix")
		out, err := k.Seal(prefix, h, context, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		blob, found := bytes.CutPrefix(out, prefix)
		if !found || len(blob) != size+Overhead || Overhead > 152 || blob[0] != 1 || blob[1] != 1 {
			t.Fatalf("blob of %d bytes for %d bytes of plaintext", len(blob), size)
		}
		if got, err := ParseHeader(blob); err != nil || got != h {
			t.Fatalf("header %v, %v", got, err)
		}
		opened, err := k.Open([]byte("x"), blob, maps.Clone(context))
		if err != nil || !bytes.Equal(opened, append([]byte("x"), plaintext...)) {
			t.Fatalf("open: %v", err)
		}
	}
	if _, err := k.Seal(nil, h, nil, make([]byte, MaxPlaintext+1)); !errors.Is(err, ErrPlaintextTooLong) {
		t.Errorf("too long a plaintext: %v", err)
	}
}

func TestEveryFlippedBitFails(t *testing.T) {
	v := knownBlobs(t)[3]
	k, blob := newTestKey(t, unhex(t, v.Material)), unhex(t, v.Blob)
	for i := range blob {
		for bit := range 8 {
			changed := bytes.Clone(blob)
			changed[i] ^= 1 << bit
			if _, err := k.Open(nil, changed, v.Context); err != ErrInvalidCiphertext {
				t.Fatalf("byte %d bit %d flipped: %v", i, bit, err)
			}
		}
	}
}

func TestEveryTruncationAndExtensionFails(t *testing.T) {
	v := knownBlobs(t)[9]
	k, blob := newTestKey(t, unhex(t, v.Material)), unhex(t, v.Blob)
	for n := range len(blob) {
		if _, err := k.Open(nil, blob[:n], v.Context); err != ErrInvalidCiphertext {
			t.Fatalf("first %d bytes: %v", n, err)
		}
		if n > 0 {
			if _, err := k.Open(nil, blob[n:], v.Context); err != ErrInvalidCiphertext {
				t.Fatalf("without the first %d bytes: %v", n, err)
			}
		}
	}
	for _, extra := range []int{1, 16, MaxBlob} {
		if _, err := k.Open(nil, append(bytes.Clone(blob), make([]byte, extra)...), v.Context); err != ErrInvalidCiphertext {
			t.Fatalf("%d bytes more: %v", extra, err)
		}
	}
}

func TestWrongContextOrMaterialFails(t *testing.T) {
	material := make([]byte, MaterialSize)
	k := newTestKey(t, material)
	blob, err := k.Seal(nil, Header{}, map[string]string{"a": "b=c"}, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range []map[string]string{
		nil, {}, {"a=b": "c"}, {"A": "b=c"}, {"a": "b=C"}, {"a": "b=c", "": ""}, {"a": ""}, {"": "ab=c"},
	} {
		if _, err := k.Open(nil, blob, context); err != ErrInvalidCiphertext {
			t.Errorf("context %v: %v", context, err)
		}
	}
	material[31] = 1
	if _, err := newTestKey(t, material).Open(nil, blob, map[string]string{"a": "b=c"}); err != ErrInvalidCiphertext {
		t.Errorf("other material: %v", err)
	}
	if _, err := NewKey(material[:31], localKey); !errors.Is(err, ErrInvalidKey) {
		t.Errorf("short material: %v", err)
	}
}

func TestMissingContextEqualsEmpty(t *testing.T) {
	k := newTestKey(t, make([]byte, MaterialSize))
	blob, err := k.Seal(nil, Header{}, nil, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(nil, blob, map[string]string{}); err != nil {
		t.Error(err)
	}
}

func TestContextFormIsUnambiguous(t *testing.T) {
	contexts := []map[string]string{
		nil, {"": ""}, {"a": ""}, {"": "a"}, {"a": "b"}, {"ab": ""}, {"a": "b", "c": "d"}, {"a": "bc", "": "d"},
		{"a": "b=c"}, {"a=b": "c"}, {"a": "b\x00\x00\x00\x01cd"}, {"A": "b"}, {"é": ""}, {"e\u0301": ""},
	}
	seen := map[string]int{}
	for i, c := range contexts {
		form := string(AppendContext(nil, c))
		if j, dup := seen[form]; dup {
			t.Errorf("contexts %v and %v share a form", contexts[j], c)
		}
		seen[form] = i
	}
	// The order is that of the bytes: upper case before lower case.
	form := string(AppendContext(nil, map[string]string{"a": "", "B": ""}))
	if strings.Index(form, "B") > strings.Index(form, "a") {
		t.Error("keys are not in the order of their bytes")
	}
}

func TestManyPairsInAnyOrder(t *testing.T) {
	context := map[string]string{}
	for i := range 64 {
		context[strings.Repeat("k", i+1)] = "v"
	}
	first := AppendContext(nil, context)
	for range 20 {
		if !bytes.Equal(AppendContext(nil, maps.Clone(context)), first) {
			t.Fatal("the form depends on the order of the map")
		}
	}
}

func TestNoncesAndIVsDiffer(t *testing.T) {
	k := newTestKey(t, make([]byte, MaterialSize))
	seen := map[string]bool{}
	for range 1000 {
		blob, err := k.Seal(nil, Header{}, nil, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range [][]byte{blob[50:66], blob[66:78]} {
			if seen[string(part)] {
				t.Fatal("a nonce or IV came twice")
			}
			seen[string(part)] = true
		}
	}
}

func TestKeyIsSafeForConcurrentUse(t *testing.T) {
	k := newTestKey(t, make([]byte, MaterialSize))
	done := make(chan error)
	for g := range 8 {
		go func() {
			var err error
			for i := 0; i < 200 && err == nil; i++ {
				context := map[string]string{"g": string(rune('a' + g))}
				var blob []byte
				if blob, err = k.Seal(nil, Header{}, context, []byte{byte(i)}); err == nil {
					_, err = k.Open(nil, blob, context)
				}
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestRandomBounds(t *testing.T) {
	for _, n := range []int{-1, 0, MaxRandom + 1} {
		if _, err := Random(n); !errors.Is(err, ErrRandomLength) {
			t.Errorf("Random(%d): %v", n, err)
		}
	}
	a, errA := Random(MaxRandom)
	b, errB := Random(MaxRandom)
	if errA != nil || errB != nil || len(a) != MaxRandom || bytes.Equal(a, b) {
		t.Error("Random(1024) is not 1024 random bytes")
	}
}

func TestMaterialIDDependsOnKeyAndMaterial(t *testing.T) {
	a := MaterialID("key-1", []byte("material"))
	if a != MaterialID("key-1", []byte("material")) {
		t.Error("the id is not a function of key and material")
	}
	if a == MaterialID("key-2", []byte("material")) || a == MaterialID("key-1", []byte("Material")) {
		t.Error("the id does not depend on both")
	}
}

func FuzzOpen(f *testing.F) {
	for _, v := range knownBlobs(f) {
		f.Add(unhex(f, v.Blob), "", "")
	}
	f.Add([]byte{1, 1}, "a", "b")
	k := newTestKey(f, make([]byte, MaterialSize))
	f.Fuzz(func(t *testing.T, blob []byte, key, value string) {
		h, headerErr := ParseHeader(blob)
		_, err := k.Open(nil, blob, map[string]string{key: value})
		if err != ErrInvalidCiphertext {
			t.Fatalf("a made-up blob gave %v", err)
		}
		if headerErr == nil && !bytes.Contains(blob, h.KeyRef[:]) {
			t.Fatal("the header is not in the blob")
		}
	})
}
