package corpus

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"fastness/internal/engine/waf/request"
)

// Coding is how the sender of a value writes it, beyond what its place asks for.
type Coding string

// The codings.
const (
	AsIs    Coding = "as is"
	Base64  Coding = "base64"
	Double  Coding = "percent-encoded twice"
	Escaped Coding = "with JavaScript escapes"
	Entity  Coding = "with character references"
)

// Codings are all codings.
var Codings = []Coding{AsIs, Base64, Double, Escaped, Entity}

func (c Coding) write(v string) string {
	var b strings.Builder
	switch c {
	case Base64:
		return base64.StdEncoding.EncodeToString([]byte(v))
	case Double:
		return url.QueryEscape(v)
	case Escaped:
		for _, r := range v {
			if r < 0x10000 {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	case Entity:
		for _, r := range v {
			fmt.Fprintf(&b, "&#%d;", r)
		}
		return b.String()
	}
	return v
}

// browser is a field of an ordinary browser.
var browser = []request.Field{
	{Name: "Host", Value: "shop.example"},
	{Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
	{Name: "Accept", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
	{Name: "Accept-Language", Value: "en-GB,en;q=0.5"},
	{Name: "Accept-Encoding", Value: "gzip, deflate, br"},
}

// Request makes a request that carries the sample. A whole request and a target are sent as
// they are; a value stands at one of several places, which its own hash chooses, in the coding.
func (s *Sample) Request(c Coding) (*request.Request, string) {
	r := &request.Request{
		Method: "GET", Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1", Time: time.Unix(1_700_000_000, 0),
		Remote: netip.MustParseAddr("203.0.113.9"), Fields: browser, Target: "/search?q=shoes",
	}
	if s.Fields != nil {
		r.Method, r.Target, r.Body, r.Fields = s.Method, s.Value, []byte(s.Body), nil
		for _, f := range s.Fields {
			r.Fields = append(r.Fields, request.Field{Name: f[0], Value: f[1]})
		}
		cut(r)
		return r, "request"
	}
	if s.Target {
		r.Target = (&url.URL{Opaque: s.Value}).Opaque
		return r, "target"
	}
	v := c.write(s.Value)
	h := fnv.New32a()
	h.Write([]byte(s.Value))
	place := h.Sum32() % 10
	plain := strings.IndexFunc(v, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
	if !plain && place >= 7 {
		place -= 7
	}
	with := func(name, value string) {
		r.Fields = append(browser[:len(browser):len(browser)], request.Field{Name: name, Value: value})
	}
	post := func(media, body string) {
		r.Method, r.Target, r.Body = "POST", "/submit", []byte(body)
		with("Content-Type", media)
		cut(r)
	}
	switch place {
	case 0, 1:
		r.Target = "/search?lang=en&q=" + url.QueryEscape(v) + "&page=1"
		return r, "query"
	case 2:
		post("application/x-www-form-urlencoded", "name=Ann&comment="+url.QueryEscape(v))
		return r, "form"
	case 3, 4:
		b, _ := json.Marshal(map[string]any{"id": 7, "filter": map[string]any{"text": v}})
		post("application/json", string(b))
		return r, "json"
	case 5:
		post("multipart/form-data; boundary=xYzZy", "--xYzZy\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n"+v+"\r\n--xYzZy--\r\n")
		return r, "multipart"
	case 6:
		r.Target = "/docs/" + url.PathEscape(v)
		return r, "path"
	case 7:
		with("X-Client-Data", v)
		return r, "header"
	case 8:
		with("Cookie", "session=7f3a; pref="+url.QueryEscape(v))
		return r, "cookie"
	}
	r.Fields = append([]request.Field(nil), browser...)
	r.Fields[1].Value = v
	return r, "user agent"
}

// inspected is how much of a body AWS's components of a load balancer see, held how much there is for the
// others.
const (
	inspected = 8192
	held      = 65536
)

func cut(r *request.Request) {
	if len(r.Body) > inspected {
		r.Held, r.HeldTruncated = r.Body[:min(len(r.Body), held)], len(r.Body) > held
		r.Body, r.BodyTruncated = r.Body[:inspected], true
	}
}
