package binding

import (
	"unsafe"

	"fastness/internal/wire"
)

// Documents reads the documents of one format, which bodies of requests are.
type Documents struct {
	// Value reads a body that is the value of member m.
	Value func(body []byte, m *wire.Member, dst unsafe.Pointer) error
	// Struct reads a body that holds the members of s that travel in bodies.
	Struct func(body []byte, s *wire.Shape, dst unsafe.Pointer, bodyOnly bool) error
	// Refused makes the API's error of theirs.
	Refused func(error) *wire.CommonError
}

// DecodeInput reads the whole input of op: what Decode reads, and the body, which is a
// raw payload, a document that is one member, or a document of all the rest. An
// operation without input gives nil.
func DecodeInput(op *wire.Operation, req *wire.Request, d Documents) (any, error) {
	if op.NewInput == nil {
		return nil, nil
	}
	in := op.NewInput()
	p, s := wire.PointerOf(in), op.Input()
	if err := Decode(op, req, p); err != nil {
		return nil, err
	}
	var err error
	if m := Payload(s); m != nil {
		raw, rawErr := DecodeRaw(m, req, m.Field(p))
		if rawErr != nil {
			return nil, rawErr
		}
		if !raw && len(req.Body) > 0 {
			err = d.Value(req.Body, m, m.Field(p))
		}
	} else if len(req.Body) > 0 && HasBody(s) {
		err = d.Struct(req.Body, s, p, true)
	}
	if err != nil {
		return nil, d.Refused(err)
	}
	return in, nil
}
