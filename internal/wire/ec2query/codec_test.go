package ec2query_test

import (
	"net/http"
	"testing"

	"fastness/internal/wire"
	"fastness/internal/wire/ec2query"
	"fastness/internal/wire/wiretest"
)

func TestDecode(t *testing.T) {
	in, err := ec2query.New().Decode(wiretest.API().Operation("Encrypt"), &wire.Request{Body: []byte("KeyId=k&GrantTokens.1=a&GrantTokens.2=b")})
	if err != nil {
		t.Fatal(err)
	}
	if e := in.(*wiretest.EncryptInput); wire.Value(e.KeyID) != "k" || len(e.GrantTokens) != 2 || e.GrantTokens[1] != "b" {
		t.Errorf("%+v", e)
	}
}

func TestEncode(t *testing.T) {
	res := &wire.Response{Header: http.Header{}}
	if err := ec2query.New().Encode(wiretest.API().Operation("Encrypt"), &wiretest.EncryptOutput{KeyID: new("k")}, "id-1", res); err != nil {
		t.Fatal(err)
	}
	const want = `<EncryptResponse xmlns="https://sample.example/doc/2020-01-08/"><requestId>id-1</requestId><KeyId>k</KeyId></EncryptResponse>`
	if string(res.Body) != want || res.Status != 200 {
		t.Errorf("%d %s", res.Status, res.Body)
	}
}

func TestEncodeError(t *testing.T) {
	for _, test := range []struct {
		err    wire.APIError
		status int
		body   string
	}{
		{&wire.CommonError{Kind: wire.AccessDenied, Message: "no"}, 403,
			`<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>id-1</RequestID></Response>`},
		{&wire.CommonError{Kind: wire.DryRunOperation, Message: "ok"}, 412,
			`<Response><Errors><Error><Code>DryRunOperation</Code><Message>ok</Message></Error></Errors><RequestID>id-1</RequestID></Response>`},
		{&wiretest.SampleError{Message: new("no"), Reason: new("why")}, 409,
			`<Response><Errors><Error><Code>Sample.Error</Code><Message>no</Message><Reason>why</Reason></Error></Errors><RequestID>id-1</RequestID></Response>`},
	} {
		res := &wire.Response{Header: http.Header{}}
		ec2query.New().EncodeError(wiretest.API(), nil, test.err, "id-1", res)
		if string(res.Body) != test.body || res.Status != test.status {
			t.Errorf("%d %s", res.Status, res.Body)
		}
	}
}
