package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"

	"fastness/internal/http1"
)

// maxForwards is the most addresses that X-Forwarded-For may have (AWS: status 463 above).
const maxForwards = 30

// wafPrefix begins the names of fields that only rules of a web ACL add.
const wafPrefix = "x-amzn-waf-"

// hopByHop tells whether a field is between two hops only (RFC 9110 §7.6.1), or says what
// whoever sends the message says anew.
func hopByHop(name string) bool {
	switch len(name) {
	case 2:
		return equalFold(name, "te")
	case 4:
		return equalFold(name, "host")
	case 6:
		return equalFold(name, "expect")
	case 7:
		return equalFold(name, "upgrade") || equalFold(name, "trailer")
	case 10:
		return equalFold(name, "connection") || equalFold(name, "keep-alive")
	case 14:
		return equalFold(name, "content-length") || equalFold(name, "http2-settings")
	case 16:
		return equalFold(name, "proxy-connection")
	case 17:
		return equalFold(name, "transfer-encoding")
	}
	return false
}

// nominated collects the names that Connection fields name, in lower case, but the options
// that mean something by themselves.
func nominated(into []string, fields []http1.Field) []string {
	for i := range fields {
		if !equalFold(fields[i].Name, "connection") {
			continue
		}
		for option := range strings.SplitSeq(fields[i].Value, ",") {
			option = strings.ToLower(strings.Trim(option, " \t"))
			switch option {
			case "", "close", "keep-alive", "upgrade":
			default:
				into = append(into, option)
			}
		}
	}
	return into
}

func among(name string, lows []string) bool {
	for _, low := range lows {
		if equalFold(name, low) {
			return true
		}
	}
	return false
}

// plainName tells whether a name has only letters, digits and hyphens.
func plainName(name string) bool {
	for i := range len(name) {
		c := lower(name[i])
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// forwards counts the addresses in X-Forwarded-For.
func forwards(fields []http1.Field) int {
	n := 0
	for i := range fields {
		if equalFold(fields[i].Name, "x-forwarded-for") && fields[i].Value != "" {
			n += 1 + strings.Count(fields[i].Value, ",")
		}
	}
	return n
}

// request puts together the fields that a target gets, but Host and those that frame the
// message.
func (f *flow) request() {
	attributes := &f.balancer.attributes
	head := f.x.Head()
	f.options = nominated(f.options[:0], head.Fields)
	out := f.out[:0]
	forwarded, trace, via := "", "", ""
	for i := range head.Fields {
		field := &head.Fields[i]
		name := field.Name
		switch {
		case hopByHop(name), len(f.options) > 0 && among(name, f.options):
			continue
		case attributes.DropInvalidFields && !plainName(name):
			continue
		case f.balancer.inspector != nil && len(name) > len(wafPrefix) && equalFold(name[:len(wafPrefix)], wafPrefix):
			continue // a target takes it for a word of the web ACL
		case lower(name[0]) == 'v':
			if attributes.Via != "" && equalFold(name, "via") {
				via = joined(via, field.Value)
				continue
			}
		case lower(name[0]) == 'x':
			switch {
			case equalFold(name, "x-forwarded-for"):
				if attributes.ForwardedFor != "preserve" {
					forwarded = joined(forwarded, field.Value)
					continue
				}
			case equalFold(name, "x-forwarded-proto"), equalFold(name, "x-forwarded-port"):
				continue
			case equalFold(name, "x-amzn-trace-id"):
				trace = field.Value
				continue
			case attributes.TLSFields && (equalFold(name, "x-amzn-tls-version") || equalFold(name, "x-amzn-tls-cipher-suite")):
				continue
			}
		}
		out = append(out, *field)
	}
	if attributes.ForwardedFor == "" || attributes.ForwardedFor == "append" {
		out = append(out, http1.Field{Name: "X-Forwarded-For", Value: joined(forwarded, f.conn.forwarded(attributes.ClientPort))})
	}
	out = append(out,
		http1.Field{Name: "X-Forwarded-Proto", Value: f.scheme},
		http1.Field{Name: "X-Forwarded-Port", Value: f.listener.port},
		http1.Field{Name: "X-Amzn-Trace-Id", Value: f.traceField(trace)})
	if state := f.x.TLS(); attributes.TLSFields && state != nil {
		out = append(out, http1.Field{Name: "X-Amzn-Tls-Version", Value: tls.VersionName(state.Version)},
			http1.Field{Name: "X-Amzn-Tls-Cipher-Suite", Value: tls.CipherSuiteName(state.CipherSuite)})
	}
	if attributes.Via != "" {
		out = append(out, http1.Field{Name: "Via", Value: joined(via, strings.TrimPrefix(f.seen.Proto, "HTTP/")+" "+attributes.Via)})
	}
	f.out = append(out, f.verdict.Insert...)
}

func joined(list, value string) string {
	if list == "" {
		return value
	}
	return list + ", " + value
}

// response puts together the fields of a target's response that the client gets.
func (f *flow) response(fields []http1.Field) []http1.Field {
	f.options = nominated(f.options[:0], fields)
	out := f.back[:0]
	for i := range fields {
		if name := fields[i].Name; !hopByHop(name) && (len(f.options) == 0 || !among(name, f.options)) {
			out = append(out, fields[i])
		}
	}
	f.back = out
	return out
}

// maxTraceID bounds the identifiers that are taken over from requests; ours have 35 bytes.
const maxTraceID = 128

// traceRoot is the Root of an X-Amzn-Trace-Id, or empty.
func traceRoot(value string) string {
	for part := range strings.SplitSeq(value, ";") {
		if key, id, ok := strings.Cut(strings.TrimSpace(part), "="); ok && key == "Root" && id != "" && len(id) <= maxTraceID {
			return id
		}
	}
	return ""
}

// newTrace makes an identifier: version, seconds since 1970, 96 random bits.
func newTrace(now time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint32(raw[:], uint32(now.Unix()))
	binary.BigEndian.PutUint32(raw[4:], rand.Uint32())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	b := append(make([]byte, 0, 35), "1-"...)
	b = append(hex.AppendEncode(b, raw[:4]), '-')
	return string(hex.AppendEncode(b, raw[4:]))
}

// traceField is X-Amzn-Trace-Id for the target: with a Root if there was none, else with
// our Self in front ("Request tracing for your Application Load Balancer").
func (f *flow) traceField(came string) string {
	if came == "" {
		return "Root=" + f.seen.ID
	}
	var b strings.Builder
	root := false
	for part := range strings.SplitSeq(came, ";") {
		part = strings.TrimSpace(part)
		key, _, _ := strings.Cut(part, "=")
		if part == "" || key == "Self" {
			continue
		}
		root = root || key == "Root"
		b.WriteString(";" + part)
	}
	if !root {
		return "Root=" + f.seen.ID + b.String()
	}
	return "Self=" + newTrace(f.seen.Time) + b.String()
}

// hostField is Host for the target.
func (f *flow) hostField() string {
	host := f.x.Head().Host
	if f.balancer.attributes.PreserveHost || f.listener.defaultPort || host == "" || len(hostname(host)) != len(host) {
		return host
	}
	return host + ":" + f.listener.port
}
