package badinput

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"fastness/internal/app"
	"fastness/internal/clock"
)

// sts makes a good call of sts that answers with credentials.
func (s *server) session(t *testing.T, by creds, body string) creds {
	t.Helper()
	o := s.by("sts")
	o.creds = by
	a := s.send(t, s.form(body+"&Version=2011-06-15").sign(o))
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", body, a.status, a.body)
	}
	return credentialsIn(t, a.body, "Credentials", "SessionToken")
}

// credentialsIn reads the credentials in an answer of sts or iam.
func credentialsIn(t *testing.T, body []byte, element, token string) creds {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(body)))
	for {
		tok, err := d.Token()
		if err != nil {
			t.Fatalf("no credentials in %s: %v", body, err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == element {
			var c struct{ AccessKeyId, SecretAccessKey, SessionToken string }
			if err := d.DecodeElement(&c, &e); err != nil {
				t.Fatal(err)
			}
			if (token != "") != (c.SessionToken != "") || c.SecretAccessKey == "" {
				t.Fatalf("credentials %+v", c)
			}
			return creds{c.AccessKeyId, c.SecretAccessKey, c.SessionToken}
		}
	}
}

func TestSessionTokens(t *testing.T) {
	now := clock.NewManual(time.Now())
	s := start(t, func(c *app.Config) { c.Clock = now })
	one := s.session(t, s.root, "Action=GetSessionToken&DurationSeconds=900")
	two := s.session(t, s.root, "Action=GetSessionToken&DurationSeconds=3600")
	list := func(c creds) *request {
		o := s.by("kms")
		o.creds = c
		return s.kms("ListKeys", []byte("{}")).sign(o)
	}
	if a := s.send(t, list(one)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	invalid := want{status: 400, code: "UnrecognizedClientException", message: "The security token included in the request is invalid."}
	flip := func(at int) creds {
		c := one
		b := []byte(c.token)
		if b[at] == 'A' {
			b[at] = 'B'
		} else {
			b[at] = 'A'
		}
		c.token = string(b)
		return c
	}
	for name, c := range map[string]creds{
		"token left out":            {one.id, one.secret, ""},
		"token of another key":      {one.id, one.secret, two.token},
		"key of another token":      {two.id, two.secret, one.token},
		"garbage":                   {one.id, one.secret, "garbage"},
		"not base64":                {one.id, one.secret, "%%%"},
		"a JSON document":           {one.id, one.secret, `{"v":1,"kind":"user"}`},
		"first byte altered":        flip(0),
		"a byte altered":            flip(len(one.token) / 2),
		"last but one byte altered": flip(len(one.token) - 3),
		"cut short":                 {one.id, one.secret, one.token[:len(one.token)-8]},
		"too long":                  {one.id, one.secret, one.token + "AAAA"},
		"twice in one":              {one.id, one.secret, one.token + one.token},
		"16 KiB":                    {one.id, one.secret, strings.Repeat("A", 16<<10)},
		"with a long-term key":      {s.root.id, s.root.secret, one.token},
	} {
		t.Run(name, func(t *testing.T) { s.refused(t, list(c), invalid) })
	}
	t.Run("more than 16 KiB", func(t *testing.T) {
		s.refused(t, list(creds{one.id, one.secret, strings.Repeat("A", 16<<10+1)}), want{status: 400, code: "IncompleteSignatureException", contains: "session token"})
	})
	t.Run("another secret", func(t *testing.T) { s.refused(t, list(creds{one.id, two.secret, one.token}), mismatch) })
	t.Run("two tokens", func(t *testing.T) {
		s.refused(t, list(one).add("X-Amz-Security-Token", one.token), want{status: 400, code: "IncompleteSignatureException", contains: "session token"})
	})
	t.Run("token not signed", func(t *testing.T) {
		o := s.by("kms")
		o.creds, o.without = one, []string{"x-amz-security-token"}
		s.refused(t, s.kms("ListKeys", []byte("{}")).sign(o), want{status: 400, code: "InvalidSignatureException", message: "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization."})
	})
	t.Run("in the URL", func(t *testing.T) {
		o := s.by("iam")
		o.creds = flip(9)
		const list = "Action=ListUsers" + iamVersion
		s.refused(t, s.presign(list, o, "&X-Amz-Expires=60"), want{status: 403, code: "InvalidClientTokenId", message: invalid.message})
		o.creds = one
		s.refused(t, s.presign(list, o, "&X-Amz-Expires=60").add("X-Amz-Security-Token", one.token), want{status: 400, code: "IncompleteSignature", message: "The request has more than one session token."})
		s.refused(t, s.presign(list, o, "&X-Amz-Expires=60&X-Amz-Security-Token=x"), want{status: 400, code: "IncompleteSignature", message: "The query repeats 'X-Amz-Security-Token'."})
	})
	t.Run("in a form", func(t *testing.T) {
		o := s.by("sts")
		o.creds = flip(5)
		s.refused(t, s.form("Action=GetCallerIdentity&Version=2011-06-15").sign(o), want{status: 403, code: "InvalidClientTokenId", message: invalid.message})
	})
	t.Run("every bit of the front", func(t *testing.T) {
		for i := 0; i < len(one.token); i += 7 {
			a := s.send(t, list(flip(i)))
			if f := parseFault(t, a); f.code != invalid.code {
				t.Fatalf("byte %d: %d %s", i, a.status, f.code)
			}
		}
	})
	now.Advance(901 * time.Second)
	t.Run("expired", func(t *testing.T) {
		s.refused(t, list(one), want{status: 400, code: "ExpiredTokenException", message: "The security token included in the request is expired"})
		o := s.by("sts")
		o.creds = one
		s.refused(t, s.form("Action=GetCallerIdentity&Version=2011-06-15").sign(o), want{status: 403, code: "ExpiredToken", message: "The security token included in the request is expired"})
	})
	if a := s.send(t, list(two)); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A key that was deactivated or deleted is unknown from the next request on, and so
// are the sessions that came of it when its user is gone.
func TestRevokedKeys(t *testing.T) {
	s := start(t)
	s.call(t, s.form("Action=CreateUser&UserName=eve"+iamVersion), "iam")
	key := credentialsIn(t, s.call(t, s.form("Action=CreateAccessKey&UserName=eve"+iamVersion), "iam"), "AccessKey", "")
	who := func(c creds) answer {
		o := s.by("sts")
		o.creds = c
		return s.send(t, s.form("Action=GetCallerIdentity&Version=2011-06-15").sign(o))
	}
	session := s.session(t, key, "Action=GetSessionToken")
	for _, c := range []creds{key, session} {
		if a := who(c); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	gone := want{status: 403, code: "InvalidClientTokenId", message: "The security token included in the request is invalid."}
	s.call(t, s.form("Action=UpdateAccessKey&UserName=eve&Status=Inactive&AccessKeyId="+key.id+iamVersion), "iam")
	s.checkRefusal(t, who(key), gone)
	s.call(t, s.form("Action=UpdateAccessKey&UserName=eve&Status=Active&AccessKeyId="+key.id+iamVersion), "iam")
	if a := who(key); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.call(t, s.form("Action=DeleteAccessKey&UserName=eve&AccessKeyId="+key.id+iamVersion), "iam")
	s.checkRefusal(t, who(key), gone)
	s.call(t, s.form("Action=DeleteUser&UserName=eve"+iamVersion), "iam")
	s.checkRefusal(t, who(session), gone)
}

// Tokens that people carry between calls of sts and cloudtrail.
func TestOtherGarbageTokens(t *testing.T) {
	s := start(t)
	sts := func(body string) *request { return s.form(body + "&Version=2011-06-15") }
	for name, token := range map[string]string{
		"garbage": "garbage", "three parts": "aaaa.bbbb.cccc", "no algorithm": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL3gifQ.",
		"longest": strings.Repeat("a", 9998) + "." + strings.Repeat("b", 9999) + ".", "dots": strings.Repeat(".", 20000),
	} {
		t.Run("web identity: "+name, func(t *testing.T) {
			a := s.send(t, sts("Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::"+account+":role/none&RoleSessionName=abc&WebIdentityToken="+token))
			if f := parseFault(t, a); a.status != 400 && a.status != 403 || f.code != "InvalidIdentityToken" && f.code != "AccessDenied" {
				t.Errorf("%d %s %s", a.status, f.code, f.message)
			}
		})
	}
	for name, message := range map[string]string{"garbage": "garbage", "base64": strings.Repeat("QUFB", 2500), "not base64": "%25%25"} {
		t.Run("authorization message: "+name, func(t *testing.T) {
			s.refused(t, sts("Action=DecodeAuthorizationMessage&EncodedMessage="+message).sign(s.by("sts")), want{status: 400, code: "InvalidAuthorizationMessageException", message: "*", recorded: true})
		})
	}
	lookup := func(body string) *request {
		return s.target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", []byte(body)).sign(s.by("cloudtrail"))
	}
	for body, c := range map[string]string{
		`{"NextToken":"garbage"}`:                              "InvalidNextTokenException",
		`{"NextToken":"` + strings.Repeat("QUFB", 2000) + `"}`: "InvalidNextTokenException",
		`{"MaxResults":51}`:                                    "*",
		`{"MaxResults":0}`:                                     "*",
		`{"StartTime":2000000000,"EndTime":1000000000}`:        "InvalidTimeRangeException",
		`{"StartTime":1e300}`:                                  "SerializationException",
		`{"LookupAttributes":[{"AttributeKey":"ReadOnly","AttributeValue":"maybe"}]}`: "InvalidLookupAttributesException",
		`{"LookupAttributes":[{"AttributeKey":"Nothing","AttributeValue":"x"}]}`:      "*",
	} {
		t.Run(body[:min(len(body), 60)], func(t *testing.T) {
			a := s.send(t, lookup(body))
			if f := parseFault(t, a); a.status != 400 || c != "*" && f.code != c {
				t.Errorf("%d %s %s", a.status, f.code, f.message)
			}
		})
	}
}
