package sigv4

import (
	"context"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4a"
	smithyopt "github.com/aws/smithy-go/aws-http-auth/v4"
)

// signByHand signs canonical with the example key: for requests that no signer here
// makes.
func signByHand(t *testing.T, canonical, names, region, service string) string {
	t.Helper()
	key, err := deriveHMAC([]byte(exampleSecret), "20260304", region, service)
	if err != nil {
		t.Fatal(err)
	}
	scope := "20260304/" + region + "/" + service + "/aws4_request"
	k, sc := signingKey{mac: key}, scratch{}
	k.sum(&sc.mac, []byte("AWS4-HMAC-SHA256\n20260304T050607Z\n"+scope+"\n"+hexSHA([]byte(canonical))))
	return "AWS4-HMAC-SHA256 Credential=" + exampleID + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + hexOf(sc.mac)
}

func hexOf(sum [sha256.Size]byte) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range sum {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func TestDateHeaderReplacesXAmzDate(t *testing.T) {
	for _, date := range []string{"Wed, 04 Mar 2026 05:06:07 GMT", "20260304T050607Z"} {
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.Header.Set("Date", date)
		r.Header.Set("Authorization", signByHand(t, "GET\n/\n\ndate:"+date+"\nhost:example.com\n\ndate;host\n"+emptySHA256, "date;host", "r", "s"))
		if err := check(t, r, Rules{Region: "r", Service: "s"}, testTime, ""); err != nil {
			t.Errorf("%s: %v", date, err)
		}
	}
}

// TestWireRestoresWhatNetHTTPRemoves sends bytes to a real server: absolute form,
// folded and repeated headers, Transfer-Encoding and the escapes of the path.
func TestWireRestoresWhatNetHTTPRemoves(t *testing.T) {
	results := make(chan error, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			results <- err
			return
		}
		results <- check(t, r, Rules{Region: "r", Service: "s"}, testTime, string(body))
	}))
	defer ts.Close()
	canonical := "POST\n/a%252Fb/%25C3%25A9\na=%2B%20&b=\nhost:example.com\ntransfer-encoding:chunked\nx-amz-date:20260304T050607Z\nx-amz-list:one,two words,three\n\nhost;transfer-encoding;x-amz-date;x-amz-list\n" + hexSHA([]byte("body"))
	auth := signByHand(t, canonical, "host;transfer-encoding;x-amz-date;x-amz-list", "r", "s")
	conn, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "POST http://example.com/a%2Fb/./x/../%C3%A9?b&a=%2b+ HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n"+
		"X-Amz-Date: 20260304T050607Z\r\nX-Amz-List: one\r\nx-amz-list:   two \t  words  \r\nX-AMZ-LIST: three\r\nAuthorization: "+auth+"\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := <-results; err != nil {
		t.Fatal(err)
	}
}

// TestReadStamp compares with time.Parse, which differs only in taking fractions.
func TestReadStamp(t *testing.T) {
	for _, v := range []string{"20260304T050607Z", "20240229T235959Z", "20250229T000000Z", "20260231T000000Z", "20261301T000000Z",
		"20260001T000000Z", "20260100T000000Z", "20260101T240000Z", "20260101T006000Z", "20260101T000060Z", "00000101T000000Z",
		"99991231T235959Z", "2026030 T050607Z", "20260304t050607Z", "20260304T050607z", "+0260304T050607Z", "20260304T05060", ""} {
		want, err := time.Parse(stampLayout, v)
		if got, ok := readStamp(v); ok != (err == nil) || ok && !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v %v", v, got, ok, want, err)
		}
	}
}

func TestPresignedECDSA(t *testing.T) {
	r := httptest.NewRequest("GET", "https://example.com/k?X-Amz-Expires=60", nil)
	err := sigv4a.New(func(o *smithyopt.SignerOptions) { o.DisableDoublePathEscape = true }).SignRequest(&sigv4a.SignRequestInput{
		Request: r, PayloadHash: []byte(unsignedPayload), SignatureType: smithyopt.SignatureTypeQueryString,
		Credentials: credentials.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "t"},
		Service:     "s3", RegionSet: []string{"us-*", "eu-west-1"}, Time: testTime,
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := httptest.NewRequest("GET", r.URL.String(), nil)
	rules := Rules{Region: "us-west-2", Service: "s3", S3: true}
	if err := check(t, sent, rules, testTime.Add(time.Minute), ""); err != nil {
		t.Fatal(err)
	}
	if err := check(t, sent, rules, testTime.Add(62*time.Second), ""); kindOf(err) != KindExpired {
		t.Fatal(err)
	}
	widened := sent.Clone(context.Background())
	widened.RequestURI = strings.Replace(sent.RequestURI, "us-%2A", "%2A", 1)
	if widened.RequestURI == sent.RequestURI {
		t.Fatalf("no region set in %s", sent.RequestURI)
	}
	if err := check(t, widened, rules, testTime, ""); kindOf(err) != KindMismatch {
		t.Fatalf("a wider region set: %v", err)
	}
}

func TestTokenAfterSigning(t *testing.T) {
	r := httptest.NewRequest("GET", "https://example.com/mqtt?X-Amz-Expires=60", nil)
	url, err := Presign(httptest.NewRequest("GET", "https://example.com/mqtt", nil), Credentials{AccessKeyID: exampleID, Secret: []byte(exampleSecret)}, Scope{"r", "iotdevicegateway"}, testTime, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = url.RequestURI() + "&X-Amz-Security-Token=tok"
	rules := Rules{Region: "r", Service: "iotdevicegateway"}
	if err := check(t, r, rules, testTime, ""); kindOf(err) != KindMismatch {
		t.Fatal(err)
	}
	rules.TokenAfterSigning = true
	if err := check(t, r, rules, testTime, ""); err != nil {
		t.Fatal(err)
	}
}

func TestEmptySecretSignsNothing(t *testing.T) {
	s, err := Parse(FromHTTP(kmsRequest(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	if err := newVerifier(t, testTime).Verify(s, nil, kmsRules, []byte("x")); err == nil || kindOf(err) != 0 {
		t.Fatalf("an empty secret: %v", err)
	}
}

func TestSplitTarget(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/ ", "/a?b?c": "/a b?c", "http://h": "/ ", "https://h?x": "/ x", "http://h/p//q?": "/p//q ", "//h/p": "//h/p ",
	} {
		path, query, ok := splitTarget(target)
		if got := path + " " + query; !ok || got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	for _, target := range []string{"", "*", "h:443", "a/b", "/" + strings.Repeat("a", maxTarget)} {
		if _, _, ok := splitTarget(target); ok {
			t.Errorf("%.20q was taken", target)
		}
	}
}
