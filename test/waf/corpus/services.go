package corpus

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// services makes sources of what programs and people send to services: recorded calls of clients, webhooks, logs, mail,
// chat, pages in Markdown, files of settings, queries, names. Collections of the fifth time, whose first figures
// docs/waf-accuracy.md has.
func services() (all []source) {
	whole := func(repo string, read func(string, func(Sample)) error, globs ...string) {
		all = append(all, source{halfOf(repo), repo, OrdinaryRq, globs, nil, read})
	}
	values := func(repo string, read func(string, func(Class, string, bool)) error, globs ...string) {
		all = append(all, source{halfOf(repo), repo, Ordinary, globs, read, nil})
	}
	// Calls of language models.
	for _, repo := range []string{"traceloop+openllmetry", "open-telemetry+opentelemetry-python-contrib", "pydantic+logfire", "Arize-ai+openinference", "simonw+llm", "simonw+llm-anthropic"} {
		whole(repo, calls, "**/cassettes/*.yaml", "**/cassettes/*/*.yaml", "**/cassettes/*/*/*.yaml")
	}
	whole("patterns-ai-core+langchainrb", calls, "spec/fixtures/vcr_cassettes/*.yml")
	whole("activeagents+activeagent", calls, "**/*.yml")
	// Calls of other services, and what these answer, which is what clients send back when they edit it.
	whole("praw-dev+praw", betamax, "tests/integration/cassettes/*.json")
	whole("sigmavirus24+github3.py", betamax, "tests/cassettes/*.json")
	whole("octokit+fixtures", nocks, "scenarios/*/*/normalized-fixture.json")
	whole("hub4j+github-api", jsonBodies, "**/__files/*.json")
	whole("jenkinsci+github-branch-source-plugin", jsonBodies, "src/test/resources/*/__files/*.json")
	whole("NARKOZ+gitlab", jsonBodies, "spec/fixtures/*.json")
	whole("Shopify+shopify_python_api", jsonBodies, "test/fixtures/*.json")
	whole("linode+linode_api4-python", jsonBodies, "test/unit/fixtures/*.json", "test/fixtures/*.json")
	whole("slackapi+slack-api-specs", stated, "*/*.json")
	whole("postmanlabs+postman-code-generators", collections, "test/codegen/newman/fixtures/*.json")
	whole("xdevplatform+postman-twitter-api", collections, "*.postman_collection.json")
	// Webhooks.
	whole("jenkinsci+gitlab-plugin", deliveries, "src/test/resources/*/*/*/*/*.json", "src/test/resources/*/*/*/*/*/*.json")
	whole("probot+probot", deliveries, "test/fixtures/webhook/*.json")
	whole("stripe-ruby-mock+stripe-ruby-mock", deliveries, "lib/stripe_mock/webhook_fixtures/*.json")
	// Logs, mail, chat, pages, settings, queries.
	whole("logpai+loghub", logs, "*/*_2k.log")
	whole("mailgun+talon", letters, "tests/fixtures/standard_replies/*.eml")
	whole("mikel+mail", letters, "spec/fixtures/emails/[a-df-z]*/*.eml")
	whole("github+email_reply_parser", pages, "test/emails/*.txt")
	whole("qTox+qtox-irc-logs", chats, "*/*/*.txt")
	whole("laravel+docs", pages, "*.md")
	whole("rust-lang+book", pages, "src/*.md")
	whole("basecamp+handbook", pages, "*.md")
	whole("docker+awesome-compose", stacks, "**/compose.yaml")
	whole("actions+starter-workflows", stacks, "*/*.yml")
	whole("bitnami+charts", stacks, "bitnami/*/values.yaml", "bitnami/*/templates/*.yaml")
	whole("dotansimha+graphql-code-generator", operations, "**/*.graphql")
	values("smashew+NameDatabases", lines, "NamesDatabases/*/*.txt")
	values("openvenues+libpostal", alternatives, "resources/dictionaries/*/*.txt")
	return all
}

// betamax reads calls and their answers in cassettes of Betamax.
func betamax(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	type body struct{ Encoding, String, Base64String string }
	text := func(x body) string {
		if x.Base64String != "" {
			raw, _ := base64.StdEncoding.DecodeString(x.Base64String)
			return string(raw)
		}
		return x.String
	}
	var doc struct {
		Interactions []struct {
			Request struct {
				Method, URI string
				Headers     map[string][]string
				Body        json.RawMessage
			}
			Response struct{ Body body }
		} `json:"http_interactions"`
	}
	if json.Unmarshal(b, &doc) != nil {
		return nil
	}
	for _, x := range doc.Interactions {
		var fields [][2]string
		for _, k := range sortedKeys(x.Request.Headers) {
			for _, v := range x.Request.Headers[k] {
				fields = append(fields, [2]string{k, v})
			}
		}
		var sent body
		if json.Unmarshal(x.Request.Body, &sent) != nil {
			_ = json.Unmarshal(x.Request.Body, &sent.String)
		}
		if s := visit(x.Request.Method, x.Request.URI, fields, text(sent)); s != nil {
			add(*s)
		}
		answered(x.Request.URI, text(x.Response.Body), add)
	}
	return nil
}

// maxAnswer bounds the answers that are sent back, in bytes.
const maxAnswer = 32 << 10

// answered sends a document that a service answered back to it.
func answered(address, body string, add func(Sample)) {
	if len(body) > maxAnswer || len(body) < 3 || !json.Valid([]byte(body)) {
		return
	}
	if s := visit("PATCH", address, [][2]string{{"Content-Type", "application/json"}}, body); s != nil {
		add(*s)
	}
}

// nocks reads calls and their answers in recordings of nock.
func nocks(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []struct {
		Scope, Method, Path string
		Body, Response      json.RawMessage
	}
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, x := range all {
		body := string(x.Body)
		if strings.HasPrefix(body, `"`) {
			_ = json.Unmarshal(x.Body, &body)
		}
		if s := visit(x.Method, x.Scope+x.Path, nil, body); s != nil {
			add(*s)
		}
		answered(x.Scope+x.Path, string(x.Response), add)
	}
	return nil
}

// stated makes each example in a specification (OpenAPI, JSON Schema) a body.
func stated(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc any
	if json.Unmarshal(b, &doc) != nil {
		return nil
	}
	members(doc, func(k string, v any) {
		if k == "example" || k == "examples" || k == "application/json" {
			if text, err := json.Marshal(v); err == nil && len(text) > 2 && (text[0] == '{' || text[0] == '[') {
				add(*Exchange("POST", "api.example", "/v1/events", [][2]string{{"Content-Type", "application/json"}}, string(text)))
			}
		}
	})
	return nil
}

// logs makes lines of logs what a collector of OpenTelemetry sends, one and ten at a time.
func logs(path string, add func(Sample)) error {
	type value struct {
		Text string `json:"stringValue"`
	}
	type record struct {
		Time string `json:"timeUnixNano"`
		Body value  `json:"body"`
	}
	send := func(all []record) {
		text, _ := json.Marshal(map[string]any{"resourceLogs": []any{map[string]any{"resource": map[string]any{}, "scopeLogs": []any{map[string]any{"logRecords": all}}}}})
		add(*Exchange("POST", "collector.example", "/v1/logs", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	}
	var batch []record
	err := eachLine(path, func(l string) {
		r := record{"1700000000000000000", value{l}}
		if batch = append(batch, r); len(batch) == 10 {
			send(batch[:1])
			send(batch)
			batch = nil
		}
	})
	return err
}

// letters makes each message what a service of mail posts to an application when it has got one.
func letters(path string, add func(Sample)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := mail.ReadMessage(f)
	if err != nil {
		return nil
	}
	form := url.Values{}
	decode := new(mime.WordDecoder)
	for _, k := range []string{"From", "To", "Cc", "Subject", "Date", "Message-Id"} {
		if v := m.Header.Get(k); v != "" {
			if d, err := decode.DecodeHeader(v); err == nil {
				v = d
			}
			form.Set(strings.ToLower(k), v)
		}
	}
	parts(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, form)
	add(*Exchange("POST", "desk.example", "/inbound/mail", nil, form.Encode()))
	doc := map[string]string{}
	for k := range form {
		doc[k] = form.Get(k)
	}
	text, _ := json.Marshal(doc)
	add(*Exchange("POST", "desk.example", "/inbound/mail", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	return nil
}

// parts adds the texts of a message to a form.
func parts(media, coding string, body io.Reader, form url.Values) {
	kind, params, _ := mime.ParseMediaType(media)
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err != nil {
				return
			}
			parts(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p, form)
		}
	}
	name := "text"
	switch {
	case kind == "text/html":
		name = "html"
	case kind != "" && !strings.HasPrefix(kind, "text/"):
		return
	}
	switch strings.ToLower(coding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	if b, _ := io.ReadAll(body); utf8.Valid(b) && len(b) > 0 && form.Get(name) == "" {
		form.Set(name, string(b))
	}
}

// maxPage bounds the pages that are sent, in bytes.
const maxPage = 60 << 10

// pages makes each file a page that somebody saves: by a script, and in a form.
func pages(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 || len(b) > maxPage || !utf8.Valid(b) {
		return err
	}
	title := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	text, _ := json.Marshal(map[string]any{"title": title, "body": string(b), "published": true})
	add(*Exchange("PUT", "wiki.example", "/api/pages/12", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	form := url.Values{"title": {title}, "body": {strings.ReplaceAll(string(b), "\n", "\r\n")}}
	if text := form.Encode(); len(text) < maxPage {
		add(*Exchange("POST", "wiki.example", "/pages/12/edit", nil, text))
	}
	return nil
}

// stacks makes each file settings that somebody gives a console: in a form's editor, as a string, and as an upload.
func stacks(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 || len(b) > maxPage || !utf8.Valid(b) {
		return err
	}
	text, _ := json.Marshal(map[string]any{"Name": "web", "StackFileContent": string(b)})
	add(*Exchange("POST", "console.example", "/api/stacks", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	return uploads(path, add)
}

var said = regexp.MustCompile(`^\[?\d[\d:. T-]+\]?\s+<[^>]*>\s+(.+)$`)

// chats makes each line that somebody said a message.
func chats(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		m := said.FindStringSubmatch(l)
		if m == nil {
			return
		}
		text, _ := json.Marshal(map[string]string{"channel": "C024BE91L", "text": m[1]})
		add(*Exchange("POST", "chat.example", "/api/chat.postMessage", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	})
}

// operations makes each document of GraphQL a call.
func operations(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil || len(b) > maxPage {
		return err
	}
	text, _ := json.Marshal(map[string]any{"query": string(b), "variables": map[string]any{"id": 5}})
	add(*Exchange("POST", "api.example", "/graphql", [][2]string{{"Content-Type", "application/json"}}, string(text)))
	if len(b) < 1200 {
		add(*Exchange("GET", "api.example", "/graphql?query="+url.QueryEscape(string(b)), nil, ""))
	}
	return nil
}

// alternatives reads lines of words with bars between them.
func alternatives(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		for w := range strings.SplitSeq(l, "|") {
			add("", w, false)
		}
	})
}
