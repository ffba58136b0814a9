package wafhttp_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"context"

	"fastness/internal/http1"
	"fastness/internal/proxy"
	"fastness/wafhttp"
)

type inspectorFunc func(r *wafhttp.Request, v *wafhttp.Verdict) error

func (f inspectorFunc) Inspect(_ context.Context, r *wafhttp.Request, v *wafhttp.Verdict) error {
	return f(r, v)
}

func serve(t *testing.T, o wafhttp.Options, next http.HandlerFunc) string {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s := httptest.NewServer(wafhttp.Handler(next, o))
	t.Cleanup(s.Close)
	return s.URL
}

// The web ACL of a rule that blocks requests whose query or body holds "attack".
const document = `{"ARN": "acl", "Sets": {}, "ACL": {
	"Name": "shop", "LabelNamespace": "awswaf:111122223333:webacl:shop:", "DefaultAction": {"Kind": "ALLOW"}, "Visibility": {"MetricName": "shop", "Metrics": false, "Samples": false},
	"Rules": []
}}`

func TestCompiles(t *testing.T) {
	i, err := wafhttp.Compile([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, wafhttp.Options{Inspector: i}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "in") })
	res, err := http.Get(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "in" {
		t.Errorf("%q", b)
	}
	for _, bad := range []string{"", "{", `{"Acl": 1}`, `{"ACL": {"DefaultAction": {"Kind": "COUNT"}}}`} {
		if _, err := wafhttp.Compile([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestHandlerSeesWhatPasses(t *testing.T) {
	var seen wafhttp.Request
	url := serve(t, wafhttp.Options{BodyLimit: 10, Inspector: inspectorFunc(func(r *wafhttp.Request, v *wafhttp.Verdict) error {
		seen = *r
		v.Insert = []http1.Field{{Name: "x-amzn-waf-seen", Value: "yes"}}
		switch {
		case strings.Contains(r.Target, "block"):
			v.Act = proxy.Block
		case strings.Contains(r.Target, "custom"):
			v.Act, v.Response = proxy.Block, &wafhttp.Response{Status: 429, ContentType: "text/plain", Body: []byte("slow down")}
		case strings.Contains(r.Target, "challenge"):
			v.Act = proxy.Challenge
		case strings.Contains(r.Target, "panic"):
			panic("x")
		}
		return nil
	})}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q", b, r.Header.Get("X-Amzn-Waf-Seen"), r.Header["X-Amzn-Waf-Other"])
	})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/a%2fb?q=%zz": {200, `0123456789abc yes []`}, "/block": {403, string(proxy.BlockPage().Body)},
		"/custom": {429, "slow down"}, "/challenge": {403, string(proxy.BlockPage().Body)}, "/panic": {500, ""},
	} {
		req, err := http.NewRequest("POST", url+"/", strings.NewReader("0123456789abc"))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = path
		req.Header.Set("X-Amzn-Waf-Seen", "forged")
		req.Header.Set("X-Amzn-Waf-Other", "forged")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want.status || string(b) != want.body {
			t.Errorf("%s: %d %q", path, res.StatusCode, b)
		}
		if seen.Target != path || seen.Method != "POST" || string(seen.Body) != "0123456789" || !seen.BodyTruncated || !seen.Remote.IsLoopback() {
			t.Errorf("%s: judged %+v", path, seen)
		}
	}
}
