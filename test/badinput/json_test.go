package badinput

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// createKey makes a key and returns its id.
func (s *server) createKey(t *testing.T, body string) string {
	t.Helper()
	var out struct {
		KeyMetadata struct{ KeyId string }
	}
	if err := json.Unmarshal(s.call(t, s.kms("CreateKey", []byte(body)), "kms"), &out); err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata.KeyId
}

func serialization(message string) want {
	return want{status: 400, code: "SerializationException", message: message, recorded: true}
}

func TestJSONDocumentsThatAreNone(t *testing.T) {
	s := start(t)
	key := s.createKey(t, "{}")
	deep := func(n int) string {
		return `{"KeyId":"` + key + `","Unknown":` + strings.Repeat(`[`, n) + strings.Repeat(`]`, n) + `}`
	}
	for name, body := range map[string]string{
		"white space only":         "  \r\n\t ",
		"byte order mark":          "\ufeff{}",
		"null":                     "null",
		"a number":                 "12",
		"a string":                 `"{}"`,
		"cut short":                `{"KeyId":"` + key,
		"cut after a backslash":    `{"KeyId":"\`,
		"cut in an escape":         `{"KeyId":"\u00`,
		"trailing garbage":         `{"KeyId":"` + key + `"}x`,
		"two documents":            `{"KeyId":"` + key + `"}{}`,
		"trailing NUL":             `{"KeyId":"` + key + "\"}\x00",
		"trailing comma":           `{"KeyId":"` + key + `",}`,
		"no comma":                 `{"KeyId":"` + key + `" "A":1}`,
		"no colon":                 `{"KeyId" "` + key + `"}`,
		"single quotes":            `{'KeyId':'` + key + `'}`,
		"bare name":                `{KeyId:"` + key + `"}`,
		"comment":                  `{"KeyId":"` + key + `"/**/}`,
		"control character":        "{\"KeyId\":\"a\x01b\"}",
		"line break in a string":   "{\"KeyId\":\"a\nb\"}",
		"unknown escape":           `{"KeyId":"\x41"}`,
		"lone high surrogate":      `{"KeyId":"\ud800"}`,
		"lone low surrogate":       `{"KeyId":"\udc00"}`,
		"surrogates in disorder":   `{"KeyId":"\udc00\ud800"}`,
		"invalid UTF-8":            "{\"KeyId\":\"\xff\"}",
		"overlong UTF-8":           "{\"KeyId\":\"\xc0\xaf\"}",
		"UTF-8 surrogate":          "{\"KeyId\":\"\xed\xa0\x80\"}",
		"UTF-16":                   "{\x00}\x00",
		"invalid UTF-8, unknown":   "{\"Nothing\":\"\xfe\"}",
		"leading zero":             `{"KeyId":"` + key + `","X":01}`,
		"plus sign":                `{"KeyId":"` + key + `","X":+1}`,
		"not a number":             `{"KeyId":"` + key + `","X":NaN}`,
		"hexadecimal":              `{"KeyId":"` + key + `","X":0x1}`,
		"capital null":             `{"KeyId":"` + key + `","X":Null}`,
		"nested 100 below the top": deep(100),
		"nested 10,000":            deep(10000),
		"nested objects":           strings.Repeat(`{"a":`, 9000),
		"nested for ever":          strings.Repeat("[", 60000),
	} {
		t.Run(name, func(t *testing.T) {
			w := serialization("")
			if name == "nested for ever" {
				w.message = "Start of list found where not expected"
			}
			s.refused(t, s.kms("DescribeKey", []byte(body)).sign(s.by("kms")), w)
		})
	}
	// The deepest that is allowed is read.
	if a := s.send(t, s.kms("DescribeKey", []byte(deep(99))).sign(s.by("kms"))); a.status != http.StatusOK {
		t.Errorf("depth 100: %d %s", a.status, a.body)
	}
}

func TestJSONOfTheWrongType(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ op, body, message string }{
		{"DescribeKey", `{"KeyId":1}`, "NUMBER_VALUE can not be converted to a String"},
		{"DescribeKey", `{"KeyId":-1.5e3}`, "NUMBER_VALUE can not be converted to a String"},
		{"DescribeKey", `{"KeyId":true}`, "TRUE_VALUE can not be converted to a String"},
		{"DescribeKey", `{"KeyId":false}`, "FALSE_VALUE can not be converted to a String"},
		{"DescribeKey", `{"KeyId":["a"]}`, "Start of list found where not expected"},
		{"DescribeKey", `{"KeyId":{"a":"b"}}`, "Start of structure or map found where not expected."},
		{"ListKeys", `{"Limit":"10"}`, "STRING_VALUE can not be converted to an Integer"},
		{"ListKeys", `{"Limit":1.5}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"ListKeys", `{"Limit":2147483648}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"ListKeys", `{"Limit":1e999999999}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"ListKeys", `{"Limit":` + strings.Repeat("9", 50000) + `}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"CreateKey", `{"MultiRegion":"true"}`, "STRING_VALUE can not be converted to a Boolean"},
		{"CreateKey", `{"MultiRegion":1}`, "NUMBER_VALUE can not be converted to a Boolean"},
		{"CreateKey", `{"Tags":"x"}`, "Expected list or null"},
		{"CreateKey", `{"Tags":{"TagKey":"a","TagValue":"b"}}`, "Start of structure or map found where not expected."},
		{"CreateKey", `{"Tags":["x"]}`, "Expected null"},
		{"CreateKey", `[]`, "Start of list found where not expected"},
		{"Encrypt", `{"KeyId":"x","EncryptionContext":"a"}`, "Expected map or null"},
		{"Encrypt", `{"KeyId":"x","EncryptionContext":["a"]}`, "Start of list found where not expected"},
		{"Encrypt", `{"KeyId":"x","EncryptionContext":{"a":1}}`, "NUMBER_VALUE can not be converted to a String"},
		{"Encrypt", `{"KeyId":"x","Plaintext":1}`, "NUMBER_VALUE can not be converted to a Blob"},
		{"Encrypt", `{"KeyId":"x","GrantTokens":{"a":"b"}}`, "Start of structure or map found where not expected."},
		// Base64 that is not.
		{"Encrypt", `{"KeyId":"x","Plaintext":"` + canary + `!"}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YQ"}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YQ="}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YQ==="}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YR=="}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"-_-_"}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YWJj\nYWJj"}`, ""},
		{"Encrypt", `{"KeyId":"x","Plaintext":"YWJj YWJj"}`, ""},
		{"Encrypt", "{\"KeyId\":\"x\",\"Plaintext\":\"YWJj\x00\"}", ""},
		// UTF-8 that is not, in the encryption context.
		{"Encrypt", "{\"KeyId\":\"x\",\"EncryptionContext\":{\"a\":\"\xff\"},\"Plaintext\":\"YQ==\"}", ""},
		{"Encrypt", "{\"KeyId\":\"x\",\"EncryptionContext\":{\"\xc3\":\"a\"},\"Plaintext\":\"YQ==\"}", ""},
		{"Encrypt", `{"KeyId":"x","EncryptionContext":{"a":"\udfff"},"Plaintext":"YQ=="}`, ""},
	} {
		t.Run(c.op+" "+c.body[:min(len(c.body), 60)], func(t *testing.T) {
			s.refused(t, s.kms(c.op, []byte(c.body)).sign(s.by("kms")), serialization(c.message))
		})
	}
}

func TestJSONThatViolatesTheModel(t *testing.T) {
	s := start(t)
	long := strings.Repeat("a", 2049)
	for _, c := range []struct{ op, body, message string }{
		{"DescribeKey", ``, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"DescribeKey", `{}`, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"DescribeKey", `{"KeyId":null}`, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"DescribeKey", `{"keyid":"x"}`, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"DescribeKey", `{"KeyId":"x","KeyId":null}`, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"DescribeKey", `{"KeyId":""}`, "1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"DescribeKey", `{"KeyId":"` + long + `"}`, "1 validation error detected: Value '" + long + "' at 'keyId' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		{"GenerateRandom", `{"NumberOfBytes":1025}`, "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
		{"GenerateRandom", `{"NumberOfBytes":0}`, "1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"ListKeys", `{"Limit":-2147483648}`, "1 validation error detected: Value '-2147483648' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"Encrypt", `{"KeyId":"x","Plaintext":""}`, "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	} {
		t.Run(c.op+" "+c.body[:min(len(c.body), 60)], func(t *testing.T) {
			s.refused(t, s.kms(c.op, []byte(c.body)).sign(s.by("kms")),
				want{status: 400, code: "ValidationException", message: c.message, recorded: true})
		})
	}
}

// Of a repeated member the last one counts, for authorization and execution alike.
func TestDuplicateMembersLastWinsEverywhere(t *testing.T) {
	s := start(t)
	open, denied := s.createKey(t, "{}"), s.createKey(t, "{}")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},` +
		`{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]}`
	s.call(t, s.kms("PutKeyPolicy", fmt.Appendf(nil, `{"KeyId":%q,"Policy":%q}`, denied, policy)), "kms")

	body := fmt.Appendf(nil, `{"KeyId":%q,"Plaintext":"YQ==","KeyId":%q}`, open, denied)
	s.refused(t, s.kms("Encrypt", body).sign(s.by("kms")), want{status: 400, code: "AccessDeniedException", recorded: true, contains: denied + " with an explicit deny in a resource-based policy"})

	body = fmt.Appendf(nil, `{"KeyId":%q,"\u004beyId":%q,"Plaintext":"YQ==","EncryptionContext":{"a":"1"},"EncryptionContext":{"b":"2","b":"3"}}`, denied, open)
	a := s.send(t, s.kms("Encrypt", body).sign(s.by("kms")))
	if a.status != http.StatusOK || !bytes.Contains(a.body, []byte(open)) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if r := s.record(t, a.header.Get("X-Amzn-Requestid")); !strings.Contains(r, `"encryptionContext":{"b":"3"}`) || strings.Contains(r, denied) {
		t.Errorf("the record has another input than was run: %s", r)
	}
	var out struct{ CiphertextBlob string }
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatal(err)
	}
	// Only the last context decrypts.
	s.call(t, s.kms("Decrypt", fmt.Appendf(nil, `{"CiphertextBlob":%q,"EncryptionContext":{"b":"3"}}`, out.CiphertextBlob)), "kms")
	s.refused(t, s.kms("Decrypt", fmt.Appendf(nil, `{"CiphertextBlob":%q,"EncryptionContext":{"a":"1","b":"3"}}`, out.CiphertextBlob)).sign(s.by("kms")),
		want{status: 400, code: "InvalidCiphertextException", recorded: true})
}

func TestOversizedBodies(t *testing.T) {
	s := start(t)
	pad := func(n int) []byte {
		const head, tail = `{"Unknown":"`, `"}`
		return []byte(head + strings.Repeat("x", n-len(head)-len(tail)) + tail)
	}
	// Beyond what its room takes a body is not read to its end.
	tooLarge := want{status: 413, code: "RequestEntityTooLargeException", message: "Request body is too large.", closes: true}
	t.Run("64 KiB", func(t *testing.T) { s.call(t, s.kms("ListKeys", pad(64<<10)), "kms") })
	t.Run("64 KiB and one", func(t *testing.T) {
		s.refused(t, s.kms("ListKeys", pad(64<<10+1)).sign(s.by("kms")), tooLarge)
	})
	t.Run("64 KiB and one, chunked", func(t *testing.T) {
		q := s.kms("ListKeys", pad(64<<10+1)).sign(s.by("kms"))
		q.chunked = true
		s.refused(t, q, tooLarge)
	})
	// And beyond what any room takes (AWS WAF and ACM: 4 MiB).
	for _, size := range []int{4<<20 + 1, 8 << 20} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, chunked %v", size, chunked), func(t *testing.T) {
				q := s.kms("ListKeys", pad(size)).sign(s.by("kms"))
				q.chunked = chunked
				w := tooLarge
				s.refused(t, q, w)
				q = s.form("Action=ListUsers&Version=2010-05-08&Filler=" + strings.Repeat("x", size)).sign(s.by("iam"))
				q.chunked = chunked
				w.code = "RequestEntityTooLarge"
				s.refused(t, q, w)
			})
		}
	}
	t.Run("unsigned", func(t *testing.T) { s.refused(t, s.kms("ListKeys", pad(64<<10+1)), tooLarge) })
	t.Run("2 MiB header", func(t *testing.T) {
		q := s.kms("ListKeys", []byte("{}")).add("X-Padding", strings.Repeat("x", 2<<20))
		if a := s.sendRaw(t, q.sign(s.by("kms")).bytes()); a.status != http.StatusRequestHeaderFieldsTooLarge || a.open {
			t.Errorf("status %d, open %v", a.status, a.open)
		}
	})
	t.Run("many headers", func(t *testing.T) {
		q := s.kms("ListKeys", []byte("{}"))
		for i := range 20000 {
			q.add(fmt.Sprintf("X-P-%d", i), "1")
		}
		if a := s.sendRaw(t, q.sign(s.by("kms")).bytes()); a.status != http.StatusRequestHeaderFieldsTooLarge || a.open {
			t.Errorf("status %d, open %v", a.status, a.open)
		}
	})
}

func zip(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A signature covers the bytes on the wire, so a compressed body is signed as it is.
func TestCompressedBodies(t *testing.T) {
	s := start(t)
	send := func(body []byte) *request {
		return s.kms("ListKeys", body).add("Content-Encoding", "gzip").sign(s.by("kms"))
	}
	tooLarge := want{status: 413, code: "RequestEntityTooLargeException", message: "Request body is too large.", recorded: true}
	t.Run("good", func(t *testing.T) {
		if a := s.send(t, send(zip(t, []byte(`{"Limit":1}`)))); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("name in capitals", func(t *testing.T) {
		q := s.kms("ListKeys", zip(t, []byte(`{"Limit":1}`))).add("Content-Encoding", "GZIP").sign(s.by("kms"))
		if a := s.send(t, q); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("inflates to more than ten times its size", func(t *testing.T) {
		s.refused(t, send(zip(t, bytes.Repeat([]byte(" "), 60<<10))), tooLarge)
	})
	t.Run("bomb", func(t *testing.T) {
		s.refused(t, send(zip(t, bytes.Repeat([]byte(" "), 64<<20))), tooLarge)
	})
	t.Run("bomb of a stranger", func(t *testing.T) {
		q := send(zip(t, bytes.Repeat([]byte(" "), 64<<20)))
		s.refused(t, q.drop("Authorization"), want{status: 400, code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"})
	})
	t.Run("not gzip", func(t *testing.T) {
		s.refused(t, send([]byte(`{"Limit":1}`)), serialization("The request body could not be read."))
	})
	t.Run("cut short", func(t *testing.T) {
		z := zip(t, []byte(`{"Limit":1}`))
		s.refused(t, send(z[:len(z)-5]), serialization("The request body could not be read."))
	})
	t.Run("signed before compression", func(t *testing.T) {
		plain := []byte(`{"Limit":1}`)
		q := s.kms("ListKeys", zip(t, plain)).add("Content-Encoding", "gzip")
		q.signedBody = plain
		s.refused(t, q.sign(s.by("kms")), mismatch)
	})
	// Other codings are not ours to undo: the body is read as it is.
	for _, encoding := range []string{"deflate", "br", "gzip, gzip", "identity"} {
		t.Run(encoding, func(t *testing.T) {
			q := s.kms("ListKeys", []byte(`{"Limit":1}`)).add("Content-Encoding", encoding)
			s.call(t, q, "kms")
			s.refused(t, s.kms("ListKeys", zip(t, []byte("{}"))).add("Content-Encoding", encoding).sign(s.by("kms")), serialization(""))
		})
	}
}

var mismatch = want{status: 400, code: "InvalidSignatureException", message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}

func TestContentTypesAndTransferOfJSON(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ sent, answered string }{
		{"application/x-amz-json-1.1", "application/x-amz-json-1.1"},
		{"application/x-amz-json-1.0", "application/x-amz-json-1.1"}, // KMS speaks 1.1 only
		{"application/json", "application/x-amz-json-1.1"},
		{"text/plain", "application/x-amz-json-1.1"},
		{"application/x-amz-json-1.1; charset=utf-8", "application/x-amz-json-1.1"},
		{"///;;=", "application/x-amz-json-1.1"},
	} {
		t.Run(c.sent, func(t *testing.T) {
			a := s.send(t, s.kms("ListKeys", []byte("{}")).set("Content-Type", c.sent).sign(s.by("kms")))
			if a.status != http.StatusOK || a.header.Get("Content-Type") != c.answered {
				t.Errorf("%d %s %s", a.status, a.header.Get("Content-Type"), a.body)
			}
		})
	}
	t.Run("chunked", func(t *testing.T) {
		q := s.kms("ListKeys", []byte(`{"Limit":1}`)).sign(s.by("kms"))
		q.chunked = true
		if a := s.send(t, q); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("expect 100-continue", func(t *testing.T) {
		q := s.kms("ListKeys", []byte(`{"Limit":1}`)).add("Expect", "100-continue").sign(s.by("kms"))
		conn := s.dial(t)
		head, body, _ := bytes.Cut(q.bytes(), []byte("\r\n\r\n"))
		write(t, conn, append(head, "\r\n\r\n"...))
		in := newReader(conn)
		if line := readLine(t, in); line != "HTTP/1.1 100 Continue" {
			t.Fatal(line)
		}
		readLine(t, in)
		write(t, conn, body)
		if a := readAnswer(t, in); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("expect 100-continue with a body that is too large", func(t *testing.T) {
		q := s.kms("ListKeys", nil).add("Expect", "100-continue").add("Content-Length", "99999999").sign(s.by("kms"))
		conn := s.dial(t)
		raw := bytes.Replace(q.bytes(), []byte("Content-Length: 0\r\n"), nil, 1)
		write(t, conn, raw)
		// Refused before a byte of it was asked for.
		a := readAnswer(t, newReader(conn))
		s.checkRefusal(t, a, want{status: 413, code: "RequestEntityTooLargeException", message: "Request body is too large.", closes: true})
	})
	t.Run("expect something else", func(t *testing.T) {
		a := s.send(t, s.kms("ListKeys", []byte(`{}`)).add("Expect", "miracles").sign(s.by("kms")))
		if a.status != http.StatusExpectationFailed {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}
