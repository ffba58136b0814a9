package live

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// integrated is an application of one page, whose scripts do the rest. Its policy is as strict as one that can load
// the firewall's script.
func integrated() http.Handler {
	mux := http.NewServeMux()
	for path, script := range map[string]string{"GET /tokens": "challenge.js", "GET /puzzles": "jsapi.js"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' http://api.shop.example:*")
			fmt.Fprintf(w, `<!DOCTYPE html><html lang=en><title>Shop</title><script src="/__fastness-waf/%s" defer></script><h1>Welcome</h1><div id=captcha></div>`, script)
		})
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "x-aws-waf-token, content-type")
		w.Header().Set("Access-Control-Expose-Headers", "x-amzn-waf-action")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path":%q,"method":%q,"body":%q,"passed":%q}`, r.URL.Path, r.Method, body, r.Header.Get("X-Amzn-Waf-Passed"))
	})
	return mux
}

// demanding is a web ACL that asks for a token below /api/challenge and for a solved puzzle below /api/captcha.
func demanding() waf.ACL {
	below := func(prefix string) *waf.Statement {
		starts := waf.Statement{Byte: &waf.ByteMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.URIPath}}, Search: []byte(prefix), Position: waf.StartsWith}}
		preflight := waf.Statement{Byte: &waf.ByteMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.Method}}, Search: []byte("OPTIONS"), Position: waf.Exactly}}
		return &waf.Statement{And: []waf.Statement{starts, {Not: &preflight}}}
	}
	rule := func(name string, action waf.ActionKind) waf.Rule {
		return waf.Rule{
			Name: name, Priority: int32(action), Statement: *below("/api/" + name),
			Action: waf.Action{Kind: action, Insert: []waf.HeaderField{{Name: "x-amzn-waf-passed", Value: name}}},
		}
	}
	return waf.ACL{
		Name: "INTEGRATED", LabelNamespace: "awswaf:111122223333:webacl:INTEGRATED:", DefaultAction: waf.Action{Kind: waf.Allow},
		TokenDomains: []string{"shop.example"}, Captcha: waf.Immunity{Duration: 300 * time.Second}, Challenge: waf.Immunity{Duration: 300 * time.Second},
		Rules: []waf.Rule{rule("challenge", waf.Challenge), rule("captcha", waf.Captcha)},
	}
}

func TestPagesEarnTokensByScript(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	c := behind(t, serve(t, integrated()), proxy.WebACL{ACL: demanding(), APIKeys: "owner"})
	c.TokenKeys = [][]byte{key}
	c.APIKeys = []proxy.APIKey{
		{Owner: "owner", ID: challenge.APIKeyID("of-this-site"), Domains: []string{"localhost", "shop.example"}},
		{Owner: "owner", ID: challenge.APIKeyID("of-another-site"), Domains: []string{"other.example"}},
		{Owner: "somebody else", ID: challenge.APIKeyID("of-somebody-else"), Domains: []string{"localhost"}},
	}
	p := startProxy(t, c)
	t.Log(browse(t, "integration.mjs", "SITE="+strconv.Itoa(p.ports["site"]), "SOLVER=http://"+serve(t, solver(key))))
}
