package front

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkDoor is one read through the whole pipeline for 64 callers at once, with a
// real store in memory: everything but the network, the disk and the service.
func BenchmarkDoor(b *testing.B) {
	b.ReportAllocs()
	h := newHarness(b)
	body := []byte(`{"Name":"x","Data":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}`)
	signed := h.build(request{service: "alpha", body: string(body), header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Alpha_2020.Notes.GetNote"}})
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			r := *signed
			r.Body = io.NopCloser(bytes.NewReader(body))
			w := httptest.NewRecorder()
			h.door.ServeHTTP(w, &r)
			if w.Code != http.StatusOK {
				b.Errorf("status %d", w.Code)
				return
			}
		}
	})
}

func BenchmarkMediaType(b *testing.B) {
	b.ReportAllocs()
	r := &http.Request{Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}}
	for b.Loop() {
		if mediaType(r) == "" {
			b.Fatal("no media type")
		}
	}
}
