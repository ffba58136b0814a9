package awsquery_test

import (
	"errors"
	"net/http"
	"testing"

	"fastness/internal/wire"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/wiretest"
)

func TestDecodeReadsBodyAndQueryString(t *testing.T) {
	op := wiretest.API().Operation("Encrypt")
	in, err := awsquery.New().Decode(op, &wire.Request{
		Query: "Action=Encrypt&KeyId=k&X-Amz-Signature=00&X-Amz-Date=20200101T000000Z", Body: []byte("Plaintext=aGk%3D"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := in.(*wiretest.EncryptInput); wire.Value(e.KeyID) != "k" || string(e.Plaintext) != "hi" {
		t.Errorf("%+v", e)
	}
}

func TestDecodeErrors(t *testing.T) {
	op := wiretest.API().Operation("Encrypt")
	for name, test := range map[string]struct {
		req  wire.Request
		kind wire.Common
	}{
		"the same parameter in query and body": {wire.Request{Query: "KeyId=a", Body: []byte("KeyId=b")}, wire.MalformedQuery},
		"Action twice":                         {wire.Request{Query: "Action=a", Body: []byte("Action=b")}, wire.MalformedQuery},
		"bad escape":                           {wire.Request{Body: []byte("KeyId=%")}, wire.MalformedQuery},
		"bad boolean":                          {wire.Request{Body: []byte("DryRun=maybe")}, wire.Serialization},
	} {
		_, err := awsquery.New().Decode(op, &test.req)
		var e *wire.CommonError
		if !errors.As(err, &e) || e.Kind != test.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncode(t *testing.T) {
	res := &wire.Response{Header: http.Header{}}
	out := &wiretest.EncryptOutput{CiphertextBlob: []byte("hi"), KeyID: new("<k&>")}
	if err := awsquery.New().Encode(wiretest.API().Operation("Encrypt"), out, "id-1", res); err != nil {
		t.Fatal(err)
	}
	const want = `<EncryptResponse xmlns="https://sample.example/doc/2020-01-08/"><EncryptResult><CiphertextBlob>aGk=</CiphertextBlob>` +
		`<KeyId>&lt;k&amp;&gt;</KeyId></EncryptResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></EncryptResponse>`
	if string(res.Body) != want || res.Status != 200 || res.Header.Get("Content-Type") != "text/xml" {
		t.Errorf("%d %v %s", res.Status, res.Header, res.Body)
	}
}

func TestEncodeError(t *testing.T) {
	sns := *wiretest.API()
	sns.Name = "sns"
	const open = `<ErrorResponse xmlns="https://sample.example/doc/2020-01-08/"><Error>`
	for name, test := range map[string]struct {
		api    *wire.API
		err    wire.APIError
		status int
		body   string
	}{
		"modelled": {wiretest.API(), &wiretest.SampleError{Message: new("no"), Reason: new("why")}, 409,
			open + `<Type>Sender</Type><Code>Sample.Error</Code><Message>no</Message><Reason>why</Reason></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		"common": {wiretest.API(), &wire.CommonError{Kind: wire.UnrecognizedClient, Message: "a < b"}, 403,
			open + `<Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>a &lt; b</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		"sns denial": {&sns, &wire.CommonError{Kind: wire.AccessDenied, Message: "no"}, 403,
			open + `<Type>Sender</Type><Code>AuthorizationError</Code><Message>no</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		"our fault": {nil, &wire.CommonError{Kind: wire.InternalFailure}, 500,
			`<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message></Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
	} {
		res := &wire.Response{Header: http.Header{}}
		awsquery.New().EncodeError(test.api, nil, test.err, "id-1", res)
		if string(res.Body) != test.body || res.Status != test.status {
			t.Errorf("%s: %d %s", name, res.Status, res.Body)
		}
	}
}
