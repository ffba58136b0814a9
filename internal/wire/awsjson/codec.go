package awsjson

import (
	"errors"
	"fmt"
	"net/http"

	"fastness/internal/wire"
	"fastness/internal/wire/jsonbody"
)

// Codec is the wire.Codec of AWS JSON. It is immutable.
type Codec struct {
	protocol    wire.Protocol
	contentType []string
}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec of AWS JSON 1.1, or of 1.0 when protocol is wire.AWSJSON10.
func New(protocol wire.Protocol) *Codec {
	if protocol == wire.AWSJSON10 {
		return &Codec{protocol: wire.AWSJSON10, contentType: []string{"application/x-amz-json-1.0"}}
	}
	return &Codec{protocol: wire.AWSJSON11, contentType: []string{"application/x-amz-json-1.1"}}
}

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return c.protocol }

// Decode implements wire.Codec.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	if op.NewInput == nil {
		return nil, nil
	}
	in := op.NewInput()
	if len(req.Body) == 0 {
		return in, nil
	}
	if err := jsonbody.DecodeStruct(req.Body, op.Input(), wire.PointerOf(in), false); err != nil {
		return nil, SerializationError(err)
	}
	return in, nil
}

// SerializationError turns an error of package jsonbody into what a caller sees.
func SerializationError(err error) *wire.CommonError {
	e := &wire.CommonError{Kind: wire.Serialization, Cause: err}
	if j := (*jsonbody.Error)(nil); errors.As(err, &j) {
		e.Message = j.Message
	}
	return e
}

// Encode implements wire.Codec. It reuses the memory of res.Body. An operation without
// output is answered with an empty body, as AWS does.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	body := res.Body[:0]
	if shape := op.Output(); shape != nil && out != nil {
		var err error
		if body, err = jsonbody.AppendStruct(body, shape, wire.PointerOf(out), false); err != nil {
			return fmt.Errorf("encode the output of %s: %w", op.Name, err)
		}
	} else if shape != nil {
		body = append(body, "{}"...)
	}
	res.Status = http.StatusOK
	res.Body = body
	c.setHeaders(res, requestID)
	return nil
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	d := wire.Describe(api, err, wire.JSONCode, false)
	c.setHeaders(res, requestID)
	res.Header.Set("X-Amzn-Errortype", d.Code)
	if api != nil && api.QueryCompatible {
		res.Header.Set("X-Amzn-Query-Error", d.QueryError())
	}
	res.Status = d.Status
	res.Body = AppendError(res.Body[:0], &d, err, false)
}

func (c *Codec) setHeaders(res *wire.Response, requestID string) {
	// Both names are in canonical form. The value of Content-Type is shared: net/http
	// copies it before it is written.
	res.Header["Content-Type"] = c.contentType
	if v := res.Header["X-Amzn-Requestid"]; len(v) != 1 || v[0] != requestID {
		res.Header["X-Amzn-Requestid"] = []string{requestID}
	}
}

// AppendError appends the error document that the JSON protocols share. With bodyOnly,
// members that travel in headers are left out.
func AppendError(dst []byte, d *wire.Described, err wire.APIError, bodyOnly bool) []byte {
	dst = append(dst, `{"__type":`...)
	dst = jsonbody.AppendString(dst, d.Code)
	if d.Shape != nil {
		n := len(dst)
		out, _, encErr := jsonbody.AppendMembers(dst, d.Shape, wire.PointerOf(err), bodyOnly, false)
		if encErr == nil {
			if t := d.Shape.Error; t != nil && t.Message >= 0 {
				return append(out, '}')
			}
			dst = out
		} else {
			dst = dst[:n]
		}
	}
	if d.Message != "" {
		name := `,"message":`
		if c, ok := err.(*wire.CommonError); ok && c.Kind == wire.AccessDenied && !bodyOnly {
			// The one common error whose message has a capital letter (an answer of KMS is
			// quoted in https://github.com/aws/aws-nitro-enclaves-sdk-c/issues/157).
			name = `,"Message":`
		}
		dst = append(dst, name...)
		dst = jsonbody.AppendString(dst, d.Message)
	}
	return append(dst, '}')
}
