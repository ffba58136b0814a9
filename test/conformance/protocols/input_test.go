//go:build conformance && generated

package protocols

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/ec2query"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/restxml"
	"fastness/internal/wire/rpccbor"
	"fastness/internal/wire/uritemplate"
)

// codec is the codec that a suite is about.
func (s *suite) codec() (wire.Codec, error) {
	switch s.Metadata.Protocol {
	case "json":
		if s.Metadata.JSONVersion == "1.0" {
			return awsjson.New(wire.AWSJSON10), nil
		}
		return awsjson.New(wire.AWSJSON11), nil
	case "query":
		return awsquery.New(), nil
	case "ec2":
		return ec2query.New(), nil
	case "rest-json":
		return restjson.New(), nil
	case "rest-xml":
		return restxml.New(), nil
	case "smithy-rpc-v2-cbor":
		return rpccbor.New(), nil
	}
	return nil, fmt.Errorf("no codec speaks %q", s.Metadata.Protocol)
}

// runInput decodes the request of a case and compares the input with its parameters.
func runInput(s *suite, c *testCase, api *wire.API) error {
	codec, err := s.codec()
	if err != nil {
		return err
	}
	path, query, _ := strings.Cut(c.Serialized.URI, "?")
	req := &wire.Request{Method: c.Serialized.Method, Path: path, Query: query, Header: http.Header{}, Body: []byte(c.Serialized.Body)}
	for k, v := range c.Serialized.Headers {
		req.Header.Set(k, v)
	}
	op := api.Operation(c.Given.Name)
	switch codec.Protocol() {
	case wire.RPCv2CBOR:
		if req.Body, err = base64.StdEncoding.DecodeString(c.Serialized.Body); err != nil {
			return err
		}
		if _, name, ok := rpccbor.ParsePath(path); !ok || name != op.Name {
			return fmt.Errorf("the path %q leads to %q", path, name)
		}
	case wire.RESTJSON1, wire.RESTXML:
		router, err := uritemplate.New(api)
		if err != nil {
			return err
		}
		found, labels, err := router.Match(req.Method, path, query, req.Header)
		if err != nil {
			return fmt.Errorf("route %s %s: %w", req.Method, path, err)
		}
		if found != op {
			return fmt.Errorf("routed to %s", found.Name)
		}
		req.Labels = labels
	}
	in, err := codec.Decode(op, req)
	if err != nil {
		return err
	}
	want, err := parse(c.Params)
	if err != nil {
		return err
	}
	if in == nil {
		if len(want.(map[string]any)) > 0 {
			return fmt.Errorf("no input, want %v", want)
		}
		return nil
	}
	return compareStruct(op.Name, op.Input(), wire.PointerOf(in), want.(map[string]any))
}
