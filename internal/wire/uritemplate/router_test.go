package uritemplate_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fastness/internal/wire"
	"fastness/internal/wire/uritemplate"
)

func api(t testing.TB) *wire.API {
	t.Helper()
	member := func(name string, l wire.Location) wire.Member {
		return wire.Member{Name: name, WireName: name, Ref: 0, Required: true, Location: l}
	}
	op := func(name, method, path string, in wire.ShapeRef) wire.Operation {
		return wire.Operation{Name: name, Method: method, Path: path, InputRef: in, OutputRef: wire.NoShape}
	}
	return wire.Link(&wire.API{
		Shapes: []wire.Shape{
			{Name: "String", Kind: wire.String},
			{Name: "UploadPart", Kind: wire.Structure, Members: []wire.Member{member("partNumber", wire.InQuery), member("uploadId", wire.InQuery)}},
			{Name: "Copy", Kind: wire.Structure, Members: []wire.Member{member("x-amz-copy-source", wire.InHeader)}},
		},
		Operations: []wire.Operation{
			op("ListBuckets", "GET", "/", wire.NoShape),
			op("ListObjects", "GET", "/{Bucket}", wire.NoShape),
			op("ListObjectsV2", "GET", "/{Bucket}?list-type=2", wire.NoShape),
			op("GetBucketAcl", "GET", "/{Bucket}?acl", wire.NoShape),
			op("PutObject", "PUT", "/{Bucket}/{Key+}?x-id=PutObject", wire.NoShape),
			op("UploadPart", "PUT", "/{Bucket}/{Key+}", 1),
			op("CopyObject", "PUT", "/{Bucket}/{Key+}", 2),
			op("GetObject", "GET", "/{Bucket}/{Key+}", wire.NoShape),
			op("Abort", "DELETE", "/{Bucket}/{Key+}", 1),
			op("ListFunctions", "GET", "/2015-03-31/functions/", wire.NoShape),
			op("GetFunction", "GET", "/2015-03-31/functions/{Name}", wire.NoShape),
			op("GetVersions", "GET", "/2015-03-31/functions/{Name}/versions", wire.NoShape),
			op("Suffix", "POST", "/x/{Path+}/end/{Id}", wire.NoShape),
			op("Regex", "GET", "/ReDosLiteral/{foo}/(a+)+", wire.NoShape),
		},
	})
}

func TestMatch(t *testing.T) {
	r, err := uritemplate.New(api(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, query, header string
		op                          string
		labels                      []string
	}{
		{"GET", "/", "", "", "ListBuckets", nil},
		{"GET", "/b", "", "", "ListObjects", []string{"b"}},
		{"GET", "/b/", "", "", "ListObjects", []string{"b"}},
		{"GET", "/b", "list-type=2&prefix=x", "", "ListObjectsV2", []string{"b"}},
		{"GET", "/b", "list-type=1", "", "ListObjects", []string{"b"}},
		{"GET", "/b", "acl", "", "GetBucketAcl", []string{"b"}},
		{"GET", "/b", "acl=", "", "GetBucketAcl", []string{"b"}},
		{"GET", "/b/a//b/../c%2Fd%252F+", "", "", "GetObject", []string{"b", "a//b/../c/d%2F+"}},
		{"GET", "/b/k/", "", "", "GetObject", []string{"b", "k/"}},
		{"PUT", "/b/k", "", "", "PutObject", []string{"b", "k"}},
		{"PUT", "/b/k", "x-id=PutObject", "", "PutObject", []string{"b", "k"}},
		{"PUT", "/b/k", "partNumber=1&uploadId=x", "", "UploadPart", []string{"b", "k"}},
		{"PUT", "/b/k", "", "x-amz-copy-source", "CopyObject", []string{"b", "k"}},
		{"DELETE", "/b/k", "", "", "Abort", []string{"b", "k"}},
		{"GET", "/2015-03-31/functions/", "", "", "ListFunctions", nil},
		{"GET", "/2015-03-31/functions", "", "", "GetObject", []string{"2015-03-31", "functions"}},
		{"GET", "/2015-03-31/functions/f%3A1", "", "", "GetFunction", []string{"f:1"}},
		{"GET", "/2015-03-31/functions/arn%3Aaws%2Ff/versions", "", "", "GetVersions", []string{"arn:aws/f"}},
		{"POST", "/x/a/b/end/7", "", "", "Suffix", []string{"a/b", "7"}},
		{"GET", "/ReDosLiteral/abc/(a+)+", "", "", "Regex", []string{"abc"}},
	} {
		h := http.Header{}
		if c.header != "" {
			h.Set(c.header, "v")
		}
		op, labels, err := r.Match(c.method, c.path, c.query, h)
		if err != nil {
			t.Errorf("%s %s?%s: %v", c.method, c.path, c.query, err)
			continue
		}
		if op.Name != c.op || !slices.Equal(labels, c.labels) {
			t.Errorf("%s %s?%s: %s %q, want %s %q", c.method, c.path, c.query, op.Name, labels, c.op, c.labels)
		}
	}
}

func TestMatchErrors(t *testing.T) {
	r, err := uritemplate.New(api(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		want         error
	}{
		{"POST", "/b", uritemplate.ErrMethod},
		{"POST", "/x/end/7", uritemplate.ErrMethod},
		{"GET", "", uritemplate.ErrNoRoute},
		{"GET", "b", uritemplate.ErrNoRoute},
		{"GET", "/b/%zz", uritemplate.ErrEscape},
		{"GET", "/b/%", uritemplate.ErrEscape},
		{"GET", "/b/%ff", uritemplate.ErrEscape},
		{"GET", strings.Repeat("/a", 3000), uritemplate.ErrTooLong},
	} {
		if op, _, err := r.Match(c.method, c.path, "", nil); !errors.Is(err, c.want) {
			t.Errorf("%s %.20s: %v, %v", c.method, c.path, op, err)
		}
	}
}

func TestNewRefusesBadTemplates(t *testing.T) {
	for _, path := range []string{"", "a", "/{", "/{}", "/a{b}", "/{a}b", "/{a+}/{b+}", "/{a}{b}"} {
		a := wire.Link(&wire.API{Operations: []wire.Operation{{Name: "X", Method: "GET", Path: path, InputRef: wire.NoShape, OutputRef: wire.NoShape}}})
		if _, err := uritemplate.New(a); err == nil {
			t.Errorf("%q is accepted", path)
		}
	}
}

func TestNewRefusesOperationsThatNoRequestTellsApart(t *testing.T) {
	op := func(name, path string) wire.Operation {
		return wire.Operation{Name: name, Method: "GET", Path: path, InputRef: wire.NoShape, OutputRef: wire.NoShape}
	}
	a := wire.Link(&wire.API{Operations: []wire.Operation{op("Old", "/{Bucket}?lifecycle"), op("New", "/{Name}?lifecycle")}})
	if _, err := uritemplate.New(a); err == nil {
		t.Error("two operations with the same requests are accepted")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("GET", "/b/a//b%2F", "list-type=2")
	f.Add("PUT", "/b/k", "partNumber=1&uploadId=x")
	f.Add("POST", "/x/a/end/b", "%")
	r, err := uritemplate.New(api(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, query string) {
		op, labels, err := r.Match(method, path, query, nil)
		if (op == nil) != (err != nil) {
			t.Fatalf("%v and %v", op, err)
		}
		if op != nil && strings.Count(op.Path, "{") != len(labels) {
			t.Fatalf("%s: %q", op.Path, labels)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r, err := uritemplate.New(api(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Match("GET", "/2015-03-31/functions/name/versions", "", nil); err != nil {
			b.Fatal(err)
		}
	}
}
