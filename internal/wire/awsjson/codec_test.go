package awsjson_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/wiretest"
)

func TestDecode(t *testing.T) {
	c := awsjson.New(wire.AWSJSON11)
	op := wiretest.API().Operation("Encrypt")
	in, err := c.Decode(op, &wire.Request{Body: []byte(`{"KeyId":"k","Plaintext":"aGk="}`)})
	if err != nil {
		t.Fatal(err)
	}
	if e := in.(*wiretest.EncryptInput); wire.Value(e.KeyID) != "k" || string(e.Plaintext) != "hi" {
		t.Errorf("%+v", e)
	}
	if in, err := c.Decode(op, &wire.Request{}); err != nil || in.(*wiretest.EncryptInput).KeyID != nil {
		t.Errorf("empty body: %v, %v", in, err)
	}
	if in, err := c.Decode(wiretest.API().Operation("Ping"), &wire.Request{Body: []byte("{}")}); err != nil || in != nil {
		t.Errorf("no input: %v, %v", in, err)
	}
	_, err = c.Decode(op, &wire.Request{Body: []byte(`{"KeyId":1}`)})
	var ce *wire.CommonError
	if !errors.As(err, &ce) || ce.Kind != wire.Serialization || ce.Message != "NUMBER_VALUE can not be converted to a String" {
		t.Errorf("mistyped member: %v", err)
	}
}

func TestEncode(t *testing.T) {
	c := awsjson.New(wire.AWSJSON10)
	res := &wire.Response{Header: http.Header{}}
	err := c.Encode(wiretest.API().Operation("Encrypt"), &wiretest.EncryptOutput{CiphertextBlob: []byte("hi"), KeyID: new("k")}, "id-1", res)
	if err != nil {
		t.Fatal(err)
	}
	if string(res.Body) != `{"CiphertextBlob":"aGk=","KeyId":"k"}` || res.Status != 200 {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	if ct := res.Header.Get("Content-Type"); ct != "application/x-amz-json-1.0" {
		t.Error(ct)
	}
	if id := res.Header.Get("x-amzn-RequestId"); id != "id-1" {
		t.Error(id)
	}
	res = &wire.Response{Header: http.Header{}}
	if err := c.Encode(wiretest.API().Operation("Ping"), nil, "id-1", res); err != nil || len(res.Body) != 0 {
		t.Errorf("no output: %q, %v", res.Body, err)
	}
}

func TestEncodeError(t *testing.T) {
	compatible := *wiretest.API()
	compatible.QueryCompatible = true
	c := awsjson.New(wire.AWSJSON11)
	for _, test := range []struct {
		name   string
		api    *wire.API
		err    wire.APIError
		status int
		code   string
		body   map[string]string
		query  string
	}{
		{"modelled", wiretest.API(), &wiretest.SampleError{Message: new("no"), Reason: new("why")}, 409, "Sample.Error",
			map[string]string{"__type": "Sample.Error", "Message": "no", "Reason": "why"}, ""},
		{"query compatible", &compatible, &wiretest.SampleError{Message: new("no")}, 400, "SampleError",
			map[string]string{"__type": "SampleError", "Message": "no"}, "Sample.Error;Sender"},
		{"common", wiretest.API(), &wire.CommonError{Kind: wire.AccessDenied, Message: `a "b"`}, 400, "AccessDeniedException",
			map[string]string{"__type": "AccessDeniedException", "Message": `a "b"`}, ""},
		{"another common one", wiretest.API(), &wire.CommonError{Kind: wire.InvalidSignature, Message: "no"}, 400, "InvalidSignatureException",
			map[string]string{"__type": "InvalidSignatureException", "message": "no"}, ""},
		{"common, query compatible", &compatible, &wire.CommonError{Kind: wire.InternalFailure}, 500, "InternalFailure",
			map[string]string{"__type": "InternalFailure"}, "InternalFailure;Receiver"},
		{"no API", nil, &wire.CommonError{Kind: wire.UnknownOperation}, 400, "UnknownOperationException",
			map[string]string{"__type": "UnknownOperationException"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := &wire.Response{Header: http.Header{}}
			c.EncodeError(test.api, nil, test.err, "id-1", res)
			var body map[string]string
			if err := json.Unmarshal(res.Body, &body); err != nil {
				t.Fatalf("%v: %s", err, res.Body)
			}
			if len(body) != len(test.body) || res.Status != test.status {
				t.Errorf("%d %s", res.Status, res.Body)
			}
			for k, v := range test.body {
				if body[k] != v {
					t.Errorf("%s: %q, want %q", k, body[k], v)
				}
			}
			if got := res.Header.Get("x-amzn-ErrorType"); got != test.code {
				t.Errorf("x-amzn-ErrorType %q", got)
			}
			if got := res.Header.Get("x-amzn-query-error"); got != test.query {
				t.Errorf("x-amzn-query-error %q", got)
			}
		})
	}
}
