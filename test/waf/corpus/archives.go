package corpus

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// archives reads the requests of HTTP archives (HAR 1.2) that browsers sent.
func archives(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var har struct {
		Log struct {
			Entries []struct {
				Request struct {
					Method, URL string
					Headers     []struct{ Name, Value string }
					Post        struct{ Text, MimeType string } `json:"postData"`
				}
			}
		}
	}
	if json.Unmarshal(b, &har) != nil {
		return nil // a broken archive is there to test readers of archives
	}
	for _, e := range har.Log.Entries {
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Host == "" {
			continue
		}
		s := Sample{Method: e.Request.Method, Value: strings.TrimSuffix(u.RequestURI(), "?"), Body: e.Request.Post.Text}
		s.Fields = append(s.Fields, [2]string{"Host", u.Host})
		agent, media := false, false
		for _, h := range e.Request.Headers {
			name := strings.ToLower(h.Name)
			switch name {
			case "host", "content-length", "connection":
				continue
			}
			if strings.HasPrefix(name, ":") {
				continue
			}
			agent, media = agent || name == "user-agent", media || name == "content-type"
			s.Fields = append(s.Fields, [2]string{h.Name, h.Value})
		}
		if !agent { // left out of the archive
			s.Fields = append(s.Fields, [2]string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"})
		}
		if !media && s.Body != "" {
			s.Fields = append(s.Fields, [2]string{"Content-Type", e.Request.Post.MimeType})
		}
		add(s)
	}
	return nil
}

// cassettes reads recorded exchanges with an API (VCR cassettes in JSON).
func cassettes(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var c struct {
		Interactions []struct {
			Request struct {
				URI  string
				Body struct{ String string }
			}
			Response struct{ Body struct{ String string } }
		} `json:"http_interactions"`
	}
	if json.Unmarshal(b, &c) != nil {
		return nil
	}
	for _, i := range c.Interactions {
		if u, err := url.Parse(i.Request.URI); err == nil && u.Host != "" {
			add("", u.RequestURI(), true)
		}
		if i.Request.Body.String != "" {
			add(Ordinary, i.Request.Body.String, false)
		}
		// What an API answers is what its clients send back when they edit it.
		var doc any
		if json.Unmarshal([]byte(i.Response.Body.String), &doc) == nil {
			leaves(doc, func(s string) { add(Ordinary, s, false) })
		}
	}
	return nil
}

func leaves(v any, f func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) { // the order decides which samples are chosen
			leaves(v[k], f)
		}
	case []any:
		for _, x := range v {
			leaves(x, f)
		}
	case string:
		f(v)
	}
}

// plainNaughty reads the strings of the list of naughty strings that are no attack: those before its
// section of script injection.
func plainNaughty(path string, add func(Class, string, bool)) error {
	on := true
	return eachLine(path, func(l string) {
		if strings.HasPrefix(l, "#\t") {
			for _, s := range []string{"Script Injection", "SQL Injection", "Server Code Injection", "Command Injection", "XXE", "Unwanted Interpolation", "File Inclusion", "Known CVEs", "MSDOS", "jinja2", "Terminal escape", "iOS Vulnerabilities"} {
				if strings.Contains(l, s) {
					on = false
				}
			}
			for _, s := range []string{"Scunthorpe", "Human injection", "Strings which may", "Persian", "Unicode", "Changed length", "Innocuous"} {
				if strings.Contains(l, s) {
					on = true
				}
			}
			return
		}
		if on && !strings.HasPrefix(l, "#") {
			add("", l, false)
		}
	})
}

// documents reads the strings in JSON documents, and what stands in query strings of their links.
func documents(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc any
	if json.Unmarshal(b, &doc) != nil {
		return nil
	}
	leaves(doc, func(s string) { add("", s, false) })
	return nil
}

// paragraphs reads the paragraphs of a Markdown page, without its code blocks.
func paragraphs(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	inside := false
	for p := range strings.SplitSeq(string(b), "\n\n") {
		odd := strings.Count(p, "```")%2 == 1
		if !inside && !odd && !strings.Contains(p, "```") && strings.TrimSpace(p) != "" {
			add("", p, false)
		}
		if odd {
			inside = !inside
		}
	}
	return nil
}
