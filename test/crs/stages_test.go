package crs

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	crstests "github.com/corazawaf/coraza-coreruleset/v4/tests"
	"go.yaml.in/yaml/v3"
)

// stage is one request of a regression case with what is expected of it.
type stage struct {
	name     string
	input    input
	output   output
	positive bool // a rule has to match
}

// file is a file of cases, in the schema of coreruleset/ftw-tests-schema.
type file struct {
	RuleID int `yaml:"rule_id"`
	Tests  []struct {
		ID     int `yaml:"test_id"`
		Stages []struct {
			Input  input  `yaml:"input"`
			Output output `yaml:"output"`
		} `yaml:"stages"`
	} `yaml:"tests"`
}

type input struct {
	Method       *string   `yaml:"method"`
	URI          *string   `yaml:"uri"`
	Version      *string   `yaml:"version"`
	Headers      yaml.Node `yaml:"headers"`
	Data         *string   `yaml:"data"`
	Encoded      string    `yaml:"encoded_request"`
	Autocomplete *bool     `yaml:"autocomplete_headers"`
}

type output struct {
	Status      int  `yaml:"status"`
	ExpectError bool `yaml:"expect_error"`
	Log         struct {
		Expect   []int  `yaml:"expect_ids"`
		Unwanted []int  `yaml:"no_expect_ids"`
		Match    string `yaml:"match_regex"`
		NoMatch  string `yaml:"no_match_regex"`
	} `yaml:"log"`
}

// loadStages reads all cases of rules for requests.
func loadStages(t *testing.T) []stage {
	t.Helper()
	var out []stage
	err := fs.WalkDir(crstests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(name, "REQUEST-") {
			return err
		}
		b, err := fs.ReadFile(crstests.FS, name)
		if err != nil {
			return err
		}
		var f file
		if err := yaml.Unmarshal(b, &f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range f.Tests {
			for i, s := range c.Stages {
				out = append(out, stage{
					name: fmt.Sprintf("%d-%d/%d", f.RuleID, c.ID, i+1), input: s.Input, output: s.Output,
					positive: len(s.Output.Log.Expect) > 0 || s.Output.Log.Match != "",
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// header is a list of fields in their order.
type header [][2]string

func (h header) get(name string) (string, bool) {
	for _, f := range h {
		if strings.EqualFold(f[0], name) {
			return f[1], true
		}
	}
	return "", false
}

// request is the bytes that the client of these cases (go-ftw) sends for a stage.
func (in *input) request(t *testing.T) (text []byte, method string) {
	t.Helper()
	or := func(s *string, otherwise string) string {
		if s == nil {
			return otherwise
		}
		return *s
	}
	method = or(in.Method, "GET")
	if in.Encoded != "" {
		b, err := base64.StdEncoding.DecodeString(in.Encoded)
		if err != nil {
			t.Fatal(err)
		}
		method, _, _ = strings.Cut(string(b), " ")
		return b, method
	}
	var h header
	switch in.Headers.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(in.Headers.Content); i += 2 {
			h = append(h, [2]string{in.Headers.Content[i].Value, in.Headers.Content[i+1].Value})
		}
	case yaml.SequenceNode:
		for _, n := range in.Headers.Content {
			var pair struct{ Name, Value string }
			if err := n.Decode(&pair); err != nil {
				t.Fatal(err)
			}
			h = append(h, [2]string{pair.Name, pair.Value})
		}
	}
	data := fill(t, or(in.Data, ""))
	complete := in.Autocomplete == nil || *in.Autocomplete
	contentType, typed := h.get("Content-Type")
	if len(data) > 0 && complete {
		if !typed {
			contentType = "application/x-www-form-urlencoded"
			h = append(h, [2]string{"Content-Type", contentType})
		}
		if contentType == "application/x-www-form-urlencoded" {
			data = encodeForm(data)
		}
	}
	if strings.HasPrefix(contentType, "multipart/form-data;") {
		data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	}
	if complete {
		if v, _ := h.get("Connection"); v == "" {
			h = append(h, [2]string{"Connection", "close"})
		}
		if _, ok := h.get("Content-Length"); !ok && (len(data) > 0 || slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, method)) {
			h = append(h, [2]string{"Content-Length", strconv.Itoa(len(data))})
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", method, or(in.URI, "/"), or(in.Version, "HTTP/1.1"))
	for _, f := range h {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	b.WriteString("\r\n")
	b.Write(data)
	return b.Bytes(), method
}

// fill carries out the template that data may be: long data are written as {{ "1" | repeat 64200 }}.
func fill(t *testing.T, data string) []byte {
	t.Helper()
	if !strings.Contains(data, "| repeat ") {
		return []byte(data)
	}
	x, err := template.New("data").Funcs(template.FuncMap{"repeat": func(n int, s string) string { return strings.Repeat(s, n) }}).Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := x.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encodeForm encodes the names and values of a form that is not encoded.
func encodeForm(data []byte) []byte {
	if s, err := url.QueryUnescape(string(data)); err != nil || s != string(data) {
		return data
	}
	var out []string
	for _, pair := range strings.Split(string(data), "&") {
		name, value, found := strings.Cut(pair, "=")
		pair = url.QueryEscape(name)
		if found {
			pair += "=" + url.QueryEscape(value)
		}
		out = append(out, pair)
	}
	return []byte(strings.Join(out, "&"))
}

// account is what a firewall says of a stage.
type account struct {
	status int // of the answer; 0: none
	ids    []int
	log    []string // of the rules that matched, as they stand in a log
}

// meets tells whether an account is what is expected.
func (o *output) meets(a account) (bool, string) {
	if o.ExpectError {
		return a.status == 0 || a.status >= 400, fmt.Sprintf("status %d", a.status)
	}
	if o.Status != 0 && a.status != o.Status {
		return false, fmt.Sprintf("status %d, not %d", a.status, o.Status)
	}
	for _, id := range o.Log.Expect {
		if !slices.Contains(a.ids, id) {
			return false, fmt.Sprintf("%d is missing in %v, status %d", id, a.ids, a.status)
		}
	}
	for _, id := range o.Log.Unwanted {
		if slices.Contains(a.ids, id) {
			return false, fmt.Sprintf("%d is in %v", id, a.ids)
		}
	}
	log := strings.Join(a.log, "\n")
	if o.Log.Match != "" && !regexp.MustCompile(o.Log.Match).MatchString(log) {
		return false, fmt.Sprintf("no %q in %.2000s, status %d", o.Log.Match, log, a.status)
	}
	if o.Log.NoMatch != "" && regexp.MustCompile(o.Log.NoMatch).MatchString(log) {
		return false, fmt.Sprintf("%q in %.2000s", o.Log.NoMatch, log)
	}
	return true, ""
}
