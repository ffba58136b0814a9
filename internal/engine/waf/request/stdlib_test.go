package request

import (
	"bytes"
	"encoding/json"
	"io"
	mime "mime/multipart"
	"net/url"
	"testing"
)

// BenchmarkBesideStandardLibrary takes typical bodies apart here and with the standard library, which
// gives an application its arguments.
func BenchmarkBesideStandardLibrary(b *testing.B) {
	requests := typicalRequests()
	args, err := Compile(Component{Kind: BodyArguments})
	if err != nil {
		b.Fatal(err)
	}
	ours := func(r *Request) func(b *testing.B) {
		return func(b *testing.B) {
			in := NewInspection(DefaultLimits())
			var values []Value
			b.SetBytes(int64(len(r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				in.Reset(r)
				values, _ = args.Append(values[:0], in)
			}
		}
	}
	theirs := func(r *Request, parse func() error) func(b *testing.B) {
		return func(b *testing.B) {
			b.SetBytes(int64(len(r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := parse(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	form, doc, parts := requests[1], requests[2], requests[3]
	b.Run("form/here", ours(form))
	b.Run("form/standard", theirs(form, func() error {
		_, err := url.ParseQuery(string(form.Body))
		return err
	}))
	b.Run("JSON/here", ours(doc))
	b.Run("JSON/standard", theirs(doc, func() error {
		var v any
		return json.Unmarshal(doc.Body, &v)
	}))
	b.Run("multipart/here", ours(parts))
	b.Run("multipart/standard", theirs(parts, func() error {
		r := mime.NewReader(bytes.NewReader(parts.Body), "----WebKitFormBoundaryABC")
		for {
			p, err := r.NextPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, p); err != nil {
				return err
			}
		}
	}))
}
