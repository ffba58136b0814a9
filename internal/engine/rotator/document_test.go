package rotator

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestReplacedKeepsEveryOtherByte(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{ "username" : "app","x":[1, {"password":"inner"}],  "password":"old\u0041" }`, `{ "username" : "app_clone","x":[1, {"password":"inner"}],  "password":"n\"\\\u000aü" }`},
		{`{"password":"old","username":"app"}`, `{"password":"n\"\\\u000aü","username":"app_clone"}`},
		{`{"username":"app"}`, `{"username":"app_clone", "password": "n\"\\\u000aü"}`},
		{`{}`, `{"username": "app_clone", "password": "n\"\\\u000aü"}`},
	} {
		d, err := parseDocument([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.replaced(change{"username", []byte("app_clone")}, change{"password", []byte("n\"\\\nü")}); string(got) != c.want {
			t.Errorf("%s\n became %s\n want   %s", c.in, got, c.want)
		}
	}
}

func TestParseDocument(t *testing.T) {
	d, err := parseDocument([]byte(`{"engine":"postgres","host":"h","port":"5433","dbname":null,"username":"u","password":"p","ssl":"False","masterarn":"arn","more":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if d.engine != "postgres" || d.host != "h" || d.port != 5433 || d.dbname != "" || d.username != "u" || string(d.password) != "p" || d.ssl != tlsOff || d.masterARN != "arn" {
		t.Errorf("%+v", d)
	}
	for ssl, want := range map[string]tlsWish{`true`: tlsRequired, `false`: tlsOff, `"TRUE"`: tlsRequired, `"maybe"`: tlsPreferred, `1`: tlsPreferred, `null`: tlsPreferred} {
		d, err := parseDocument([]byte(`{"ssl":` + ssl + `}`))
		if err != nil || d.ssl != want {
			t.Errorf("ssl %s: %v %v", ssl, d, err)
		}
	}
	for _, bad := range []string{``, `null`, `"text"`, `[]`, `{`, `{}{}`, `{"a":1,"a":2}`, `{"host":1}`, `{"host":""}`, `{"host":"a\u0000b"}`, `{"username":"a\nb"}`,
		`{"port":0}`, `{"port":65536}`, `{"port":"x"}`, `{"port":5432.0}`, `{"password":1}`, "{\"host\":\"\xff\"}", `{"host":"` + strings.Repeat("x", 256) + `"}`, `{"a":"` + strings.Repeat("x", maxDocumentBytes) + `"}`,
		`{"password":"p","\u0070assword":"q"}`} {
		_, err := parseDocument([]byte(bad))
		f, ok := errors.AsType[*failure](err)
		if !ok || f.reason != Misconfigured {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"engine":"postgres","host":"h","port":5432,"username":"u","password":"p"}`), []byte("new"))
	f.Add([]byte(`{ "password" : "\u00e9", "x":[{}] }`), []byte(`"`))
	f.Add([]byte(`{}`), []byte{})
	f.Fuzz(func(t *testing.T, raw, password []byte) {
		d, err := parseDocument(raw)
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("taken, and no JSON: %q", raw)
		}
		password = bytes.ToValidUTF8(password, nil)
		out := d.replaced(change{"password", password}, change{"username", []byte("u")})
		var before, after map[string]any
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", raw, out, err)
		}
		if after["password"] != string(password) || after["username"] != "u" {
			t.Fatalf("%q became %q", raw, out)
		}
		delete(before, "password")
		delete(before, "username")
		delete(after, "password")
		delete(after, "username")
		if len(before) != len(after) {
			t.Fatalf("%q became %q", raw, out)
		}
	})
}
