package awsquery

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"fastness/internal/wire"
	"fastness/internal/wire/form"
	"fastness/internal/wire/xmlbody"
)

// Codec is the wire.Codec of AWS Query. It is immutable.
type Codec struct{}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec.
func New() *Codec { return new(Codec) }

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return wire.AWSQuery }

// Decode implements wire.Codec.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	return DecodeForm(op, req, form.AWSQuery)
}

// DecodeForm reads the input of op in a dialect; ec2Query shares it.
func DecodeForm(op *wire.Operation, req *wire.Request, dialect form.Dialect) (any, error) {
	values, err := form.Parse(signatureParameter, req.Query, string(req.Body))
	if err != nil {
		return nil, &wire.CommonError{Kind: wire.MalformedQuery, Message: err.Error(), Cause: err}
	}
	if op.NewInput == nil {
		return nil, nil
	}
	in := op.NewInput()
	if err := values.DecodeStruct(op.Input(), wire.PointerOf(in), dialect); err != nil {
		e := &wire.CommonError{Kind: wire.Serialization, Cause: err}
		if f := (*form.Error)(nil); errors.As(err, &f) {
			e.Message = f.Message
		}
		return nil, e
	}
	return in, nil
}

// signatureParameter tells the parameters of SigV4 in a query string from those of
// the operation.
func signatureParameter(name string) bool {
	return len(name) > 6 && strings.EqualFold(name[:6], "X-Amz-")
}

// Encode implements wire.Codec. It reuses the memory of res.Body.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	response := op.Name + "Response"
	body := xmlbody.AppendStart(res.Body[:0], response, op.API().XMLNamespace)
	if shape := op.Output(); shape != nil {
		wrapper := op.ResultWrapper
		if wrapper == "" {
			wrapper = op.Name + "Result"
		}
		body = xmlbody.AppendStart(body, wrapper, "")
		if out != nil {
			var err error
			if body, err = xmlbody.AppendMembers(body, shape, wire.PointerOf(out), false); err != nil {
				return fmt.Errorf("encode the output of %s: %w", op.Name, err)
			}
		}
		body = xmlbody.AppendEnd(body, wrapper)
	}
	body = xmlbody.AppendStart(body, "ResponseMetadata", "")
	body = xmlbody.AppendTextElement(body, "RequestId", requestID)
	body = xmlbody.AppendEnd(body, "ResponseMetadata")
	res.Body = xmlbody.AppendEnd(body, response)
	res.Status = http.StatusOK
	setHeaders(res, requestID)
	return nil
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	d := wire.Describe(api, err, wire.QueryCode, true)
	if e, ok := err.(*wire.CommonError); ok && e.Kind == wire.AccessDenied && api != nil && api.Name == "sns" {
		// SNS has a word of its own for it.
		d.Code = "AuthorizationError"
	}
	res.Status = d.Status
	res.Body = AppendErrorResponse(res.Body[:0], api, &d, err, requestID)
	setHeaders(res, requestID)
}

// AppendErrorResponse appends the error document that awsQuery and restXml share.
func AppendErrorResponse(dst []byte, api *wire.API, d *wire.Described, err wire.APIError, requestID string) []byte {
	namespace := ""
	if api != nil {
		namespace = api.XMLNamespace
	}
	dst = xmlbody.AppendStart(dst, "ErrorResponse", namespace)
	dst = xmlbody.AppendStart(dst, "Error", "")
	dst = xmlbody.AppendTextElement(dst, "Type", d.Fault())
	dst = xmlbody.AppendTextElement(dst, "Code", d.Code)
	dst = AppendErrorMembers(dst, d, err)
	dst = xmlbody.AppendEnd(dst, "Error")
	dst = xmlbody.AppendTextElement(dst, "RequestId", requestID)
	return xmlbody.AppendEnd(dst, "ErrorResponse")
}

// AppendErrorMembers appends the Message element, which is always there and always
// has this name, the other members of a modelled error and the extra fields of a
// common one.
func AppendErrorMembers(dst []byte, d *wire.Described, err wire.APIError) []byte {
	dst = xmlbody.AppendTextElement(dst, "Message", d.Message)
	if d.Shape != nil {
		dst = xmlbody.AppendErrorDetails(dst, d.Shape, wire.PointerOf(err))
	}
	for _, f := range d.Extra {
		dst = xmlbody.AppendTextElement(dst, f.Name, f.Value)
	}
	return dst
}

func setHeaders(res *wire.Response, requestID string) {
	res.Header.Set("Content-Type", "text/xml")
	res.Header.Set("X-Amzn-Requestid", requestID)
}
