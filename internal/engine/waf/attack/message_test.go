package attack

import "testing"

func TestMessagesHaveFieldsOfTheirOwn(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	for _, c := range []struct {
		text  string
		place Place
		found bool
	}{
		{"--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x1--\r\n", Body, false},
		{"------WebKitFormBoundary7MA4YWxkTrZu0gW\r\nContent-Disposition: form-data;\r\n name=\"f\"\r\nContent-Type: image/png\r\n\r\nabc", Whole, false},
		{"--batch_1\nContent-Type: application/http\nContent-ID: <1>\n\nGET /calendar HTTP/1.1\nAccept: */*\n\n--batch_1--\n", Whole, false},
		{"--a\r\nContent-Type: text/html\r\nSet-Cookie: a=b", Body, true},
		{"--a\r\n\r\nx\r\nContent-Type: text/html", Body, true},
		{"--a b\r\nContent-Type: text/html", Body, true},
		{"--a\r\nContent-Type: text/html\r\n\r\nx\r\n--a\r\nLocation: https://evil.example/", Body, true},
		{"x--a\r\nContent-Type: text/html", Body, true},
		{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", Whole, false},
		{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", Body, true},
		{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", Whole, false},
		{"From: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello", Whole, false},
		{"x\r\nContent-Type: text/html", Whole, true},
		{"\r\nSet-Cookie:a=b", Whole, true},
		{"en\r\nGET / HTTP/1.1\r\nHost: example.com", Whole, true},
	} {
		if got := d.Inspect([]byte(c.text), c.place, &s, nil)&Of(Header) != 0; got != c.found {
			t.Errorf("%q: splits a header: %v", c.text, got)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("--a\r\nContent-Type: b\r\n\r\nc\r\n--a--\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if isMessage(b, false) && !isMessage(b, true) {
			t.Error("a message of parts is none as a whole")
		}
	})
}
