package restxml_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/restxml"
	"fastness/internal/wire/wiretest"
)

// object is an input and output with a streaming payload.
type object struct {
	Body io.ReadCloser
	Key  *string
}

func storage() *wire.API {
	return wire.Link(&wire.API{
		Name: "s3", BareErrors: true, Protocols: []wire.Protocol{wire.RESTXML},
		Operations: []wire.Operation{{
			Name: "PutObject", Method: "PUT", Path: "/{Key+}", InputRef: 2, OutputRef: 2, StreamInput: true, StreamOutput: true,
			NewInput: func() any { return new(object) },
		}},
		Shapes: []wire.Shape{
			{Name: "Body", Kind: wire.Blob, Streaming: true},
			{Name: "Key", Kind: wire.String},
			{Name: "Object", Kind: wire.Structure, Payload: 0, Size: unsafe.Sizeof(object{}), New: wire.Allocate[object], Members: []wire.Member{
				{Name: "Body", WireName: "Body", Ref: 0, Offset: unsafe.Offsetof(object{}.Body)},
				{Name: "Key", WireName: "Key", Ref: 1, Location: wire.InPathTail, Offset: unsafe.Offsetof(object{}.Key)},
			}},
		},
	})
}

func TestStreamsPassThrough(t *testing.T) {
	op := storage().Operation("PutObject")
	in, err := restxml.New().Decode(op, &wire.Request{Header: http.Header{}, Labels: []string{"a/b"}, Stream: io.NopCloser(strings.NewReader("data"))})
	if err != nil {
		t.Fatal(err)
	}
	o := in.(*object)
	if wire.Value(o.Key) != "a/b" {
		t.Error(wire.Value(o.Key))
	}
	res := &wire.Response{Header: http.Header{}}
	if err := restxml.New().Encode(op, o, "id-1", res); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Stream); err != nil || string(b) != "data" || len(res.Body) > 0 {
		t.Errorf("%q %v", b, err)
	}
	if res.Header.Get("x-amz-request-id") != "id-1" {
		t.Error(res.Header)
	}
}

func TestDecodeAndEncodeDocuments(t *testing.T) {
	op := wiretest.API().Operation("Echo")
	in, err := restxml.New().Decode(op, &wire.Request{Header: http.Header{"X-Header": {"h"}}, Body: []byte(`<E><String>s</String><X-Header>no</X-Header></E>`)})
	if err != nil {
		t.Fatal(err)
	}
	e := in.(*wiretest.Everything)
	if wire.Value(e.String) != "s" || wire.Value(e.Header) != "h" {
		t.Errorf("%v %v", e.String, e.Header)
	}
	res := &wire.Response{Header: http.Header{}}
	if err := restxml.New().Encode(op, e, "id-1", res); err != nil {
		t.Fatal(err)
	}
	if want := `<Everything xmlns="https://sample.example/doc/2020-01-08/"><String>s</String></Everything>`; string(res.Body) != want || res.Header.Get("X-Header") != "h" {
		t.Errorf("%s", res.Body)
	}
	_, err = restxml.New().Decode(op, &wire.Request{Header: http.Header{}, Body: []byte(`<!DOCTYPE x><E/>`)})
	var ce *wire.CommonError
	if !errors.As(err, &ce) || ce.Kind != wire.Serialization {
		t.Error(err)
	}
}

func TestEncodeError(t *testing.T) {
	denied := &wire.CommonError{Kind: wire.InvalidSignature, Message: "no", Extra: []wire.ExtraField{{Name: "StringToSign", Value: "a\n<b>"}}}
	for _, test := range []struct {
		api    *wire.API
		err    wire.APIError
		status int
		body   string
	}{
		{storage(), denied, 403, `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>" +
			"<StringToSign>a\n&lt;b&gt;</StringToSign><RequestId>id-1</RequestId><HostId>id-1</HostId></Error>"},
		{wiretest.API(), &wiretest.SampleError{Message: new("no"), Reason: new("why")}, 409, `<ErrorResponse xmlns="https://sample.example/doc/2020-01-08/"><Error>` +
			`<Type>Sender</Type><Code>Sample.Error</Code><Message>no</Message><Reason>why</Reason></Error><RequestId>id-1</RequestId></ErrorResponse>`},
	} {
		res := &wire.Response{Header: http.Header{}}
		restxml.New().EncodeError(test.api, nil, test.err, "id-1", res)
		if res.Status != test.status || !bytes.Equal(res.Body, []byte(test.body)) {
			t.Errorf("%d %s", res.Status, res.Body)
		}
	}
}
