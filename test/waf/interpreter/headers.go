package interpreter

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

// message is a message that an application makes by putting what somebody sent into a field of it.
type message struct {
	name string
	kind string // response, request, mail
	text string // with VALUE
}

// messages are the places.
var messages = []message{
	{"redirect to a page", "response", "HTTP/1.1 302 Found\r\nServer: shop\r\nLocation: https://shop.example/VALUE\r\nX-Frame-Options: DENY\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
	{"redirect", "response", "HTTP/1.1 302 Found\r\nLocation: VALUE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
	{"cookie", "response", "HTTP/1.1 200 OK\r\nSet-Cookie: lang=VALUE; Path=/; HttpOnly\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
	{"field of an answer", "response", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-Theme: VALUE\r\n\r\nhello"},
	{"name of a file", "response", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"VALUE\"\r\nContent-Length: 5\r\n\r\nhello"},
	{"target of a request", "request", "GET /items?q=VALUE HTTP/1.1\r\nHost: upstream\r\nAccept: */*\r\n\r\n"},
	{"path of a request", "request", "GET /VALUE HTTP/1.1\r\nHost: upstream\r\nAccept: */*\r\n\r\n"},
	{"field of a request", "request", "GET /items HTTP/1.1\r\nHost: upstream\r\nX-Client: VALUE\r\nAccept: */*\r\n\r\n"},
	{"subject of a mail", "mail", "From: shop@shop.example\r\nTo: help@shop.example\r\nSubject: VALUE\r\nMIME-Version: 1.0\r\n\r\nhello\r\n"},
	{"recipient of a mail", "mail", "From: shop@shop.example\r\nTo: <VALUE>\r\nSubject: News\r\n\r\nhello\r\n"},
}

// content is what a reader found in what was sent.
type content struct {
	Names []string // of fields, in lower case
	Body  []byte
	More  int // messages behind the first
	Error string
}

//go:embed headers.py
var headersPython string

//go:embed headers.js
var headersNode string

type headers struct {
	box           *sandbox.Box
	pythons, node *sandbox.Worker
	harmless      map[string]content
}

// patience is how long a worker may take for a value, on a machine that is slow.
const patience = 2 * time.Minute

// NewHeaders makes the judge of header splitting.
func NewHeaders() (Judge, error) {
	if err := need(python, node); err != nil {
		return nil, err
	}
	box, err := sandbox.New(debian(map[string]string{"/judge/headers.py": headersPython, "/judge/headers.js": headersNode}))
	if err != nil {
		return nil, err
	}
	return &headers{box: box, pythons: sandbox.NewWorker(box, patience, "/usr/bin/python3", "-I", "/judge/headers.py"),
		node: sandbox.NewWorker(box, patience, "/usr/bin/node", "/judge/headers.js")}, nil
}

func (h *headers) Close() error { return closeAll(h.box, h.pythons, h.node) }

// asked is what a reader is asked: which fields a message has.
type asked struct {
	Kind    string
	Lenient bool // as Node reads with --insecure-http-parser
	Raw     []byte
}

// readers are those of a kind of message.
var readers = map[string][]string{"response": {"Go", "Python", "Node", "Node, lenient"}, "request": {"Go", "Python", "Node", "Node, lenient"}, "mail": {"Python"}}

func (h *headers) read(ctx context.Context, reader, kind, raw string) (c content, err error) {
	switch reader {
	case "Go":
		c = inGo(kind, raw)
	case "Python":
		err = h.pythons.Ask(ctx, asked{kind, false, []byte(raw)}, &c)
	case "Node", "Node, lenient":
		err = h.node.Ask(ctx, asked{kind, reader != "Node", []byte(raw)}, &c)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", reader, err)
	}
	slices.Sort(c.Names)
	return c, err
}

func (h *headers) Judge(ctx context.Context, value string) (j Judgement, err error) {
	if h.harmless == nil {
		h.harmless = map[string]content{}
		for _, m := range messages {
			for _, r := range readers[m.kind] {
				c, err := h.read(ctx, r, m.kind, strings.ReplaceAll(m.text, "VALUE", "x"))
				if err != nil {
					return j, err
				}
				if c.Error != "" {
					return j, fmt.Errorf("%s does not read a harmless %s: %s", r, m.name, c.Error)
				}
				h.harmless[r+m.name] = c
			}
		}
	}
	j.take(verdict.Neither, "", "")
	for _, reading := range with(with(with(percent.Readings(value, percent.Decode), unquoted), lenient), truncated) {
		if !strings.ContainsAny(reading, "\r\n") {
			continue
		}
		for _, m := range messages {
			raw := strings.ReplaceAll(m.text, "VALUE", reading)
			for _, r := range readers[m.kind] {
				c, err := h.read(ctx, r, m.kind, raw)
				if err != nil {
					return j, err
				}
				v, why := split(h.harmless[r+m.name], c, reading)
				j.take(v, r+", "+m.name, "%s, %s: %.200q: %s", r, m.name, reading, why)
				if j.Verdict == verdict.Shown {
					return j, nil
				}
			}
		}
	}
	return j, nil
}

// split tells what a message has more than a harmless one.
func split(harmless, c content, value string) (verdict.Verdict, string) {
	if c.Error != "" {
		return verdict.Neither, ""
	}
	left := slices.Clone(harmless.Names)
	for _, n := range c.Names {
		i := slices.Index(left, n)
		if i < 0 {
			return verdict.Shown, fmt.Sprintf("field %.60q", n)
		}
		left = slices.Delete(left, i, i+1)
	}
	if c.More > harmless.More {
		return verdict.Shown, "another message"
	}
	if !bytes.Equal(c.Body, harmless.Body) {
		if begins(strings.TrimLeft(string(c.Body), "\r\n"), value) {
			return verdict.Shown, "another body"
		}
		return verdict.Possible, "the head ends early"
	}
	return verdict.Neither, ""
}

// begins tells whether a body begins with what stands behind an end of a line of a value.
func begins(body, value string) bool {
	for i, c := range []byte(value) {
		if c != '\r' && c != '\n' {
			continue
		}
		if behind := strings.TrimSpace(value[i:]); behind != "" && strings.HasPrefix(strings.TrimSpace(body), behind) {
			return true
		}
	}
	return false
}

// inGo reads a message with net/http.
func inGo(kind, raw string) (c content) {
	b := bufio.NewReader(strings.NewReader(raw))
	for n := 0; ; n++ {
		var fields http.Header
		var body io.ReadCloser
		if kind == "response" {
			r, err := http.ReadResponse(b, nil)
			if err != nil {
				if n == 0 {
					c.Error = err.Error()
				}
				return c
			}
			fields, body = r.Header, r.Body
		} else {
			r, err := http.ReadRequest(b)
			if err != nil {
				if n == 0 {
					c.Error = err.Error()
				}
				return c
			}
			fields, body = r.Header, r.Body
			fields["Host"] = []string{r.Host} // which it takes out of them
		}
		text, err := io.ReadAll(body)
		if n > 0 {
			if err == nil {
				c.More++
			}
			continue
		}
		c.Body = text
		for name, values := range fields {
			for range values {
				c.Names = append(c.Names, strings.ToLower(name))
			}
		}
		if err != nil {
			return c // the body ends early: it is what was there
		}
	}
}
