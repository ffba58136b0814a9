package app

import "testing"

func TestWebRequestsAreReadInOrder(t *testing.T) {
	for _, text := range []string{
		"POST /a?b=c HTTP/1.1\r\nHost: shop.example.com\r\nX-A:  1 \r\nx-a: 2\r\n\r\nbody\n\nmore",
		"POST /a?b=c\nHost: shop.example.com\nX-A: 1\nx-a: 2\n\nbody\n\nmore",
	} {
		r, err := (&WebRequest{Text: []byte(text), Client: "192.0.2.1"}).parse()
		if err != nil {
			t.Fatal(err)
		}
		if r.Method != "POST" || r.Target != "/a?b=c" || r.Host != "shop.example.com" || r.Proto != "HTTP/1.1" || r.Remote.String() != "192.0.2.1" || string(r.Body) != "body\n\nmore" {
			t.Errorf("request %+v", r)
		}
		if len(r.Fields) != 3 || r.Fields[1].Value != "1" || r.Fields[2].Name != "x-a" {
			t.Errorf("fields %+v", r.Fields)
		}
	}
	for _, text := range []string{"", "GET\n\n", "GET / HTTP/1.1 x\n\n", "GET /\nno field\n\n"} {
		if _, err := (&WebRequest{Text: []byte(text)}).parse(); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	if _, err := (&WebRequest{Text: []byte("GET /\n\n"), Client: "x"}).parse(); err == nil {
		t.Error("a client without an address is taken")
	}
}

func FuzzWebRequest(f *testing.F) {
	f.Add([]byte("GET /?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /\nA: b\n\nbody"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := (&WebRequest{Text: text}).parse(); err == nil && (r.Method == "" || r.Target == "") {
			t.Errorf("%q is read as %+v", text, r)
		}
	})
}
