package restjson_test

import (
	"errors"
	"net/http"
	"testing"

	"fastness/internal/wire"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/wiretest"
)

func TestDecodeTakesHeadersAndBodyApart(t *testing.T) {
	h := http.Header{"X-Header": {"h"}}
	in, err := restjson.New().Decode(wiretest.API().Operation("Echo"), &wire.Request{Header: h, Body: []byte(`{"String":"s","X-Header":"smuggled"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if e := in.(*wiretest.Everything); wire.Value(e.String) != "s" || wire.Value(e.Header) != "h" {
		t.Errorf("%v %v", e.String, e.Header)
	}
	_, err = restjson.New().Decode(wiretest.API().Operation("Echo"), &wire.Request{Header: h, Body: []byte(`{`)})
	var e *wire.CommonError
	if !errors.As(err, &e) || e.Kind != wire.Serialization {
		t.Error(err)
	}
}

func TestEncode(t *testing.T) {
	res := &wire.Response{Header: http.Header{}}
	if err := restjson.New().Encode(wiretest.API().Operation("Echo"), &wiretest.Everything{String: new("s"), Header: new("h")}, "id-1", res); err != nil {
		t.Fatal(err)
	}
	if string(res.Body) != `{"String":"s"}` || res.Header.Get("X-Header") != "h" || res.Header.Get("Content-Type") != "application/json" || res.Status != 200 {
		t.Errorf("%d %v %s", res.Status, res.Header, res.Body)
	}
	res = &wire.Response{Header: http.Header{}}
	if err := restjson.New().Encode(wiretest.API().Operation("Ping"), nil, "id-1", res); err != nil || len(res.Body) != 0 {
		t.Errorf("%s %v", res.Body, err)
	}
}

func TestEncodeError(t *testing.T) {
	for _, test := range []struct {
		err    wire.APIError
		status int
		code   string
		body   string
	}{
		{&wire.CommonError{Kind: wire.AccessDenied, Message: "no"}, 403, "AccessDeniedException", `{"__type":"AccessDeniedException","message":"no"}`},
		{&wire.CommonError{Kind: wire.Throttling}, 429, "ThrottlingException", `{"__type":"ThrottlingException"}`},
		{&wiretest.SampleError{Message: new("no")}, 409, "Sample.Error", `{"__type":"Sample.Error","Message":"no"}`},
	} {
		res := &wire.Response{Header: http.Header{}}
		restjson.New().EncodeError(wiretest.API(), nil, test.err, "id-1", res)
		if res.Status != test.status || string(res.Body) != test.body || res.Header.Get("x-amzn-ErrorType") != test.code {
			t.Errorf("%d %v %s", res.Status, res.Header, res.Body)
		}
	}
}
