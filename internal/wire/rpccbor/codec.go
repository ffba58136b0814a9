package rpccbor

import (
	"fmt"
	"net/http"
	"strings"

	"fastness/internal/wire"
	"fastness/internal/wire/cborbody"
)

// ProtocolHeader and ProtocolName mark requests and answers of the protocol.
const (
	ProtocolHeader = "Smithy-Protocol"
	ProtocolName   = "rpc-v2-cbor"
)

const contentType = "application/cbor"

// Codec is the wire.Codec of rpcv2Cbor. It is immutable.
type Codec struct{}

var _ wire.Codec = (*Codec)(nil)

// New returns the codec.
func New() *Codec { return new(Codec) }

// ParsePath reads the service and operation names of a request's path, which may have
// a prefix before "/service/".
func ParsePath(path string) (service, operation string, ok bool) {
	rest, operation, ok := cutLast(path, "/operation/")
	if !ok {
		return "", "", false
	}
	_, service, ok = cutLast(rest, "/service/")
	if !ok || !name(service) || !name(operation) {
		return "", "", false
	}
	return service, operation, true
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}

// name tells whether s is a Smithy identifier.
func name(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Protocol implements wire.Codec.
func (c *Codec) Protocol() wire.Protocol { return wire.RPCv2CBOR }

// Decode implements wire.Codec.
func (c *Codec) Decode(op *wire.Operation, req *wire.Request) (any, error) {
	if op.NewInput == nil {
		return nil, nil
	}
	in := op.NewInput()
	if len(req.Body) == 0 {
		return in, nil
	}
	if err := cborbody.DecodeStruct(req.Body, op.Input(), wire.PointerOf(in)); err != nil {
		return nil, &wire.CommonError{Kind: wire.Serialization, Message: err.Error(), Cause: err}
	}
	return in, nil
}

// Encode implements wire.Codec. It reuses the memory of res.Body.
func (c *Codec) Encode(op *wire.Operation, out any, requestID string, res *wire.Response) error {
	res.Status = http.StatusOK
	res.Body = res.Body[:0]
	res.Header.Set(ProtocolHeader, ProtocolName)
	res.Header.Set("X-Amzn-Requestid", requestID)
	s := op.Output()
	if s == nil {
		return nil
	}
	res.Header.Set("Content-Type", contentType)
	if out == nil {
		res.Body = cborbody.AppendMapHead(res.Body, 0)
		return nil
	}
	body, err := cborbody.AppendStruct(res.Body, s, wire.PointerOf(out))
	if err != nil {
		return fmt.Errorf("encode the output of %s: %w", op.Name, err)
	}
	res.Body = body
	return nil
}

// EncodeError implements wire.Codec.
func (c *Codec) EncodeError(api *wire.API, _ *wire.Operation, err wire.APIError, requestID string, res *wire.Response) {
	d := wire.Describe(api, err, wire.JSONCode, false)
	res.Status = d.Status
	res.Header.Set(ProtocolHeader, ProtocolName)
	res.Header.Set("Content-Type", contentType)
	res.Header.Set("X-Amzn-Requestid", requestID)
	if api != nil && api.QueryCompatible {
		res.Header.Set("X-Amzn-Query-Error", d.QueryError())
	}
	res.Body = appendError(res.Body[:0], &d, err)
}

func appendError(dst []byte, d *wire.Described, err wire.APIError) []byte {
	start, n := len(dst), 1
	message := d.Message != "" && (d.Shape == nil || d.Shape.Error == nil || d.Shape.Error.Message < 0)
	if message {
		n++
	}
	if d.Shape != nil {
		n += cborbody.CountMembers(d.Shape, wire.PointerOf(err))
	}
	dst = cborbody.AppendText(cborbody.AppendMapHead(dst, n), "__type")
	dst = cborbody.AppendText(dst, d.Code)
	if message {
		dst = appendMessage(dst, d.Message)
	}
	if d.Shape == nil {
		return dst
	}
	out, encErr := cborbody.AppendMembers(dst, d.Shape, wire.PointerOf(err))
	if encErr != nil {
		// An error is answered even if one of its members cannot be written.
		dst = cborbody.AppendText(cborbody.AppendMapHead(dst[:start], 2), "__type")
		return appendMessage(cborbody.AppendText(dst, d.Code), d.Message)
	}
	return out
}

func appendMessage(dst []byte, message string) []byte {
	return cborbody.AppendText(cborbody.AppendText(dst, "message"), message)
}
