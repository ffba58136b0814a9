package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ReadRequests reads a file of requests to replay. It is one of
//
//   - JSON of a recording by a browser (HAR 1.2),
//   - records of AWS WAF's logs, a JSON object a line,
//   - one request as HTTP/1.1 has it.
//
// Logs have no bodies, so their requests are partial.
func ReadRequests(data []byte) ([]ReplayRequest, error) {
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return []ReplayRequest{{WebRequest: WebRequest{Text: data}}}, nil
	}
	var har struct {
		Log *struct{ Entries []harEntry }
	}
	if err := json.Unmarshal(trimmed, &har); err == nil && har.Log != nil {
		return readHAR(har.Log.Entries)
	}
	return readLog(trimmed)
}

// harEntry is an entry of a HAR.
type harEntry struct {
	StartedDateTime time.Time
	Request         struct {
		Method, URL, HTTPVersion string
		Headers                  []struct{ Name, Value string }
		PostData                 *struct{ Text string }
	}
}

func readHAR(entries []harEntry) (all []ReplayRequest, err error) {
	for i := range entries {
		r := &entries[i].Request
		_, rest, ok := strings.Cut(r.URL, "://")
		if !ok {
			return nil, fmt.Errorf("app: entry %d of the recording has no URL", i+1)
		}
		host, target := rest, "/"
		if at := strings.IndexAny(rest, "/?"); at >= 0 {
			host, target = rest[:at], rest[at:]
			if target[0] == '?' {
				target = "/" + target
			}
		}
		target, _, _ = strings.Cut(target, "#")
		b := text{}
		b.line(r.Method, target, "HTTP/1.1")
		hosted := false
		for _, h := range r.Headers {
			if strings.HasPrefix(h.Name, ":") { // of HTTP/2
				continue
			}
			hosted = hosted || strings.EqualFold(h.Name, "host")
			b.field(h.Name, h.Value)
		}
		if !hosted {
			b.field("Host", host)
		}
		x := ReplayRequest{Time: entries[i].StartedDateTime}
		if r.PostData != nil {
			x.Text = b.end(r.PostData.Text)
		} else {
			x.Text = b.end("")
		}
		all = append(all, x)
	}
	return all, nil
}

// logRecord is a record of AWS WAF's logs (AWS WAF Developer Guide, "Log fields for web ACL traffic").
type logRecord struct {
	Timestamp   int64 // milliseconds
	HTTPRequest *struct {
		ClientIP, HTTPMethod, URI, Args, HTTPVersion string
		Headers                                      []struct{ Name, Value string }
	} `json:"httpRequest"`
}

func readLog(data []byte) (all []ReplayRequest, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	for n := 1; d.More(); n++ {
		var r logRecord
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("app: record %d: %w", n, err)
		}
		if r.HTTPRequest == nil {
			return nil, fmt.Errorf("app: record %d has no httpRequest", n)
		}
		h := r.HTTPRequest
		target := h.URI
		if h.Args != "" {
			target += "?" + h.Args
		}
		b := text{}
		b.line(h.HTTPMethod, target, h.HTTPVersion)
		for _, f := range h.Headers {
			b.field(f.Name, f.Value)
		}
		all = append(all, ReplayRequest{
			WebRequest: WebRequest{Text: b.end(""), Client: h.ClientIP}, Time: time.UnixMilli(r.Timestamp), Partial: h.HTTPMethod != "GET" && h.HTTPMethod != "HEAD",
		})
	}
	return all, nil
}

// text writes a request as HTTP/1.1 has it.
type text struct{ b bytes.Buffer }

// line writes the request line. What has spaces or ends lines in it would be another request.
func (t *text) line(method, target, proto string) {
	one := func(s, otherwise string) string {
		if s == "" || strings.ContainsAny(s, " \t\r\n") {
			s = strings.NewReplacer(" ", "%20", "\t", "%09", "\r", "%0D", "\n", "%0A").Replace(s)
		}
		if s == "" {
			return otherwise
		}
		return s
	}
	t.b.WriteString(one(method, "GET") + " " + one(target, "/") + " " + one(proto, "HTTP/1.1") + "\r\n")
}

func (t *text) field(name, value string) {
	clean := strings.NewReplacer("\r", " ", "\n", " ")
	t.b.WriteString(strings.ReplaceAll(clean.Replace(name), ":", "") + ": " + clean.Replace(value) + "\r\n")
}

func (t *text) end(body string) []byte {
	t.b.WriteString("\r\n" + body)
	return t.b.Bytes()
}

// String describes a report in a line.
func (r *ReplayReport) String() string {
	s := strconv.Itoa(r.Changed) + " of " + strconv.Itoa(r.Requests) + " requests are decided otherwise"
	if r.Partial > 0 {
		s += "; of " + strconv.Itoa(r.Partial) + " not everything is known"
	}
	return s
}
