package waf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// longBody is a body as a proxy holds it: AWS's components see the beginning, the managed groups all.
type longBody struct {
	contentType string
	body        []byte
}

func (b *longBody) request() *request.Request {
	r := waf.BrowserGet()
	r.Method, r.Target = "POST", "/api/items"
	hold(r, b.body)
	r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: b.contentType})
	return r
}

// hold gives a request a body as a proxy does: AWS's components see the beginning.
func hold(r *request.Request, body []byte) {
	const seen = 8 << 10
	r.Body, r.BodyTruncated, r.Held = body[:min(len(body), seen)], len(body) > seen, body
}

// longBodies are bodies of about size bytes as people and programs send them.
func longBodies(size int) map[string]*longBody {
	all := map[string]*longBody{}
	bodies, kinds := ordinaryBodies(size)
	for name, b := range bodies {
		all[name] = &longBody{kinds[name], bytes.TrimSpace(b)}
	}
	rng := rand.New(rand.NewPCG(3, uint64(size)))
	english := strings.Fields(vocabularies["English"])
	word := func() string { return english[rng.IntN(len(english))] }
	until := func(more func(b *strings.Builder)) []byte {
		var b strings.Builder
		for b.Len() < size {
			more(&b)
		}
		return []byte(b.String())
	}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	upload := func(name, kind string, content []byte) *longBody {
		var b bytes.Buffer
		fmt.Fprintf(&b, "--formboundary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nMinutes of June\r\n--formboundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n", name, kind)
		b.Write(content)
		b.WriteString("\r\n--formboundary\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nas we said on Monday\r\n--formboundary--\r\n")
		return &longBody{"multipart/form-data; boundary=formboundary", b.Bytes()}
	}
	all["upload of a picture"] = upload("holiday.png", "image/png", append([]byte("\x89PNG\r\n\x1a\n"), random(size)...))
	all["upload of a PDF"] = upload("minutes.pdf", "application/pdf", slices.Concat([]byte("%PDF-1.7\n"), until(func(b *strings.Builder) {
		fmt.Fprintf(b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /Length 900 /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n", rng.IntN(999), random(900))
	})))
	all["upload of a document"] = upload("minutes.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", append([]byte("PK\x03\x04\x14\x00\x06\x00word/document.xml"), random(size)...))
	all["upload of a text"] = upload("story.txt", "text/plain", until(func(b *strings.Builder) { b.WriteString(word() + " ") }))
	all["upload of a table"] = upload("items.csv", "text/csv", until(func(b *strings.Builder) {
		fmt.Fprintf(b, "%d,%s,%s,%d.%02d\r\n", rng.IntN(1e6), word(), word(), rng.IntN(1000), rng.IntN(100))
	}))
	log := until(func(b *strings.Builder) {
		fmt.Fprintf(b, "2026-06-%02dT%02d:%02d:%02d.%03dZ INFO  [worker-%d] com.example.shop.%s - %s %s took %d ms\n", 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(1000), rng.IntN(16), word(), word(), word(), rng.IntN(900))
	})
	all["log"] = &longBody{"text/plain", log}
	all["lines of JSON"] = &longBody{"application/x-ndjson", until(func(b *strings.Builder) {
		line, _ := json.Marshal(map[string]any{"@timestamp": fmt.Sprintf("2026-06-%02dT12:00:00Z", 1+rng.IntN(28)), "level": "info", "message": word() + " " + word() + " " + word(), "duration": rng.IntN(900), "host": "web-" + fmt.Sprint(rng.IntN(20))})
		b.Write(line)
		b.WriteByte('\n')
	})}
	picture := base64.StdEncoding.EncodeToString(random(size / 4))
	messages := []any{map[string]any{"role": "system", "content": "You help people with their questions."}}
	for range 3 {
		messages = append(messages, map[string]any{"role": "user", "content": []any{
			map[string]any{"type": "text", "text": "What is in this picture?"},
			map[string]any{"type": "image_url", "image_url": map[string]any{"url": "data:image/png;base64," + picture}}}})
	}
	chat, _ := json.Marshal(map[string]any{"model": "example", "messages": messages, "max_tokens": 900})
	all["pictures for a model"] = &longBody{"application/json", chat}
	all["numbers"] = &longBody{"application/json", append(append([]byte(`{"series":[`), until(func(b *strings.Builder) { fmt.Fprintf(b, "[%d,%.4f],", 1_780_000_000+rng.IntN(1e6), rng.Float64()*100) })...), `[1,2]]}`...)}
	all["places"] = &longBody{"application/geo+json", append(append([]byte(`{"type":"LineString","coordinates":[`), until(func(b *strings.Builder) { fmt.Fprintf(b, "[%.6f,%.6f],", rng.Float64()*180, rng.Float64()*90) })...), `[1.5,2.5]]}`...)}
	all["XML"] = &longBody{"application/xml", slices.Concat([]byte(`<?xml version="1.0" encoding="UTF-8"?><orders>`), until(func(b *strings.Builder) {
		fmt.Fprintf(b, "<order id=\"%d\"><customer>%s %s</customer><item sku=\"A-%d\" count=\"%d\">%s</item><price currency=\"EUR\">%d.%02d</price></order>\n", rng.IntN(1e6), word(), word(), rng.IntN(1e4), rng.IntN(9), word(), rng.IntN(1000), rng.IntN(100))
	}), []byte("</orders>"))}
	all["form of many fields"] = &longBody{"application/x-www-form-urlencoded", until(func(b *strings.Builder) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		fmt.Fprintf(b, "items%%5B%d%%5D%%5Bname%%5D=%s&items%%5B%d%%5D%%5Bprice%%5D=%d", rng.IntN(1000), url.QueryEscape(word()+" "+word()), rng.IntN(1000), rng.IntN(1e5))
	})}
	all["octets"] = &longBody{"application/octet-stream", random(size)}
	source, _ := json.Marshal(map[string]any{"path": "src/shop/cart.go", "content": string(until(func(b *strings.Builder) {
		fmt.Fprintf(b, "func (c *Cart) %s%d(%s int, %s string) error {\n\tfor i := range c.items {\n\t\tif c.items[i].%s == %s {\n\t\t\treturn fmt.Errorf(\"%s %%d\", i)\n\t\t}\n\t}\n\treturn nil\n}\n\n", word(), rng.IntN(100), word(), word(), word(), word(), word())
	}))})
	all["source"] = &longBody{"application/json", source}
	return all
}

// passing is up to how many KiB bodies of the kinds of longBodies are looked at whole within the bound. Prose of Latin letters takes 40 to 60 steps a byte, and
// JSON of many short texts as many.
var passing = map[string]int{
	"upload of a picture": 1000, "upload of a PDF": 1000, "upload of a document": 1000, "upload of a text": 1000, "upload of a table": 1000, "octets": 1000,
	"base64": 1000, "pictures for a model": 1000, "numbers": 1000, "places": 1000,
	"XML": 250, "form of many fields": 250, "lines of JSON": 250,
	"Arabic": 100, "Chinese": 100, "Greek": 100, "Hindi": 100, "Japanese": 100, "Russian": 100, "French": 90, "German": 90, "HTML": 100, "CSV": 80, "log": 100, "source": 80,
	"English in a form": 80, "English": 75, "JSON": 65,
}

// withAttack is the body with an attack at its end: the last member, field, element or line.
func (b *longBody) withAttack() *longBody {
	const statement, script = "1' or '1'='1' union select password from users -- ", "<script>alert(document.cookie)</script>"
	put := func(before, attack string) *longBody {
		at := bytes.LastIndex(b.body, []byte(before))
		return &longBody{b.contentType, slices.Concat(b.body[:at], []byte(attack), b.body[at:])}
	}
	switch {
	case strings.HasPrefix(b.contentType, "multipart/"):
		return put("\r\n--formboundary--", statement)
	case b.contentType == "application/x-ndjson":
		return &longBody{b.contentType, slices.Concat(b.body, []byte(`{"message":"`+statement+`"}`+"\n"))}
	case strings.HasSuffix(b.contentType, "json"):
		return put("}", `,"last":"`+statement+`"`)
	case b.contentType == "application/x-www-form-urlencoded":
		return &longBody{b.contentType, slices.Concat(b.body, []byte("&last="+url.QueryEscape(statement)))}
	case b.contentType == "application/xml":
		return put("</orders>", "<note>"+strings.ReplaceAll(statement, "<", "&lt;")+"</note>")
	}
	return &longBody{b.contentType, slices.Concat(b.body, []byte("\n"+script))}
}

func TestLongOrdinaryBodiesPassAndAttacksAtTheirEndsDoNot(t *testing.T) {
	p := managedSteps(t, 0, false, 0, 0)
	s := waf.NewScratch(request.DefaultLimits())
	judge := func(b *longBody) (*waf.Verdict, uint64) {
		before := s.Steps()
		v, err := p.Evaluate(b.request(), nil, s)
		if err != nil {
			t.Fatal(err)
		}
		return v, s.Steps() - before
	}
	for _, size := range []int{65, 75, 80, 90, 100, 250, 1000} {
		bodies := longBodies(size << 10)
		for _, name := range slices.Sorted(maps.Keys(bodies)) {
			if passing[name] < size || passing[name] > size && size < 100 {
				continue
			}
			b := bodies[name]
			v, steps := judge(b)
			t.Logf("%s, %d KiB: %.2f million steps", name, len(b.body)>>10, float64(steps)/1e6)
			if v.Action != waf.Allow || v.Exhausted {
				t.Errorf("%s, %d KiB: %v by %+v, not looked at whole %v", name, len(b.body)>>10, v.Action, v.Inner, v.Exhausted)
			}
			if name == "octets" {
				continue // a file of which nobody takes arguments
			}
			if v, _ = judge(b.withAttack()); v.Action != waf.Block || v.Exhausted {
				t.Errorf("%s, %d KiB with an attack at its end: %v, not looked at whole %v", name, len(b.body)>>10, v.Action, v.Exhausted)
			}
		}
	}
}

// BenchmarkLongBodies evaluates ordinary bodies of 256 KiB and 1 MiB.
func BenchmarkLongBodies(b *testing.B) {
	p := managedSteps(b, 0, false, 0, 0)
	s := waf.NewScratch(request.DefaultLimits())
	for _, size := range []int{256 << 10, 1000 << 10} {
		bodies := longBodies(size)
		for _, name := range []string{"upload of a PDF", "upload of a document", "pictures for a model", "numbers"} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				r := bodies[name].request()
				b.SetBytes(int64(len(r.Held)))
				b.ReportAllocs()
				before := s.Steps()
				for b.Loop() {
					if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != waf.Allow {
						b.Fatal(v, err)
					}
				}
				b.ReportMetric(float64(s.Steps()-before)/float64(b.N)/1e6, "Msteps/op")
			})
		}
	}
}
