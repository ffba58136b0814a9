package corpus

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// calls reads the requests in cassettes of VCR (Ruby) and vcrpy (Python).
func calls(path string, add func(Sample)) error {
	docs, err := yamlFile(path)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		top, _ := doc.(map[string]any)
		list, _ := top["http_interactions"].([]any)
		if list == nil {
			list, _ = top["interactions"].([]any)
		}
		for _, x := range list {
			x, _ := x.(map[string]any)
			r, _ := x["request"].(map[string]any)
			address, _ := r["uri"].(string)
			method, _ := r["method"].(string)
			body, _ := r["body"].(string)
			if m, ok := r["body"].(map[string]any); ok {
				body, _ = m["string"].(string)
				if packed, ok := m["base64_string"].(string); ok {
					if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(packed), "")); err == nil {
						body = string(raw)
					}
				}
			}
			if parsed := r["parsed_body"]; parsed != nil {
				if text, err := json.Marshal(parsed); err == nil {
					body = string(text)
				}
			}
			var fields [][2]string
			head, _ := r["headers"].(map[string]any)
			for _, name := range sortedKeys(head) {
				values, _ := head[name].([]any)
				for _, v := range values {
					if v, ok := v.(string); ok {
						fields = append(fields, [2]string{name, v})
					}
				}
			}
			if s := visit(strings.ToUpper(method), address, fields, body); s != nil {
				add(*s)
			}
		}
	}
	return nil
}

// deliveries makes each document what a webhook brings: as JSON, and in a field of a form, as GitHub does by default.
func deliveries(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || !json.Valid(b) || len(b) > 256<<10 {
		return err
	}
	hook := [2]string{"User-Agent", "GitHub-Hookshot/044aadd"}
	add(*Exchange("POST", "ci.example", "/hooks/push", [][2]string{hook, {"Content-Type", "application/json"}}, string(b)))
	add(*Exchange("POST", "ci.example", "/hooks/push", [][2]string{hook, {"Content-Type", "application/x-www-form-urlencoded"}}, "payload="+url.QueryEscape(string(b))))
	return nil
}

// records makes each document a resource of a REST API that somebody puts there.
func records(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || !json.Valid(b) || len(b) > 256<<10 {
		return err
	}
	add(*Exchange("PUT", "records.example", "/fhir/"+filepath.Base(filepath.Dir(path))+"/1", [][2]string{{"Content-Type", "application/fhir+json; charset=utf-8"}}, string(b)))
	return nil
}

// messages makes each file a SAML message as browsers carry them: in a form, and, where it is short, deflated in a
// query (SAML 2.0 bindings, 3.4.4.1).
func messages(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := bytes.TrimSpace(b)
	if len(text) == 0 {
		return nil
	}
	if text[0] != '<' {
		if text, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), "")); err != nil {
			return nil
		}
	}
	message := base64.StdEncoding.EncodeToString(text)
	const state = "&RelayState=https%3A%2F%2Fshop.example%2Faccount%3Ftab%3D1%26from%3Dcart"
	add(*Exchange("POST", "shop.example", "/saml/acs", nil, "SAMLResponse="+url.QueryEscape(message)+state))
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.DefaultCompression)
	_, _ = w.Write(text)
	_ = w.Close()
	if message = url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes())); len(message) < 1800 {
		add(*Exchange("GET", "shop.example", "/sso?SAMLRequest="+message+state, nil, ""))
	}
	return nil
}

// dashboards makes each document a dashboard that somebody saves in Grafana, and of its queries what Grafana asks
// Prometheus for.
func dashboards(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc any
	if json.Unmarshal(b, &doc) != nil {
		return nil
	}
	if len(b) < 48<<10 {
		text, _ := json.Marshal(map[string]any{"dashboard": doc, "folderId": 0, "overwrite": true})
		add(*Exchange("POST", "grafana.example", "/api/dashboards/db", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "1h", "$interval", "5m")
	ask := func(expr string) {
		expr = fill.Replace(expr)
		q := "query=" + url.QueryEscape(expr) + "&start=1700000000&end=1700003600&step=15"
		add(*Exchange("GET", "prometheus.example", "/api/v1/query_range?"+q, nil, ""))
		add(*Exchange("POST", "prometheus.example", "/api/v1/query_range", [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}, q))
		text, _ := json.Marshal(map[string]any{"queries": []any{map[string]any{"refId": "A", "expr": expr, "datasource": map[string]string{"type": "prometheus"}}}, "from": "now-6h", "to": "now"})
		add(*Exchange("POST", "grafana.example", "/api/ds/query?ds_type=prometheus", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	}
	members(doc, func(k string, v any) {
		if s, ok := v.(string); ok && k == "expr" && s != "" {
			ask(s)
		}
	})
	return nil
}

// checkouts makes the parts of each postal address the fields of a form.
func checkouts(path string, add func(Sample)) error {
	docs, err := yamlFile(path)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		doc, _ := doc.(map[string]any)
		parts, _ := doc["components"].(map[string]any)
		form := url.Values{}
		for k, v := range parts {
			if s, ok := v.(string); ok {
				form.Set(k, s)
			}
		}
		if whole, ok := doc["expected"].(string); ok {
			form.Set("label", whole)
		}
		if len(form) > 0 {
			add(*Exchange("POST", "shop.example", "/checkout/address", nil, form.Encode()))
		}
	}
	return nil
}

// inventions reads the words in the files of which a generator makes names, addresses and sentences, but for its
// templates and expressions.
func inventions(path string, add func(Class, string, bool)) error {
	docs, err := yamlFile(path)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		leaves(doc, func(s string) {
			if !strings.Contains(s, "#{") && !strings.HasPrefix(s, "/") {
				add("", s, false)
			}
		})
	}
	return nil
}

// examples makes each document of JSON in the fenced blocks of a Markdown page a body.
func examples(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	blocks := strings.Split(string(b), "```")
	for i := 1; i < len(blocks); i += 2 {
		_, text, _ := strings.Cut(blocks[i], "\n")
		if text = strings.TrimSpace(text); json.Valid([]byte(text)) && strings.HasPrefix(text, "{") {
			add(*Exchange("POST", "events.example", "/events", [][2]string{{"Content-Type", "application/cloudevents+json; charset=UTF-8"}}, text))
		}
	}
	return nil
}
