package restxml

import (
	"errors"
	"fmt"
	"net/http"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/binding"
	"fastness/internal/wire/xmlbody"
)

const contentType = "application/xml"

// malformed is S3's text for a body that is not the document it expects.
const malformed = "The XML you provided was not well-formed or did not validate against our published schema"

// Codec is the wire.Codec of restXml. It is immutable.
type Codec struct{}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec.
func New() *Codec { return new(Codec) }

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return wire.RESTXML }

// Decode implements wire.Codec. req.Labels are those of uritemplate.Router.Match.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	return binding.DecodeInput(op, req, binding.Documents{
		Value: xmlbody.DecodeValue, Struct: xmlbody.DecodeStruct,
		Refused: func(err error) *wire.CommonError {
			e := &wire.CommonError{Kind: wire.Serialization, Message: malformed, Cause: err}
			if x := (*xmlbody.Error)(nil); errors.As(err, &x) && x.Message != "" && !op.API().BareErrors {
				e.Message = x.Message
			}
			return e
		},
	})
}

// Encode implements wire.Codec. It reuses the memory of res.Body.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	res.Status = http.StatusOK
	if op.Status != 0 {
		res.Status = op.Status
	}
	res.Body = res.Body[:0]
	setRequestID(op.API(), requestID, res)
	s := op.Output()
	if s == nil {
		return nil
	}
	p := s.New()
	if out != nil {
		p = wire.PointerOf(out)
	}
	if err := encodeOutput(op, s, p, res); err != nil {
		return fmt.Errorf("encode the output of %s: %w", op.Name, err)
	}
	return nil
}

func encodeOutput(op *wire.Operation, s *wire.Shape, p unsafe.Pointer, res *wire.Response) error {
	if err := binding.Encode(s, p, res); err != nil {
		return err
	}
	if m := binding.Payload(s); m != nil {
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if binding.EncodeRaw(m, v, res) || v == nil {
			return nil
		}
		body, err := xmlbody.AppendRoot(res.Body, payloadName(m), m, v)
		if err != nil {
			return err
		}
		res.Body = body
		setType(res)
		return nil
	}
	if len(s.Members) == 0 || !binding.HasBody(s) {
		return nil
	}
	name := op.OutputElement
	if name == "" {
		name = shapeName(s)
	}
	namespace := s.XMLNamespace
	if namespace == "" {
		namespace = op.API().XMLNamespace
	}
	body := xmlbody.AppendStart(res.Body, name, namespace)
	body, err := xmlbody.AppendMembers(body, s, p, true)
	if err != nil {
		return err
	}
	res.Body = xmlbody.AppendEnd(body, name)
	setType(res)
	return nil
}

// payloadName is the root element of a payload: the member's own name if the model
// gives it one, else that of its shape.
func payloadName(m *wire.Member) string {
	if m.WireName != m.Name {
		return m.WireName
	}
	return shapeName(m.Shape())
}

func shapeName(s *wire.Shape) string {
	if s.XMLName != "" {
		return s.XMLName
	}
	return s.Name
}

func setType(res *wire.Response) {
	if res.Header.Get("Content-Type") == "" {
		res.Header.Set("Content-Type", contentType)
	}
}

// setRequestID sets the header of the request id, which S3 calls otherwise.
func setRequestID(api *wire.API, requestID string, res *wire.Response) {
	if api != nil && api.BareErrors {
		res.Header.Set("X-Amz-Request-Id", requestID)
		res.Header.Set("X-Amz-Id-2", requestID)
		return
	}
	res.Header.Set("X-Amzn-Requestid", requestID)
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	bare := api != nil && api.BareErrors
	codes := wire.QueryCode
	if bare {
		codes = wire.S3Code
	}
	d := wire.Describe(api, err, codes, true)
	res.Status = d.Status
	if d.Shape != nil {
		// Headers are an addition: an error is answered even if one cannot be written.
		_ = binding.Encode(d.Shape, wire.PointerOf(err), res)
	}
	setRequestID(api, requestID, res)
	res.Header.Set("Content-Type", contentType)
	if !bare {
		res.Header.Set("X-Amzn-Errortype", d.Code)
		res.Body = awsquery.AppendErrorResponse(res.Body[:0], api, &d, err, requestID)
		return
	}
	body := append(res.Body[:0], `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	body = xmlbody.AppendStart(body, "Error", "")
	body = xmlbody.AppendTextElement(body, "Code", d.Code)
	body = awsquery.AppendErrorMembers(body, &d, err)
	body = xmlbody.AppendTextElement(body, "RequestId", requestID)
	body = xmlbody.AppendTextElement(body, "HostId", requestID)
	res.Body = xmlbody.AppendEnd(body, "Error")
}
