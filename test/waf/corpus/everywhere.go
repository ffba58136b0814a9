package corpus

import (
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"fastness/internal/engine/waf/request"
)

// Place is where in a request a value stands.
type Place string

// The places. Of a sample by itself its hash chooses one of the first; a matrix has all of them.
const (
	InQuery       Place = "query"
	InForm        Place = "form"
	InJSON        Place = "json"
	InMultipart   Place = "multipart"
	InPath        Place = "path"
	InHeader      Place = "header"
	InCookie      Place = "cookie"
	InUserAgent   Place = "user agent"
	InQueryName   Place = "query name"
	InSegment     Place = "path in the middle"
	InReferer     Place = "referer"
	InForwarded   Place = "x-forwarded-for"
	InFormName    Place = "form name"
	InJSONName    Place = "json name"
	InJSONString  Place = "json in json"
	InJSONPut     Place = "json, PUT"
	InGraphQL     Place = "graphql variable"
	InGraphQLText Place = "graphql literal"
	InXML         Place = "xml text"
	InXMLName     Place = "xml attribute"
	InSOAP        Place = "soap"
	InFileName    Place = "multipart file name"
	InFile        Place = "multipart file"
	InPlain       Place = "text body"
	InUntyped     Place = "body, no type"
	InRPC         Place = "grpc message"
	InHandshake   Place = "websocket handshake"
)

// Places are all places.
var Places = []Place{
	InQuery, InQueryName, InPath, InSegment, InHeader, InCookie, InUserAgent, InReferer, InForwarded, InForm, InFormName, InJSON, InJSONName, InJSONString, InJSONPut,
	InGraphQL, InGraphQLText, InXML, InXMLName, InSOAP, InMultipart, InFileName, InFile, InPlain, InUntyped, InRPC, InHandshake,
}

// ofField tells whether the place is a header field, which holds no control characters.
func (p Place) ofField() bool {
	switch p {
	case InHeader, InUserAgent, InReferer, InForwarded:
		return true
	}
	return false
}

// Fits tells whether a value in a coding can stand at a place as it is.
func Fits(p Place, c Coding, v string) bool {
	return !p.ofField() || strings.IndexFunc(c.write(v), func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}

// quoted is v as a string of JSON.
func quoted(v string) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func escapedXML(v string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(v)) // a strings.Builder takes everything
	return b.String()
}

// At makes a request that has the sample's value at a place.
func (s *Sample) At(p Place, c Coding) *request.Request {
	r := &request.Request{
		Method: "GET", Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1", Time: time.Unix(1_700_000_000, 0),
		Remote: netip.MustParseAddr("203.0.113.9"), Fields: browser, Target: "/search?q=shoes",
	}
	v := c.write(s.Value)
	with := func(name, value string) {
		r.Fields = append(r.Fields[:len(r.Fields):len(r.Fields)], request.Field{Name: name, Value: value})
	}
	post := func(media, body string) {
		r.Method, r.Target, r.Body = "POST", "/submit", []byte(body)
		if media != "" {
			with("Content-Type", media)
		}
		cut(r)
	}
	switch p {
	case InQuery:
		r.Target = "/search?lang=en&q=" + url.QueryEscape(v) + "&page=1"
	case InQueryName:
		r.Target = "/search?lang=en&" + url.QueryEscape(v) + "=1"
	case InPath:
		r.Target = "/docs/" + url.PathEscape(v)
	case InSegment:
		r.Target = "/api/v1/items/" + url.PathEscape(v) + "/details?full=1"
	case InHeader:
		with("X-Client-Data", v)
	case InForwarded:
		with("X-Forwarded-For", v)
	case InReferer:
		with("Referer", v)
	case InCookie:
		with("Cookie", "session=7f3a; pref="+url.QueryEscape(v))
	case InUserAgent:
		r.Fields = append([]request.Field(nil), browser...)
		r.Fields[1].Value = v
	case InForm:
		post("application/x-www-form-urlencoded", "name=Ann&comment="+url.QueryEscape(v))
	case InFormName:
		post("application/x-www-form-urlencoded", "name=Ann&"+url.QueryEscape(v)+"=1")
	case InJSON, InJSONPut:
		post("application/json", `{"filter":{"text":`+quoted(v)+`},"id":7}`)
		if p == InJSONPut {
			r.Method = "PUT"
		}
	case InJSONName:
		post("application/json", `{"id":7,"filter":{`+quoted(v)+`:1}}`)
	case InJSONString:
		post("application/json", `{"id":7,"event":`+quoted(`{"name":"search","text":`+quoted(v)+`}`)+`}`)
	case InGraphQL:
		post("application/json", `{"operationName":"Find","query":"query Find($q: String!) { items(q: $q) { id name } }","variables":{"q":`+quoted(v)+`}}`)
	case InGraphQLText:
		post("application/json", `{"query":`+quoted(`query { items(q: `+quoted(v)+`) { id name } }`)+`}`)
	case InXML:
		post("application/xml", `<?xml version="1.0"?><order><id>7</id><note>`+escapedXML(v)+`</note></order>`)
	case InXMLName:
		post("text/xml", `<?xml version="1.0"?><order id="7" note="`+escapedXML(v)+`"/>`)
	case InSOAP:
		post("text/xml; charset=utf-8", `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><m:Find xmlns:m="https://shop.example/ns"><m:Text>`+escapedXML(v)+`</m:Text></m:Find></soap:Body></soap:Envelope>`)
		with("SOAPAction", `"https://shop.example/ns/Find"`)
	case InMultipart:
		post("multipart/form-data; boundary=xYzZy", "--xYzZy\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n"+v+"\r\n--xYzZy--\r\n")
	case InFileName:
		name := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(v) // as browsers write it
		post("multipart/form-data; boundary=xYzZy", "--xYzZy\r\nContent-Disposition: form-data; name=\"file\"; filename=\""+name+"\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xYzZy--\r\n")
	case InFile:
		post("multipart/form-data; boundary=xYzZy", "--xYzZy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"note.txt\"\r\nContent-Type: text/plain\r\n\r\n"+v+"\r\n--xYzZy--\r\n")
	case InPlain:
		post("text/plain", v)
	case InUntyped:
		post("", v)
	case InRPC:
		// One message of one field that is a string, behind gRPC's five bytes.
		field := append([]byte{0x0a}, binary.AppendUvarint(nil, uint64(len(v)))...)
		field = append(field, v...)
		frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(field)))
		post("application/grpc", string(append(frame, field...)))
	case InHandshake:
		r.Target = "/chat?room=" + url.QueryEscape(v)
		with("Connection", "Upgrade")
		with("Upgrade", "websocket")
		with("Sec-WebSocket-Version", "13")
		with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	}
	return r
}
