package badinput

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestsThatMeanTwoThings(t *testing.T) {
	s := start(t)
	two := want{status: 400, code: "SerializationException", message: "The request names more than one operation."}
	createUser := "Action=CreateUser&UserName=x" + iamVersion
	for _, service := range []string{"kms", "iam"} {
		t.Run("X-Amz-Target and Action in the body, signed for "+service, func(t *testing.T) {
			s.refused(t, s.form(createUser).add("X-Amz-Target", "TrentService.CreateKey").sign(s.by(service)), two)
		})
		t.Run("X-Amz-Target and Action in the URL, signed for "+service, func(t *testing.T) {
			q := s.kms("CreateKey", []byte("{}"))
			q.target = "/?" + createUser
			s.refused(t, q.sign(s.by(service)), two)
		})
	}
	t.Run("X-Amz-Target twice", func(t *testing.T) {
		s.refused(t, s.kms("ListKeys", []byte("{}")).add("X-Amz-Target", "TrentService.CreateKey").sign(s.by("kms")), two)
	})
	t.Run("X-Amz-Target twice, alike", func(t *testing.T) {
		s.refused(t, s.kms("ListKeys", []byte("{}")).add("X-Amz-Target", "TrentService.ListKeys").sign(s.by("kms")), two)
	})
	t.Run("X-Amz-Target with a list", func(t *testing.T) {
		s.refused(t, s.kms("ListKeys, TrentService.CreateKey", []byte("{}")).sign(s.by("kms")), want{status: 400, code: "UnknownOperationException"})
	})
	t.Run("X-Amz-Target and a CBOR path", func(t *testing.T) {
		q := s.kms("CreateKey", []byte("{}")).add("Smithy-Protocol", "rpc-v2-cbor")
		q.target = "/service/TrentService/operation/ListKeys"
		s.refused(t, q.sign(s.by("kms")), two)
	})
	t.Run("a CBOR path and Action", func(t *testing.T) {
		q := s.form(createUser).add("Smithy-Protocol", "rpc-v2-cbor")
		q.target = "/service/TrentService/operation/ListKeys"
		a := s.send(t, q.sign(s.by("kms")))
		if a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("CBOR for a service that does not speak it", func(t *testing.T) {
		q := s.kms("", []byte("\xa0")).drop("X-Amz-Target").set("Content-Type", "application/cbor").add("Smithy-Protocol", "rpc-v2-cbor")
		q.target = "/service/TrentService/operation/CreateKey"
		s.refused(t, q.sign(s.by("kms")), want{status: 400, code: "UnknownOperationException", message: "*"})
	})
	t.Run("a target of another service than the scope", func(t *testing.T) {
		s.refused(t, s.kms("CreateKey", []byte("{}")).sign(s.by("iam")), want{status: 400, code: "InvalidSignatureException", message: "Credential should be scoped to correct service: 'kms'. "})
	})
	t.Run("a form of another service than the scope", func(t *testing.T) {
		s.refused(t, s.form(createUser).sign(s.by("kms")), want{status: 400, code: "UnknownOperationException"})
	})
	t.Run("a form with the scope of no service", func(t *testing.T) {
		s.refused(t, s.form(createUser).sign(s.by("nothing")), want{status: 403, code: "SignatureDoesNotMatch", message: "Credential should be scoped to correct service: 'iam'. "})
	})
	t.Run("a form of sts with the scope of iam", func(t *testing.T) {
		s.refused(t, s.form("Action=GetCallerIdentity&Version=2011-06-15").sign(s.by("iam")), want{status: 400, code: "InvalidAction", message: "Could not find operation GetCallerIdentity for version 2011-06-15"})
	})
	t.Run("the host of one service, the scope of another", func(t *testing.T) {
		q := s.form(createUser)
		q.host = "sts.us-east-1.amazonaws.com"
		q.sign(s.by("iam")).drop("Authorization")
		s.refused(t, q, want{status: 400, code: "InvalidAction", message: "Could not find operation CreateUser for version 2010-05-08"})
	})
}

func TestTargetsThatAreNone(t *testing.T) {
	s := start(t)
	unknown := want{status: 400, code: "UnknownOperationException"}
	for _, target := range []string{
		"", ".", "TrentService", "TrentService.", ".CreateKey", "TrentService.createKey", "TrentService.CreateKey ", "trentservice.CreateKey",
		"TrentService.CreateKey.CreateKey", "TrentService..CreateKey", "Nothing.CreateKey", "TrentService.NoSuchOperation",
		"TrentService#CreateKey", "com.amazonaws.TrentService.CreateKey", strings.Repeat("a.", 20000),
	} {
		t.Run(target[:min(len(target), 40)], func(t *testing.T) {
			w := unknown
			if strings.HasSuffix(target, " ") {
				return // a header's value ends before its white space
			}
			s.refused(t, s.target(target, []byte("{}")).sign(s.by("kms")), w)
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "post"} {
		t.Run(method, func(t *testing.T) {
			q := s.kms("CreateKey", []byte("{}"))
			q.method = method
			q.sign(s.by("kms"))
			if method == "HEAD" {
				before := s.state(t)
				conn := s.dial(t)
				write(t, conn, q.bytes())
				if line := readLine(t, newReader(conn)); line != "HTTP/1.1 400 Bad Request" {
					t.Error(line)
				}
				if s.state(t) != before {
					t.Error("HEAD changed something")
				}
				return
			}
			s.refused(t, q, unknown)
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		for _, method := range []string{"GET", "POST"} {
			s.refused(t, &request{method: method, target: "/", host: s.addr}, want{status: 404, code: "UnknownOperationException", message: "Could not find the service that the request means."})
		}
	})
	t.Run("OPTIONS *", func(t *testing.T) {
		s.refused(t, &request{method: "OPTIONS", target: "*", host: s.addr}, want{status: 403, code: "IncompleteSignatureException", message: "The request target is not a path."})
	})
}

// The path of a call by X-Amz-Target means nothing, and is signed as it was sent.
func TestPathsCannotChangeWhatIsMeant(t *testing.T) {
	s := start(t)
	for _, path := range []string{"//", "/../", "/x/../", "/%2e%2e/", "/a%2fb", "/health", "/metrics", "/v1/seal/share", "/v1/seal/reset", "/moto-api/reset", "/_fastness/reset", "/%00", "/;x=y", "/.", "/health/../"} {
		t.Run(path, func(t *testing.T) {
			q := s.kms("ListKeys", []byte("{}"))
			q.target = path
			a := s.send(t, q.sign(s.by("kms")))
			if a.status != http.StatusOK || !strings.Contains(string(a.body), `"Keys":`) {
				t.Errorf("%d %s", a.status, a.body)
			}
			// The same signature does not do for another path.
			if path != "//" && path != "/." && path != "/../" && path != "/x/../" && path != "/health/../" {
				q.target = "/other"
				s.refused(t, q, mismatch)
			}
			// The path and its headers reach no operational handler unsigned.
			q.target = path
			s.refused(t, q.drop("Authorization"), want{status: 400, code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"})
		})
	}
}

func TestOperationalPaths(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/health", "/ready", "/version", "/metrics"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			t.Run(method+" "+path, func(t *testing.T) {
				q := &request{method: method, target: path, host: s.addr, body: []byte("{}")}
				if a := s.send(t, q); a.status != http.StatusMethodNotAllowed {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
	}
	// Near misses belong to the door, which knows them not.
	for _, path := range []string{"/health/", "//health", "/./health", "/health/../health", "/HEALTH", "/metrics/x", "/v1/seal", "/v1/seal/", "//v1/seal/share", "/debug/pprof/", "/moto-api/reset", "/_fastness/reset"} {
		t.Run(path, func(t *testing.T) {
			s.refused(t, &request{method: "POST", target: path, host: s.addr}, want{status: 404, code: "UnknownOperationException", message: "Could not find the service that the request means."})
		})
	}
	t.Run("a share for an unsealed server", func(t *testing.T) {
		for _, body := range []string{"", "garbage", strings.Repeat("x", 4<<10), "\xff\x00"} {
			a := s.send(t, &request{method: "POST", target: "/v1/seal/share", host: s.addr, body: []byte(body)})
			if a.status != http.StatusBadRequest && a.status != http.StatusOK {
				t.Errorf("%q: %d %s", body[:min(10, len(body))], a.status, a.body)
			}
		}
		a := s.send(t, &request{method: "POST", target: "/v1/seal/share", host: s.addr, body: []byte(strings.Repeat("x", 1<<20))})
		if a.status != http.StatusRequestEntityTooLarge || a.open {
			t.Errorf("%d, open %v", a.status, a.open)
		}
		s.state(t) // still there
	})
	t.Run("metrics tell no names", func(t *testing.T) {
		s.refused(t, s.target("TrentService.\"evil\\label", []byte("{}")).sign(s.by("kms")), want{status: 400, code: "UnknownOperationException"})
		a := s.send(t, &request{method: "GET", target: "/metrics", host: s.addr})
		for _, text := range []string{"evil", s.root.id, account} {
			if strings.Contains(string(a.body), text) {
				t.Errorf("metrics hold %q", text)
			}
		}
	})
}

func TestHostsAreOnlySigned(t *testing.T) {
	s := start(t)
	for _, host := range []string{"iam.amazonaws.com", "sts.us-east-1.amazonaws.com", "evil.example", "127.0.0.1", "kms.us-west-2.amazonaws.com:443", "[::1]:4566", "localhost."} {
		t.Run(host, func(t *testing.T) {
			q := s.kms("ListKeys", []byte("{}"))
			q.host = host
			if a := s.send(t, q.sign(s.by("kms"))); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
			q.host = "other.example"
			s.refused(t, q, mismatch)
		})
	}
	t.Run("two Host headers", func(t *testing.T) {
		raw := strings.Replace(string(s.kms("CreateKey", []byte("{}")).sign(s.by("kms")).bytes()), "\r\n", "\r\nHost: other.example\r\n", 1)
		s.malformed(t, raw)
	})
	t.Run("no Host header", func(t *testing.T) {
		raw := strings.Replace(string(s.kms("CreateKey", []byte("{}")).sign(s.by("kms")).bytes()), "Host: "+s.addr+"\r\n", "", 1)
		s.malformed(t, raw)
	})
	t.Run("garbage in the Host header", func(t *testing.T) {
		raw := strings.Replace(string(s.kms("CreateKey", []byte("{}")).sign(s.by("kms")).bytes()), "Host: "+s.addr, "Host: a b\"<", 1)
		s.malformed(t, raw)
	})
	t.Run("a target with another host", func(t *testing.T) {
		q := s.kms("ListKeys", []byte("{}")).sign(s.by("kms"))
		q.target = "http://other.example/"
		s.refused(t, q, mismatch)
	})
	t.Run("the region of the host does not count", func(t *testing.T) {
		q := s.kms("ListKeys", []byte("{}"))
		q.host = "kms.us-west-2.amazonaws.com"
		o := s.by("kms")
		o.region = "eu-west-1"
		a := s.send(t, q.sign(o))
		if a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}
