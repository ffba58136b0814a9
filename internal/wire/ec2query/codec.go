package ec2query

import (
	"fmt"
	"net/http"

	"fastness/internal/wire"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/form"
	"fastness/internal/wire/xmlbody"
)

// Codec is the wire.Codec of EC2 Query. It is immutable.
type Codec struct{}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec.
func New() *Codec { return new(Codec) }

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return wire.EC2Query }

// Decode implements wire.Codec.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	return awsquery.DecodeForm(op, req, form.EC2Query)
}

// Encode implements wire.Codec. It reuses the memory of res.Body.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	response := op.Name + "Response"
	body := xmlbody.AppendStart(res.Body[:0], response, op.API().XMLNamespace)
	body = xmlbody.AppendTextElement(body, "requestId", requestID)
	if shape := op.Output(); shape != nil && out != nil {
		var err error
		if body, err = xmlbody.AppendMembers(body, shape, wire.PointerOf(out), false); err != nil {
			return fmt.Errorf("encode the output of %s: %w", op.Name, err)
		}
	}
	res.Body = xmlbody.AppendEnd(body, response)
	res.Status = http.StatusOK
	setHeaders(res, requestID)
	return nil
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	d := wire.Describe(api, err, wire.EC2Code, true)
	body := xmlbody.AppendStart(res.Body[:0], "Response", "")
	body = xmlbody.AppendStart(body, "Errors", "")
	body = xmlbody.AppendStart(body, "Error", "")
	body = xmlbody.AppendTextElement(body, "Code", d.Code)
	body = awsquery.AppendErrorMembers(body, &d, err)
	body = xmlbody.AppendEnd(body, "Error")
	body = xmlbody.AppendEnd(body, "Errors")
	body = xmlbody.AppendTextElement(body, "RequestID", requestID)
	res.Body = xmlbody.AppendEnd(body, "Response")
	res.Status = d.Status
	setHeaders(res, requestID)
}

func setHeaders(res *wire.Response, requestID string) {
	res.Header.Set("Content-Type", "text/xml;charset=UTF-8")
	res.Header.Set("X-Amzn-Requestid", requestID)
}
