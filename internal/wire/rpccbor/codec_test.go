package rpccbor_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"fastness/internal/wire"
	"fastness/internal/wire/rpccbor"
	"fastness/internal/wire/wiretest"
)

func TestParsePath(t *testing.T) {
	for path, want := range map[string][3]string{
		"/service/S/operation/Op":            {"S", "Op", "true"},
		"/prefix/x/service/S_1/operation/Op": {"S_1", "Op", "true"},
		"/service/S/operation/":              {"", "", "false"},
		"/service//operation/Op":             {"", "", "false"},
		"/service/S/operation/Op/":           {"", "", "false"},
		"/service/1S/operation/Op":           {"", "", "false"},
		"/service/S%2F/operation/Op":         {"", "", "false"},
		"/operation/Op":                      {"", "", "false"},
		"":                                   {"", "", "false"},
	} {
		s, o, ok := rpccbor.ParsePath(path)
		if s != want[0] || o != want[1] || ok != (want[2] == "true") {
			t.Errorf("%s: %q %q %v", path, s, o, ok)
		}
	}
}

func TestDecodeAndEncode(t *testing.T) {
	op := wiretest.API().Operation("Encrypt")
	body, err := cbor.Marshal(map[string]any{"KeyId": "k", "Plaintext": []byte("hi")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := rpccbor.New().Decode(op, &wire.Request{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if e := in.(*wiretest.EncryptInput); wire.Value(e.KeyID) != "k" || string(e.Plaintext) != "hi" {
		t.Errorf("%+v", e)
	}
	_, err = rpccbor.New().Decode(op, &wire.Request{Body: []byte{0xff}})
	var ce *wire.CommonError
	if !errors.As(err, &ce) || ce.Kind != wire.Serialization {
		t.Error(err)
	}
	res := &wire.Response{Header: http.Header{}}
	if err := rpccbor.New().Encode(op, &wiretest.EncryptOutput{KeyID: new("k")}, "id-1", res); err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := cbor.Unmarshal(res.Body, &out); err != nil || out["KeyId"] != "k" || res.Header.Get("smithy-protocol") != "rpc-v2-cbor" {
		t.Errorf("%v %v %v", out, res.Header, err)
	}
}

func TestEncodeError(t *testing.T) {
	compatible := *wiretest.API()
	compatible.QueryCompatible = true
	for _, test := range []struct {
		api    *wire.API
		err    wire.APIError
		status int
		body   map[string]string
		query  string
	}{
		{wiretest.API(), &wiretest.SampleError{Message: new("no"), Reason: new("why")}, 409, map[string]string{"__type": "Sample.Error", "Message": "no", "Reason": "why"}, ""},
		{&compatible, &wiretest.SampleError{Message: new("no")}, 400, map[string]string{"__type": "SampleError", "Message": "no"}, "Sample.Error;Sender"},
		{nil, &wire.CommonError{Kind: wire.Throttling, Message: "slow"}, 400, map[string]string{"__type": "ThrottlingException", "message": "slow"}, ""},
		{nil, &wire.CommonError{Kind: wire.InternalFailure}, 500, map[string]string{"__type": "InternalFailure"}, ""},
	} {
		res := &wire.Response{Header: http.Header{}}
		rpccbor.New().EncodeError(test.api, nil, test.err, "id-1", res)
		var body map[string]string
		if err := cbor.Unmarshal(res.Body, &body); err != nil {
			t.Fatal(err)
		}
		if len(body) != len(test.body) || res.Status != test.status || res.Header.Get("x-amzn-query-error") != test.query {
			t.Errorf("%d %v %v", res.Status, res.Header, body)
		}
		for k, v := range test.body {
			if body[k] != v {
				t.Errorf("%s: %q, want %q", k, body[k], v)
			}
		}
	}
}
