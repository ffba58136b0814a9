package live

import (
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// guarded is an application that says which request has reached it.
func guarded() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><title>Shop</title><h1>Welcome</h1><p id=where>%s</p><p id=inserted>%s</p>", html.EscapeString(r.URL.String()), html.EscapeString(r.Header.Get("X-Amzn-Waf-Passed")))
	})
	mux.HandleFunc("GET /order", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!DOCTYPE html><title>Order</title><form method=post><textarea name=wish></textarea><button>Send</button></form>`)
	})
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><title>Ordered</title><p id=ordered>%s</p>", html.EscapeString(r.FormValue("wish")))
	})
	return mux
}

// asking is a web ACL that asks everybody, for what action says.
func asking(name string, action waf.ActionKind, immunity time.Duration, domains ...string) waf.ACL {
	return waf.ACL{
		Name: name, LabelNamespace: "awswaf:111122223333:webacl:" + name + ":", DefaultAction: waf.Action{Kind: waf.Allow},
		TokenDomains: domains, Captcha: waf.Immunity{Duration: immunity}, Challenge: waf.Immunity{Duration: immunity},
		Rules: []waf.Rule{{
			Name:      "all",
			Statement: waf.Statement{Size: &waf.SizeMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.URIPath}}, Comparison: waf.Greater}},
			Action:    waf.Action{Kind: action, Insert: []waf.HeaderField{{Name: "x-amzn-waf-passed", Value: name}}},
		}},
	}
}

// startAsking runs a proxy with a listener for each of several web ACLs, and returns its token key and the
// variables that tell a script where all is.
func startAsking(t *testing.T) (key []byte, variables []string) {
	t.Helper()
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	c := behind(t, serve(t, guarded()), proxy.WebACL{})
	c.TokenKeys = [][]byte{key}
	c.WebACLs, c.LoadBalancers[0].WebACL = nil, ""
	plain := c.LoadBalancers[0]
	c.LoadBalancers = nil
	for _, acl := range []waf.ACL{
		asking("CHALLENGE", waf.Challenge, 300*time.Second),
		asking("CAPTCHA", waf.Captcha, 300*time.Second),
		asking("SHARED", waf.Challenge, 300*time.Second, "shop.example"),
		// Shorter than AWS allows, since the test waits for its end.
		asking("SHORT", waf.Captcha, 3*time.Second),
	} {
		lb := plain
		lb.ARN, lb.WebACL = acl.Name, acl.Name
		lb.Listeners = []proxy.Listener{plain.Listeners[0]}
		lb.Listeners[0].ARN = acl.Name
		c.LoadBalancers = append(c.LoadBalancers, lb)
		c.WebACLs = append(c.WebACLs, proxy.WebACL{ARN: acl.Name, ACL: acl})
	}
	p := startProxy(t, c)
	for arn, port := range p.ports {
		variables = append(variables, arn+"="+strconv.Itoa(port))
	}
	return key, append(variables, "SOLVER=http://"+serve(t, solver(key)))
}

func TestBrowsersMeetChallenges(t *testing.T) {
	_, variables := startAsking(t)
	t.Log(browse(t, "challenge.mjs", variables...))
}

func TestBrowsersMeetPuzzles(t *testing.T) {
	_, variables := startAsking(t)
	t.Log(browse(t, "captcha.mjs", variables...))
}
