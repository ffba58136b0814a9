package corpus

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// visit makes a sample of a request to an address, with the fields of an ordinary browser beside fields.
// It is nil if address is no absolute URL of the web.
func visit(method, address string, fields [][2]string, body string) *Sample {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	return Exchange(method, u.Host, strings.TrimSuffix(u.RequestURI(), "?"), fields, body)
}

// Exchange makes a sample of a request. Fields that browsers always send are added where fields lacks them.
func Exchange(method, host, target string, fields [][2]string, body string) *Sample {
	s := &Sample{Method: method, Value: target, Body: body, Fields: [][2]string{{"Host", host}}}
	has := map[string]bool{"host": true, "content-length": true, "connection": true, "transfer-encoding": true}
	for _, f := range fields {
		name := strings.ToLower(f[0])
		if !strings.HasPrefix(name, ":") && !has[name] {
			s.Fields = append(s.Fields, f)
		}
	}
	for _, f := range s.Fields {
		has[strings.ToLower(f[0])] = true
	}
	for _, f := range browser {
		if !has[strings.ToLower(f.Name)] {
			s.Fields = append(s.Fields, [2]string{f.Name, f.Value})
		}
	}
	if body != "" && !has["content-type"] {
		media := "application/x-www-form-urlencoded"
		if b := strings.TrimSpace(body); b != "" && (b[0] == '{' || b[0] == '[') {
			media = "application/json"
		}
		s.Fields = append(s.Fields, [2]string{"Content-Type", media})
	}
	return s
}

// addresses reads a URL a line, as somebody's browser asked for it.
func addresses(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		if s := visit("GET", l, nil, ""); s != nil {
			add(*s)
		}
	})
}

// addressFields reads the URLs that documents in JSON have in fields named "url".
func addressFields(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []struct{ URL string }
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, x := range all {
		if s := visit("GET", x.URL, nil, ""); s != nil {
			add(*s)
		}
	}
	return nil
}

// devtools reads the requests in logs of Chrome's protocol for developer tools.
func devtools(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var events []struct {
		Method string
		Params struct {
			Request struct {
				URL, Method, PostData string
				Headers               map[string]string
			}
		}
	}
	if json.Unmarshal(b, &events) != nil {
		return nil
	}
	for _, e := range events {
		r := e.Params.Request
		if e.Method != "Network.requestWillBeSent" {
			continue
		}
		if s := visit(r.Method, r.URL, sorted(r.Headers), r.PostData); s != nil {
			add(*s)
		}
	}
	return nil
}

// replays reads PyGithub's recorded calls: lines of scheme, method, host, port, target, fields, body, and the
// answer's status, fields and body, then an empty one.
func replays(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l := strings.Split(string(b), "\n")
	for i := 0; i+9 < len(l); i++ {
		if l[i] != "https" || l[i+3] != "None" || !strings.HasPrefix(l[i+4], "/") {
			continue
		}
		body := l[i+6]
		if body == "None" {
			body = ""
		}
		add(*Exchange(l[i+1], l[i+2], l[i+4], [][2]string{{"User-Agent", "PyGithub/Python"}, {"Accept", "*/*"}}, body))
		var doc any
		if json.Unmarshal([]byte(l[i+9]), &doc) != nil {
			continue
		}
		// What an API answers is what its clients send back when they edit it.
		if text, err := json.Marshal(doc); err == nil && len(text) < 32<<10 {
			add(*Exchange("PATCH", l[i+2], l[i+4], nil, string(text)))
		}
	}
	return nil
}

// collections reads the requests of Postman collections.
func collections(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	type item struct {
		Request *struct {
			Method string
			URL    struct{ Raw string }
			Header []struct{ Key, Value string }
			Body   struct{ Raw string }
		}
		Item []json.RawMessage
	}
	var walk func(raw []byte)
	walk = func(raw []byte) {
		var it item
		if json.Unmarshal(raw, &it) != nil {
			return
		}
		if r := it.Request; r != nil {
			_, path, found := strings.Cut(strings.TrimPrefix(r.URL.Raw, "https://"), "/")
			if !found {
				path, _ = strings.CutPrefix(r.URL.Raw, "{{baseUrl}}/")
			}
			var fields [][2]string
			for _, h := range r.Header {
				fields = append(fields, [2]string{h.Key, h.Value})
			}
			add(*Exchange(r.Method, "api.example", "/"+path, fields, r.Body.Raw))
		}
		for _, x := range it.Item {
			walk(x)
		}
	}
	walk(b)
	return nil
}

var curlURL = regexp.MustCompile(`"\$ELASTICSEARCH_URL([^"]*)"`)

// curls reads the examples in a document that are calls of curl.
func curls(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc map[string][]struct{ Language, Code string }
	if err := json.Unmarshal(b, &doc); err != nil {
		return err
	}
	for _, k := range sortedKeys(doc) {
		for _, x := range doc[k] {
			u := curlURL.FindStringSubmatch(x.Code)
			if x.Language != "curl" || u == nil {
				continue
			}
			method := "GET"
			if _, after, found := strings.Cut(x.Code, "-X "); found {
				method, _, _ = strings.Cut(after, " ")
			}
			var body string
			if _, after, found := strings.Cut(x.Code, "-d '"); found {
				body, _, _ = strings.Cut(strings.ReplaceAll(after, `'"'"'`, "\u2019"), "'")
				body = strings.ReplaceAll(body, "\u2019", "'")
			}
			add(*Exchange(method, "search.example", u[1], [][2]string{{"Content-Type", "application/json"}}, body))
		}
	}
	return nil
}

// consents reads the cookies that a list of banners sets for those who agree or do not.
func consents(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var list struct {
		Data []struct {
			Cookies map[string][]struct{ Name, Value string }
		}
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, d := range list.Data {
		var all []string
		for _, k := range sortedKeys(d.Cookies) {
			for _, c := range d.Cookies[k] {
				all = append(all, c.Name+"="+c.Value)
			}
		}
		if all != nil {
			add(*Exchange("GET", "shop.example", "/", [][2]string{{"Cookie", strings.Join(all, "; ")}}, ""))
		}
	}
	return nil
}

// uploads makes each file an upload in a form.
func uploads(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) > 1<<20 {
		return err
	}
	const bound = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
	var body bytes.Buffer
	body.WriteString("--" + bound + "\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nThe file\r\n--" + bound +
		"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filepath.Base(path) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n")
	body.Write(b)
	body.WriteString("\r\n--" + bound + "--\r\n")
	add(*Exchange("POST", "shop.example", "/upload", [][2]string{{"Content-Type", "multipart/form-data; boundary=" + bound}}, body.String()))
	return nil
}

// jsonBodies makes each document a body.
func jsonBodies(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) > 256<<10 {
		return err
	}
	add(*Exchange("POST", "api.example", "/v1/events", [][2]string{{"Content-Type", "application/json"}}, string(b)))
	return nil
}

// assertions makes each file the message that somebody's browser brings from where they signed in.
func assertions(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	message := url.QueryEscape(strings.TrimSpace(string(b)))
	add(*Exchange("POST", "shop.example", "/saml/acs", nil, "SAMLResponse="+message+"&RelayState=https%3A%2F%2Fshop.example%2Faccount%3Ftab%3D1"))
	if len(message) < 1800 {
		add(*Exchange("GET", "shop.example", "/sso?SAMLRequest="+message+"&RelayState=%2Faccount", nil, ""))
	}
	return nil
}

// agents makes requests of the User-Agents in fixtures in YAML, one a line.
func agents(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		_, agent, found := strings.Cut(l, "user_agent: ")
		if !found {
			if _, agent, found = strings.Cut(l, "user_agent_string: "); !found {
				return
			}
		}
		if agent = strings.Trim(strings.TrimSpace(agent), `'"`); len(agent) > 10 {
			add(*Exchange("GET", "shop.example", "/", [][2]string{{"User-Agent", agent}}, ""))
		}
	})
}

var startLine = regexp.MustCompile(`^(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|MOVE|PROPFIND|SEARCH) (\S.*?) HTTP/[12](?:\.[01])?$`)

// written reads the requests that stand in the fenced blocks of a description of a hole. Those without any sign
// that an interpreter would treat as special come before or after the attack.
func written(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	blocks := strings.Split(string(b), "```")
	for i := 1; i < len(blocks); i += 2 {
		_, block, _ := strings.Cut(strings.ReplaceAll(blocks[i], "\r\n", "\n"), "\n")
		head, body, _ := strings.Cut(block, "\n\n")
		l := strings.Split(strings.TrimSpace(head), "\n")
		m := startLine.FindStringSubmatch(l[0])
		if m == nil {
			continue
		}
		host, odd := "shop.example", !wordOnly.MatchString(strings.NewReplacer("?", "", "&", "", "=", "").Replace(m[2]))
		var fields [][2]string
		for _, f := range l[1:] {
			name, value, found := strings.Cut(f, ":")
			if !found {
				continue
			}
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			switch strings.ToLower(name) {
			case "host":
				continue // of the writer's own machine
			case "accept", "accept-encoding", "accept-language", "user-agent", "content-type", "connection", "content-length", "origin", "referer", "cache-control", "upgrade-insecure-requests":
			default:
				odd = odd || !wordOnly.MatchString(value)
			}
			fields = append(fields, [2]string{name, value})
		}
		if body = strings.TrimSuffix(body, "\n"); odd || strings.ContainsAny(body, "<>(){}$;|'`/\\") {
			if strings.Contains(blocks[i], "multipart/form-data") {
				body = strings.ReplaceAll(body, "\n", "\r\n")
			}
			add(*Exchange(m[1], host, m[2], fields, body))
		}
	}
	return nil
}

// zones reads requests whose attack stands in one of several named parts.
func zones(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc struct{ Req []map[string]any }
	if err := json.Unmarshal(b, &doc); err != nil {
		return err
	}
	for _, r := range doc.Req {
		for _, zone := range sortedKeys(r) {
			v, _ := r[zone].(string)
			if v == "" || v == "null" {
				continue
			}
			var s *Sample
			switch zone {
			case "URL":
				s = Exchange("GET", "shop.example", "/"+strings.TrimPrefix(v, "/"), nil, "")
			case "ARGS":
				s = Exchange("GET", "shop.example", "/?"+strings.NewReplacer(" ", "%20", "#", "%23", "\n", "%0A", "\r", "%0D", "\t", "%09").Replace(v), nil, "")
			case "Body":
				s = Exchange("POST", "shop.example", "/", [][2]string{{"Content-Type", ""}}, v) // sent without a type
			case "Cookie":
				s = Exchange("GET", "shop.example", "/", [][2]string{{"Cookie", "CustomCookie=" + v}}, "")
			case "UA":
				s = Exchange("GET", "shop.example", "/", [][2]string{{"User-Agent", v}}, "")
			case "Referer":
				s = Exchange("GET", "shop.example", "/", [][2]string{{"Referer", v}}, "")
			case "Headers":
				s = Exchange("GET", "shop.example", "/", [][2]string{{"CustomHeader", v}}, "")
			default:
				continue
			}
			add(*s)
		}
	}
	return nil
}
