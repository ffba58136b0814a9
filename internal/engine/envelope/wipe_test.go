package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"reflect"
	"testing"
)

func TestMessageCiphersAreOverwritten(t *testing.T) {
	key := make([]byte, messageKeySize)
	for i := range key {
		key[i] = byte(i) + 1
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	c := messageCipher{block: block, AEAD: aead}
	objects := []reflect.Value{reflect.ValueOf(block).Elem(), reflect.ValueOf(aead).Field(0).Elem()}
	for _, o := range objects {
		if o.IsZero() {
			t.Fatalf("%v is empty before it is wiped", o.Type())
		}
	}
	c.wipe()
	for _, o := range objects {
		if !o.IsZero() {
			t.Errorf("%v still holds the key", o.Type())
		}
	}
}

func TestObjectsWithPointersAreNotFlat(t *testing.T) {
	for _, v := range []any{[]byte{}, "", struct{ p *int }{}, [2]map[int]int{}, any(nil)} {
		if v != nil && flat(reflect.TypeOf(v), 0) {
			t.Errorf("%T passes for flat", v)
		}
	}
	if !flat(reflect.TypeFor[struct{ a [3]struct{ b uint32 } }](), 0) {
		t.Error("a structure of numbers does not pass for flat")
	}
}

var errGone = errors.New("gone")

// mortalPRF fails once it is destroyed.
type mortalPRF struct {
	localPRF
	gone bool
}

func (p *mortalPRF) Sum(dst, message []byte) ([]byte, error) {
	if p.gone {
		return nil, errGone
	}
	return p.localPRF.Sum(dst, message)
}

func (p *mortalPRF) Destroy() { p.gone = true }

func TestDestroyedKeySaysSo(t *testing.T) {
	k, err := NewKey(make([]byte, MaterialSize), func(key []byte) (PRF, error) { return &mortalPRF{localPRF: key}, nil })
	if err != nil {
		t.Fatal(err)
	}
	blob, err := k.Seal(nil, Header{}, nil, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	k.Destroy()
	if _, err := k.Seal(nil, Header{}, nil, nil); !errors.Is(err, errGone) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := k.Open(nil, blob, nil); !errors.Is(err, errGone) || errors.Is(err, ErrInvalidCiphertext) {
		t.Errorf("Open: %v", err)
	}
	if _, err := NewKey(make([]byte, MaterialSize), func([]byte) (PRF, error) { return nil, errGone }); !errors.Is(err, errGone) {
		t.Errorf("NewKey: %v", err)
	}
}
