//go:build conformance && generated

package protocols

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/xmlbody"
)

const requestID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7"

var errNotGenerated = errors.New("no package could be generated for the suite")

// opaque stands for a generated struct whose Go type the test does not know: a pointer
// to it is a pointer to the struct.
type opaque struct{}

// opaqueError is a generated error struct of unknown Go type.
type opaqueError struct{}

// errorShapes are the shapes of opaqueErrors; their messages are where the shape says.
var errorShapes = map[*opaqueError]*wire.Shape{}

func (e *opaqueError) Error() string           { return e.ErrorCode() }
func (e *opaqueError) ErrorCode() string       { return errorShapes[e].Name }
func (e *opaqueError) ErrorShape() *wire.Shape { return errorShapes[e] }
func (e *opaqueError) ErrorMessage() string {
	s := errorShapes[e]
	if s.Error == nil || s.Error.Message < 0 {
		return ""
	}
	return wire.Value(*(**string)(s.Members[s.Error.Message].Field(unsafe.Pointer(e))))
}

// runOutput encodes the result of a case, compares status and headers with the
// response of the case, and reads the response back.
func runOutput(file string, i, j int, s *suite, c *testCase, api *wire.API, recorded *recorder) error {
	codec, err := s.codec()
	if err != nil {
		return err
	}
	op := api.Operation(c.Given.Name)
	res := &wire.Response{Header: http.Header{}}
	shape := op.Output()
	data := c.Result
	if c.ErrorCode != "" {
		if shape = errorShape(op, c.ErrorCode); shape == nil {
			return fmt.Errorf("no error has the code %s", c.ErrorCode)
		}
		data = c.Error
	}
	want, err := parse(data)
	if err != nil {
		return err
	}
	fields := want.(map[string]any)
	if shape == nil {
		if len(fields) > 0 {
			return fmt.Errorf("the operation has no output for %v", fields)
		}
		if err := codec.Encode(op, nil, requestID, res); err != nil {
			return err
		}
	} else {
		p := shape.New()
		for k, v := range fields {
			m := memberNamed(shape, k)
			if m == nil {
				return fmt.Errorf("shape %s has no member %s", shape.Name, k)
			}
			if err := fill(m, m.Shape(), m.Field(p), m.Boxed(), v); err != nil {
				return err
			}
		}
		if c.ErrorCode != "" {
			e := (*opaqueError)(p)
			errorShapes[e] = shape
			codec.EncodeError(api, op, e, requestID, res)
		} else if err := codec.Encode(op, (*opaque)(p), requestID, res); err != nil {
			return err
		}
	}
	if res.Stream != nil {
		if res.Body, err = io.ReadAll(res.Stream); err != nil {
			return err
		}
	}
	recorded.add(file, i, j, c, res)
	if res.Status != c.Response.Status {
		return fmt.Errorf("status %d, want %d", res.Status, c.Response.Status)
	}
	for k, v := range c.Response.Headers {
		if strings.EqualFold(k, "Content-Type") || strings.EqualFold(k, "X-Amzn-Requestid") {
			continue
		}
		got := res.Header.Get(k)
		if exact, ok := res.Header[strings.ToLower(k)]; ok {
			got = exact[0]
		}
		if strings.EqualFold(k, "Content-Length") {
			// The server's transport sets it.
			got = strconv.Itoa(len(res.Body))
		}
		if got != v {
			return fmt.Errorf("header %s: %q, want %q", k, got, v)
		}
	}
	if err := contained(codec.Protocol(), res.Body, c.Response.Body); err != nil {
		return fmt.Errorf("%w in %s", err, res.Body)
	}
	if shape == nil {
		return nil
	}
	return readBack(codec, api, shape, res, c, fields)
}

func memberNamed(s *wire.Shape, name string) *wire.Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

func errorShape(op *wire.Operation, code string) *wire.Shape {
	for _, s := range op.Errors() {
		if s.Name == code || s.Error != nil && (s.Error.Code == code || s.Error.QueryCode == code) {
			return s
		}
	}
	return nil
}

// readBack reads the members of our own response with the decoder of the protocol,
// which the input cases hold against what real clients write.
func readBack(codec wire.Codec, api *wire.API, shape *wire.Shape, res *wire.Response, c *testCase, want map[string]any) error {
	mirror := *api
	ref := wire.ShapeRef(slices.IndexFunc(api.Shapes, func(s wire.Shape) bool { return s.Name == shape.Name }))
	var read unsafe.Pointer
	mirror.Operations = []wire.Operation{{
		Name: "Read", Method: "POST", Path: "/", InputRef: ref, OutputRef: wire.NoShape,
		NewInput: func() any { read = shape.New(); return (*opaque)(read) },
	}}
	op := &wire.Link(&mirror).Operations[0]
	req := &wire.Request{Header: res.Header, Body: res.Body}
	switch codec.Protocol() {
	case wire.AWSQuery, wire.EC2Query, wire.RESTXML:
		element := ""
		switch {
		case c.ErrorCode != "":
			element = "Error"
		case codec.Protocol() == wire.AWSQuery:
			element = c.Given.Name + "Result"
		}
		body, err := inner(res.Body, element)
		if err != nil {
			return err
		}
		if req.Body = body; codec.Protocol() != wire.RESTXML {
			return compareXML(body, shape, want)
		}
	}
	if _, err := codec.Decode(op, req); err != nil {
		return fmt.Errorf("read back %s: %w", res.Body, err)
	}
	// The status code is not in the request that the response was turned into.
	rest := map[string]any{}
	for k, v := range want {
		if m := memberNamed(shape, k); m.Location != wire.InStatus {
			rest[k] = v
		}
	}
	// A prefix of no letters takes every header; the vectors name two of them.
	for i := range shape.Members {
		if m := &shape.Members[i]; m.Location == wire.InHeaders && m.WireName == "" {
			delete(rest, m.Name)
			m.Shape().Clear(m.Field(read), m.Boxed())
		}
	}
	if err := compareStruct(shape.Name, shape, read, rest); err != nil {
		return fmt.Errorf("read back %s: %w", res.Body, err)
	}
	return nil
}

// inner cuts the first element of that name out of a document; the whole document
// when name is empty.
func inner(body []byte, name string) ([]byte, error) {
	if name == "" || len(body) == 0 {
		return body, nil
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		start := d.InputOffset()
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("no element %s in %s", name, body)
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == name {
			if err := d.Skip(); err != nil {
				return nil, err
			}
			return body[start:d.InputOffset()], nil
		}
	}
}

// compareXML reads an element with the XML decoder and compares it. The request id,
// which ec2Query answers have beside the members, is not in any model.
func compareXML(body []byte, shape *wire.Shape, want map[string]any) error {
	p := shape.New()
	if err := xmlbody.DecodeStruct(body, shape, p, false); err != nil {
		return fmt.Errorf("read back %s: %w", body, err)
	}
	if err := compareStruct(shape.Name, shape, p, want); err != nil {
		return fmt.Errorf("read back %s: %w", body, err)
	}
	return nil
}
