package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
)

// A version that blocks what the web ACL counts is compared over the samples, and over requests of a file.
func TestReplayTellsWhatIsDecidedOtherwise(t *testing.T) {
	p := startProtected(t, strings.ReplaceAll(rateAndWord, `"Limit": 10,`, `"Limit": 1000,`))
	for i := range 4 {
		ask(t, p.addr, fmt.Sprintf("/page/%d?a=secret", i))
		ask(t, p.addr, fmt.Sprintf("/page/%d", i))
	}
	blocks := json.RawMessage(`[` + stopRule + `, {"Name": "word", "Priority": 2, "Action": {"Block": {}}, "Statement": {"ByteMatchStatement": {"SearchString": "c2VjcmV0", "FieldToMatch": {"QueryString": {}},
		"TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "CONTAINS"}},
		"VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "word"}}]`)
	o := p.operator(t)
	var report *ReplayReport
	eventually(t, "all samples are there", func() (there bool) {
		var err error
		if report, err = o.ReplayWAF(t.Context(), &Replay{WebACL: p.acl, New: blocks}); err != nil {
			t.Fatal(err)
		}
		return report.Requests >= 9
	})
	if report.Changed != 4 || report.Actions["ALLOW to BLOCK"] != 4 || report.Partial != 0 {
		t.Errorf("%+v", report)
	}
	if c := report.Changes[0]; c.Request != "GET /page/0?a=secret" || c.Client != "127.0.0.1" || c.Old.Action != waf.Allow || c.Old.Rule != "" || c.New.Action != waf.Block || c.New.Rule != "word" {
		t.Errorf("%+v", c)
	}
	// What get-web-acl answers is the same version.
	id := p.acl[strings.LastIndexByte(p.acl, '/')+1:]
	now, err := json.Marshal(p.firewall(t, "GetWebACL", fmt.Sprintf(`{"Scope": "REGIONAL", "Name": "shop", "Id": %q}`, id)))
	if err != nil {
		t.Fatal(err)
	}
	if report, err := o.ReplayWAF(t.Context(), &Replay{WebACL: p.acl, Old: now, New: now}); err != nil || report.Changed != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	// Requests of a file.
	file, err := ReadRequests([]byte(`{"timestamp": 1700000000000, "httpRequest": {"clientIp": "192.0.2.1", "uri": "/", "args": "q=secret", "httpMethod": "GET", "httpVersion": "HTTP/1.1", "headers": []}}
		{"timestamp": 1700000000001, "httpRequest": {"clientIp": "192.0.2.1", "uri": "/", "args": "", "httpMethod": "POST", "httpVersion": "HTTP/1.1", "headers": []}}`))
	if err != nil {
		t.Fatal(err)
	}
	if report, err = o.ReplayWAF(t.Context(), &Replay{WebACL: p.acl, Old: blocks, Requests: file}); err != nil || report.Requests != 2 || report.Changed != 1 || report.Partial != 1 || report.Actions["BLOCK to ALLOW"] != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, bad := range []string{`{}[`, `[{"Name": "x"}]`, `{"DefaultAction": {}}`, `"x"`} {
		if _, err := o.ReplayWAF(t.Context(), &Replay{WebACL: p.acl, New: json.RawMessage(bad)}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, err := o.ReplayWAF(t.Context(), &Replay{WebACL: p.acl}); err == nil {
		t.Error("a version was compared with itself")
	}
}

func TestRequestsAreReadFromFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"HAR": {`{"log": {"entries": [
			{"startedDateTime": "2026-03-01T12:00:00.000Z", "request": {"method": "GET", "url": "https://shop.example/a?b=c#d", "headers": [{"name": ":path", "value": "/x"}, {"name": "Accept", "value": "*/*"}]}},
			{"startedDateTime": "2026-03-01T12:00:01.000Z", "request": {"method": "POST", "url": "https://shop.example?q", "headers": [{"name": "host", "value": "x"}], "postData": {"text": "a=b"}}}]}}`,
			[]string{"GET /a?b=c HTTP/1.1\r\nAccept: */*\r\nHost: shop.example\r\n\r\n", "POST /?q HTTP/1.1\r\nhost: x\r\n\r\na=b"}},
		"log":     {`{"httpRequest": {"clientIp": "192.0.2.1", "uri": "/a b", "httpMethod": "GET", "headers": [{"name": "X", "value": "1\r\nY: 2"}]}}`, []string{"GET /a%20b HTTP/1.1\r\nX: 1  Y: 2\r\n\r\n"}},
		"request": {"GET / HTTP/1.1\n\n", []string{"GET / HTTP/1.1\n\n"}},
	} {
		all, err := ReadRequests([]byte(c.text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for i := range all {
			got = append(got, string(all[i].Text))
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for _, bad := range []string{`{}`, `{"httpRequest": 1}`, `{"log": {"entries": [{"request": {"url": "x"}}]}}`} {
		if _, err := ReadRequests([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func FuzzReadRequests(f *testing.F) {
	f.Add([]byte(`{"httpRequest": {"clientIp": "192.0.2.1", "uri": "/", "args": "q", "httpMethod": "GET", "headers": [{"name": "A", "value": "b"}]}}`))
	f.Add([]byte(`{"log": {"entries": [{"request": {"method": "GET", "url": "https://h/", "headers": []}}]}}`))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ReadRequests(data)
		if err != nil || len(all) == 1 && string(all[0].Text) == string(data) {
			return
		}
		for i := range all {
			// What a file of JSON says is one request, whatever is in its strings.
			if r, err := all[i].parse(); err == nil && (strings.ContainsAny(r.Method+r.Target+r.Proto, "\r\n") || r.Method == "") {
				t.Errorf("%q", all[i].Text)
			}
		}
	})
}
