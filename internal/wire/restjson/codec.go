package restjson

import (
	"fmt"
	"net/http"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/binding"
	"fastness/internal/wire/jsonbody"
)

const contentType = "application/json"

// Codec is the wire.Codec of restJson1. It is immutable.
type Codec struct{}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec.
func New() *Codec { return new(Codec) }

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return wire.RESTJSON1 }

// Decode implements wire.Codec. req.Labels are those of uritemplate.Router.Match.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	return binding.DecodeInput(op, req, binding.Documents{
		Value: jsonbody.DecodeValue, Struct: jsonbody.DecodeStruct, Refused: awsjson.SerializationError,
	})
}

// Encode implements wire.Codec. It reuses the memory of res.Body.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	res.Status = http.StatusOK
	if op.Status != 0 {
		res.Status = op.Status
	}
	res.Body = res.Body[:0]
	if s := op.Output(); s != nil {
		p := s.New()
		if out != nil {
			p = wire.PointerOf(out)
		}
		if err := encodeOutput(s, p, res); err != nil {
			return fmt.Errorf("encode the output of %s: %w", op.Name, err)
		}
	}
	res.Header.Set("X-Amzn-Requestid", requestID)
	return nil
}

func encodeOutput(s *wire.Shape, p unsafe.Pointer, res *wire.Response) error {
	if err := binding.Encode(s, p, res); err != nil {
		return err
	}
	if m := binding.Payload(s); m != nil {
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if binding.EncodeRaw(m, v, res) {
			return nil
		}
		if v == nil {
			// A document that is absent is an empty one to clients that must parse it.
			if m.Shape().Kind == wire.Structure && !m.Shape().Union {
				res.Body = append(res.Body, "{}"...)
				setType(res)
			}
			return nil
		}
		body, err := jsonbody.AppendValue(res.Body, m, v)
		if err != nil {
			return err
		}
		res.Body = body
		setType(res)
		return nil
	}
	if !binding.HasBody(s) && res.Status == http.StatusNoContent {
		return nil
	}
	body, err := jsonbody.AppendStruct(res.Body, s, p, true)
	if err != nil {
		return err
	}
	res.Body = body
	setType(res)
	return nil
}

func setType(res *wire.Response) {
	if res.Header.Get("Content-Type") == "" {
		res.Header.Set("Content-Type", contentType)
	}
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	d := wire.Describe(api, err, wire.RESTJSONCode, false)
	res.Status = d.Status
	if d.Shape != nil {
		// Headers are an addition: an error is answered even if one cannot be written.
		_ = binding.Encode(d.Shape, wire.PointerOf(err), res)
	}
	res.Header.Set("Content-Type", contentType)
	res.Header.Set("X-Amzn-Requestid", requestID)
	res.Header.Set("X-Amzn-Errortype", d.Code)
	res.Body = awsjson.AppendError(res.Body[:0], &d, err, true)
}
