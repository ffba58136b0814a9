package corpus

import (
	"encoding/base64"
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
	h := fnv.New32a()
	h.Write([]byte(s.Value))
	place := h.Sum32() % 10
	if place >= 7 && strings.IndexFunc(c.write(s.Value), func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0 {
		place -= 7
	}
	p := [10]Place{InQuery, InQuery, InForm, InJSON, InJSON, InMultipart, InPath, InHeader, InCookie, InUserAgent}[place]
	return s.At(p, c), string(p)
}

// inspected is how much of a body AWS's components of a load balancer see, held how much there is for the
// others.
const (
	inspected = 8192
	held      = 1 << 20
)

func cut(r *request.Request) {
	if len(r.Body) > inspected {
		r.Held, r.HeldTruncated = r.Body[:min(len(r.Body), held)], len(r.Body) > held
		r.Body, r.BodyTruncated = r.Body[:inspected], true
	}
}
