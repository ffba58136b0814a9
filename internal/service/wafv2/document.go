package wafv2

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"fastness/internal/api/wafv2api"
	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
)

// maxDocument bounds a document before it is deflated, in bytes. It is above what a request
// can hold.
const maxDocument = 16 << 20

// maxStored bounds a deflated document: a record with its tags fits the store's bound for
// values then.
const maxStored = 340 << 10

// documents turns modelled structures into the bytes of records and back. The form is AWS's
// JSON, which is compact and needs no second description of the shapes.
type documents struct{ shapes map[string]*wire.Shape }

func newDocuments() *documents {
	d := &documents{shapes: make(map[string]*wire.Shape)}
	for i := range wafv2api.API.Shapes {
		s := &wafv2api.API.Shapes[i]
		if s.Kind == wire.Structure {
			d.shapes[s.Name] = s
		}
	}
	return d
}

// encode writes the structure that v points to; shape is its modelled name. A structure that is
// too large to be kept is WAFLimitsExceededException.
func (d *documents) encode(shape string, v any) ([]byte, error) {
	s := d.shapes[shape]
	if s == nil {
		return nil, fmt.Errorf("wafv2: no shape %s", shape)
	}
	plain, err := jsonbody.AppendStruct(nil, s, wire.PointerOf(v), false)
	if err != nil {
		return nil, fmt.Errorf("wafv2: encode %s: %w", shape, err)
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("wafv2: deflate: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("wafv2: deflate: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("wafv2: deflate: %w", err)
	}
	if len(plain) > maxDocument || b.Len() > maxStored {
		return nil, limitExceeded(shape)
	}
	return b.Bytes(), nil
}

// decode reads what encode wrote into the structure that v points to.
func (d *documents) decode(shape string, document []byte, v any) error {
	s := d.shapes[shape]
	if s == nil {
		return fmt.Errorf("wafv2: no shape %s", shape)
	}
	r := flate.NewReader(bytes.NewReader(document))
	plain, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return fmt.Errorf("wafv2: inflate %s: %w", shape, err)
	}
	if len(plain) > maxDocument {
		return fmt.Errorf("wafv2: stored %s is too large", shape)
	}
	if err := jsonbody.DecodeStruct(plain, s, wire.PointerOf(v), false); err != nil {
		return fmt.Errorf("wafv2: stored %s: %w", shape, err)
	}
	return nil
}
