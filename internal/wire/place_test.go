package wire_test

import (
	"bytes"
	"testing"
	"time"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/wiretest"
)

func TestPlacePresentAndClear(t *testing.T) {
	s := wiretest.API().Operation("Echo").Input()
	v := new(wiretest.Everything)
	for i := range s.Members {
		m := &s.Members[i]
		ms := m.Shape()
		if ms.Present(m.Field(unsafe.Pointer(v)), m.Boxed()) != nil {
			t.Errorf("%s is present in a zero struct", m.Name)
		}
		p := ms.Place(m.Field(unsafe.Pointer(v)), m.Boxed())
		switch ms.Kind {
		case wire.List:
			ms.ListOps.Make(p, 0)
		case wire.Map:
			ms.MapOps.Make(p, 0)
		case wire.Blob:
			*(*[]byte)(p) = []byte{}
		case wire.Document:
			*(*any)(p) = "x"
		case wire.Timestamp:
			*(*time.Time)(p) = time.Unix(1, 0)
		}
		if ms.Present(m.Field(unsafe.Pointer(v)), m.Boxed()) == nil {
			t.Errorf("%s is absent after Place", m.Name)
		}
		ms.Clear(m.Field(unsafe.Pointer(v)), m.Boxed())
		if ms.Present(m.Field(unsafe.Pointer(v)), m.Boxed()) != nil {
			t.Errorf("%s is present after Clear", m.Name)
		}
	}
}

func TestPlaceInSparseLists(t *testing.T) {
	blob := wire.Shape{Name: "Blob", Kind: wire.Blob}
	var p *[]byte
	*(*[]byte)(blob.Place(unsafe.Pointer(&p), true)) = []byte("x")
	if p == nil || string(*p) != "x" {
		t.Errorf("%v", p)
	}
	list := wire.Shape{Name: "List", Kind: wire.List, ListOps: wire.ListOf[string]{}}
	var l *[]string
	q := list.Place(unsafe.Pointer(&l), true)
	list.ListOps.Make(q, 1)
	*(*string)(list.ListOps.Append(q)) = "y"
	if l == nil || len(*l) != 1 || (*l)[0] != "y" {
		t.Errorf("%v", l)
	}
}

// The rows of AWS's tables that clients branch on.
func TestErrorCodesByProtocol(t *testing.T) {
	for _, c := range []struct {
		kind   wire.Common
		table  func(wire.Common) (string, int)
		code   string
		status int
	}{
		{wire.AccessDenied, wire.JSONCode, "AccessDeniedException", 400},
		{wire.AccessDenied, wire.RESTJSONCode, "AccessDeniedException", 403},
		{wire.AccessDenied, wire.QueryCode, "AccessDenied", 403},
		{wire.AccessDenied, wire.EC2Code, "UnauthorizedOperation", 403},
		{wire.AccessDenied, wire.S3Code, "AccessDenied", 403},
		{wire.UnrecognizedClient, wire.QueryCode, "InvalidClientTokenId", 403},
		{wire.UnrecognizedClient, wire.EC2Code, "AuthFailure", 401},
		{wire.UnrecognizedClient, wire.S3Code, "InvalidAccessKeyId", 403},
		{wire.UnrecognizedClient, wire.RESTJSONCode, "UnrecognizedClientException", 403},
		{wire.MissingAuthentication, wire.QueryCode, "MissingAuthenticationToken", 403},
		{wire.InvalidSignature, wire.QueryCode, "SignatureDoesNotMatch", 403},
		{wire.IncompleteSignature, wire.QueryCode, "IncompleteSignature", 400},
		{wire.ExpiredToken, wire.QueryCode, "ExpiredToken", 403},
		{wire.ExpiredToken, wire.S3Code, "ExpiredToken", 400},
		{wire.Validation, wire.QueryCode, "ValidationError", 400},
		{wire.UnknownOperation, wire.QueryCode, "InvalidAction", 400},
		{wire.MissingAction, wire.QueryCode, "MissingAction", 400},
		{wire.Throttling, wire.QueryCode, "Throttling", 400},
		{wire.Throttling, wire.S3Code, "SlowDown", 503},
		{wire.DryRunOperation, wire.EC2Code, "DryRunOperation", 412},
		{wire.RequestExpired, wire.EC2Code, "RequestExpired", 400},
		{wire.PayloadHashMismatch, wire.S3Code, "XAmzContentSHA256Mismatch", 400},
		{wire.ChecksumMismatch, wire.S3Code, "BadDigest", 400},
		{wire.IncompleteSignature, wire.S3Code, "AuthorizationHeaderMalformed", 400},
	} {
		if code, status := c.table(c.kind); code != c.code || status != c.status {
			t.Errorf("%d: %s %d, want %s %d", c.kind, code, status, c.code, c.status)
		}
	}
}

func TestPlacedStringsAreCopies(t *testing.T) {
	for n := range 130 {
		text := bytes.Repeat([]byte{'a'}, n)
		want := string(text)
		var boxed *string
		var inPlace string
		wire.PlaceString(unsafe.Pointer(&boxed), true, text)
		wire.PlaceString(unsafe.Pointer(&inPlace), false, text)
		for i := range text {
			text[i] = 'z'
		}
		if boxed == nil || *boxed != want || inPlace != want {
			t.Errorf("%d bytes: %v, %q", n, boxed, inPlace)
		}
	}
	text := bytes.Repeat([]byte{'a'}, 75)
	if n := testing.AllocsPerRun(100, func() {
		var boxed *string
		wire.PlaceString(unsafe.Pointer(&boxed), true, text)
		kept = boxed
	}); n != 1 {
		t.Errorf("%v allocations for a short string", n)
	}
}

var kept *string
