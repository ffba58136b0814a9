package sigv4

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4a"
)

var s3Rules = Rules{Region: "us-east-1", Service: "s3", S3: true, AllowStreaming: true, AllowUnsignedPayload: true}

// exampleUpload is the PutObject of the S3 API reference ("Transferring Payload in
// Multiple Chunks" and "Including Trailing Headers"): 65 KiB of the letter a.
func exampleUpload(trailer bool) (*http.Request, []byte) {
	r := httptest.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", nil)
	for k, v := range map[string]string{
		"X-Amz-Date":                   "20130524T000000Z",
		"X-Amz-Storage-Class":          "REDUCED_REDUNDANCY",
		"X-Amz-Decoded-Content-Length": "66560",
		"Content-Encoding":             "aws-chunked",
	} {
		r.Header.Set(k, v)
	}
	signatures := []string{
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	}
	end := "\r\n"
	scope := "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	if trailer {
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
		r.Header.Set("Authorization", scope+"SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")
		signatures = []string{
			"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
		}
		end = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	} else {
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
		r.Header.Set("Content-Length", "66824")
		r.Header.Set("Authorization", scope+"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
	}
	wire := "10000;chunk-signature=" + signatures[0] + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + signatures[1] + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=" + signatures[2] + "\r\n" + end
	return r, []byte(wire)
}

func openExample(t *testing.T, trailer bool, wire io.Reader) (*Body, error) {
	t.Helper()
	r, _ := exampleUpload(trailer)
	s, err := Parse(FromHTTP(r))
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, time.Date(2013, 5, 24, 0, 1, 0, 0, time.UTC))
	return v.VerifyStream(s, []byte(exampleSecret), s3Rules, wire)
}

func TestStreamReadsPublishedExamples(t *testing.T) {
	for _, trailer := range []bool{false, true} {
		_, wire := exampleUpload(trailer)
		readers := map[string]io.Reader{
			"whole":    bytes.NewReader(wire),
			"one byte": iotest.OneByteReader(bytes.NewReader(wire)),
			"half":     iotest.HalfReader(bytes.NewReader(wire)),
			"data err": iotest.DataErrReader(bytes.NewReader(wire)),
		}
		for name, wire := range readers {
			t.Run(fmt.Sprintf("trailer %v %s", trailer, name), func(t *testing.T) {
				body, err := openExample(t, trailer, wire)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(body)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, bytes.Repeat([]byte("a"), 66560)) || body.DecodedLength() != 66560 {
					t.Fatalf("read %d bytes", len(got))
				}
				if want := map[bool]string{true: "sOO8/Q=="}[trailer]; body.Trailer("x-amz-checksum-crc32c") != want {
					t.Fatalf("trailer %q", body.Trailer("x-amz-checksum-crc32c"))
				}
			})
		}
	}
}

// TestStreamRefusesEveryChangedByte flips each byte of the framing and a sample of
// the data, and demands that no byte of a changed chunk is released.
func TestStreamRefusesEveryChangedByte(t *testing.T) {
	for _, trailer := range []bool{false, true} {
		_, wire := exampleUpload(trailer)
		data := bytes.Index(wire, []byte("\r\n")) + 2
		for i := range wire {
			if i > data+64 && i < data+65536-64 && i%9973 != 0 {
				continue
			}
			changed := bytes.Clone(wire)
			changed[i] ^= 1
			body, err := openExample(t, trailer, bytes.NewReader(changed))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			var e *Error
			if !errors.As(err, &e) {
				if harmless(wire, changed, i) {
					continue
				}
				t.Fatalf("trailer %v, byte %d (%q -> %q): %v", trailer, i, wire[i], changed[i], err)
			}
			if i < data+65536+2 && len(got) > 0 {
				t.Fatalf("byte %d: %d bytes of a changed chunk were released", i, len(got))
			}
		}
	}
}

// harmless: a size in upper-case digits, or a line end of the trailer, says the same.
func harmless(wire, changed []byte, i int) bool {
	return strings.EqualFold(string(wire), string(changed)) || wire[i] == '\r' && i > bytes.LastIndex(wire, []byte("\r\n0;"))
}

func TestStreamRefusesTruncation(t *testing.T) {
	for _, trailer := range []bool{false, true} {
		_, wire := exampleUpload(trailer)
		tail := len(wire) - 400
		for _, n := range []int{0, 1, 20, 100, 5000, 65536, 66000, 66800} {
			checkTruncated(t, trailer, wire[:n])
		}
		for n := tail; n < len(wire)-2; n++ { // the very last line end may be missing behind a trailer
			checkTruncated(t, trailer, wire[:n])
		}
		body, err := openExample(t, trailer, bytes.NewReader(append(bytes.Clone(wire), 'x')))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(body); kindOf(err) == 0 {
			t.Fatalf("data behind the end: %v", err)
		}
	}
}

func checkTruncated(t *testing.T, trailer bool, wire []byte) {
	t.Helper()
	body, err := openExample(t, trailer, bytes.NewReader(wire))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(body); kindOf(err) == 0 {
		t.Fatalf("trailer %v, %d bytes: %v", trailer, len(wire), err)
	}
}

// upload is a chunked request made for a test.
type upload struct {
	tb      testing.TB
	request *http.Request
	wire    []byte
	rules   Rules
}

func (u *upload) open(v *Verifier) (*Body, error) {
	s, err := Parse(FromHTTP(u.request))
	if err != nil {
		return nil, err
	}
	return v.VerifyStream(s, []byte(exampleSecret), u.rules, bytes.NewReader(u.wire))
}

func drain(r io.Reader, buf []byte) error {
	for {
		if _, err := r.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var modeNames = map[PayloadMode]string{
	PayloadStream:          "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	PayloadStreamTrailer:   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
	PayloadUnsignedTrailer: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
}

// newUpload frames data in chunks, with a trailing checksum if one is named. The seed
// is signed by the AWS SDK, the chunks by straightforward code.
func newUpload(tb testing.TB, mode PayloadMode, data []byte, chunk int, checksum string) *upload {
	tb.Helper()
	u := newUnsigned(tb, modeNames[mode], len(data), checksum)
	err := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}, u.request, modeNames[mode], "s3", "us-east-1", testTime)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := deriveHMAC([]byte(exampleSecret), "20260304", "us-east-1", "s3")
	if err != nil {
		tb.Fatal(err)
	}
	_, seed, _ := strings.Cut(u.request.Header.Get("Authorization"), "Signature=")
	sign := func(text string) string {
		h := hmac.New(sha256.New, key[:])
		io.WriteString(h, text)
		return hex.EncodeToString(h.Sum(nil))
	}
	if mode == PayloadUnsignedTrailer {
		sign = nil
	}
	u.frame(data, chunk, checksum, "AWS4-HMAC-SHA256", "20260304/us-east-1/s3/aws4_request", seed, sign)
	return u
}

// newECDSAUpload is newUpload with AWS4-ECDSA-P256-SHA256.
func newECDSAUpload(tb testing.TB, data []byte, chunk int, checksum string) *upload {
	tb.Helper()
	mode := "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
	if checksum != "" {
		mode += "-TRAILER"
	}
	u := newUnsigned(tb, mode, len(data), checksum)
	derived, err := deriveECDSA(exampleID, []byte(exampleSecret))
	if err != nil {
		tb.Fatal(err)
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), derived.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	sign := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			tb.Fatal(err)
		}
		sig := hex.EncodeToString(der)
		return sig + strings.Repeat("*", 144-len(sig))
	}
	scope := "20260304/s3/aws4_request"
	u.request.Header.Set("X-Amz-Date", "20260304T050607Z")
	u.request.Header.Set("X-Amz-Region-Set", "*")
	names := "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-region-set"
	canonical := "PUT\n/bucket/key\n\nhost:s3.amazonaws.com\nx-amz-content-sha256:" + mode +
		"\nx-amz-date:20260304T050607Z\nx-amz-decoded-content-length:" + strconv.Itoa(len(data)) + "\nx-amz-region-set:*\n"
	if checksum != "" {
		names += ";x-amz-trailer"
		canonical += "x-amz-trailer:" + checksum + "\n"
	}
	canonical += "\n" + names + "\n" + mode
	seed := strings.TrimRight(sign("AWS4-ECDSA-P256-SHA256\n20260304T050607Z\n"+scope+"\n"+hexSHA([]byte(canonical))), "*")
	u.request.Header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential="+exampleID+"/"+scope+", SignedHeaders="+names+", Signature="+seed)
	u.frame(data, chunk, checksum, "AWS4-ECDSA-P256-SHA256", scope, seed, sign)
	return u
}

func newUnsigned(tb testing.TB, mode string, length int, checksum string) *upload {
	r := httptest.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", nil)
	r.Header.Set("X-Amz-Content-Sha256", mode)
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	if checksum != "" {
		r.Header.Set("X-Amz-Trailer", checksum)
	}
	return &upload{tb: tb, request: r, rules: s3Rules}
}

// frame writes the chunks.
func (u *upload) frame(data []byte, chunk int, checksum, algorithm, scope, previous string, sign func(string) string) {
	var w bytes.Buffer
	rest := data
	for {
		piece := rest[:min(chunk, len(rest))]
		rest = rest[len(piece):]
		fmt.Fprintf(&w, "%x", len(piece))
		if sign != nil {
			padded := sign(strings.Join([]string{algorithm + "-PAYLOAD", "20260304T050607Z", scope, previous, hexSHA(nil), hexSHA(piece)}, "\n"))
			fmt.Fprintf(&w, ";chunk-signature=%s", padded)
			previous = strings.TrimRight(padded, "*")
		}
		w.WriteString("\r\n")
		if len(piece) == 0 {
			break
		}
		w.Write(piece)
		w.WriteString("\r\n")
	}
	if checksum != "" {
		h, ok := NewChecksum(checksum)
		if !ok {
			u.tb.Fatalf("no checksum %s", checksum)
		}
		h.Write(data)
		line := checksum + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
		w.WriteString(line + "\r\n")
		if sign != nil {
			w.WriteString("x-amz-trailer-signature:" + sign(strings.Join([]string{algorithm + "-TRAILER", "20260304T050607Z", scope, previous, hexSHA([]byte(line + "\n"))}, "\n")) + "\r\n")
		}
	}
	w.WriteString("\r\n")
	u.wire = w.Bytes()
}

func ecdsaRequest(tb testing.TB, method, url string, body []byte) *http.Request {
	tb.Helper()
	r := httptest.NewRequest(method, url, bytes.NewReader(body))
	sum := sha256.Sum256(body)
	err := sigv4a.New().SignRequest(&sigv4a.SignRequestInput{Request: r, PayloadHash: sum[:],
		Credentials: credentials.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret},
		Service:     "lambda", RegionSet: []string{"us-east-1"}, Time: testTime})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func uploads(tb testing.TB, data []byte) map[string]*upload {
	all := map[string]*upload{
		"hmac":  newUpload(tb, PayloadStream, data, 10000, ""),
		"ecdsa": newECDSAUpload(tb, data, 10000, ""),
	}
	for _, name := range []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256"} {
		if _, ok := NewChecksum(ChecksumPrefix + name); !ok && name == "sha1" && fips140.Enforced() {
			continue
		}
		all["hmac "+name] = newUpload(tb, PayloadStreamTrailer, data, 10000, ChecksumPrefix+name)
		all["unsigned "+name] = newUpload(tb, PayloadUnsignedTrailer, data, 10000, ChecksumPrefix+name)
		all["ecdsa "+name] = newECDSAUpload(tb, data, 10000, ChecksumPrefix+name)
	}
	return all
}

func TestStreamModes(t *testing.T) {
	data := make([]byte, 25000)
	rand.Read(data)
	v := newVerifier(t, testTime)
	for name, u := range uploads(t, data) {
		t.Run(name, func(t *testing.T) {
			body, err := u.open(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			i := bytes.LastIndex(u.wire, data[20000:])
			u.wire[i] ^= 1 // a byte of the third chunk
			body, err = u.open(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err = io.ReadAll(body)
			want := KindChunkMismatch
			if strings.HasPrefix(name, "unsigned") {
				want = KindChecksum
			} else if len(got) != 20000 {
				t.Fatalf("%d bytes released before the changed chunk, want 20000", len(got))
			}
			if kindOf(err) != want {
				t.Fatalf("changed data: %v", err)
			}
			s, err := Parse(FromHTTP(u.request))
			if err != nil {
				t.Fatal(err)
			}
			u.wire[i] ^= 1
			if body, err = s.UnverifiedBody(bytes.NewReader(u.wire)); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("unverified: %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestStreamBounds(t *testing.T) {
	data := make([]byte, 30000)
	cases := map[string]struct {
		change func(*upload)
		kind   Kind
	}{
		"small chunk before the last": {func(u *upload) { *u = *newUpload(t, PayloadStream, data, 4000, "") }, KindChunkSize},
		"small unsigned chunk":        {func(u *upload) { *u = *newUpload(t, PayloadUnsignedTrailer, data, 4000, "x-amz-checksum-crc32") }, KindChunkSize},
		"chunk above the bound":       {func(u *upload) { *u = *newUpload(t, PayloadStream, data, 20000, "") }, KindChunkSize},
		"huge size":                   {func(u *upload) { u.wire = []byte("fffffffffffffff;chunk-signature=00\r\n") }, KindLength},
		"endless size":                {func(u *upload) { u.wire = bytes.Repeat([]byte("0"), 1<<20) }, KindChunk},
		"negative size":               {func(u *upload) { u.wire = []byte("-1;chunk-signature=00\r\n") }, KindChunk},
		"no extension":                {func(u *upload) { u.wire = []byte("2710\r\n") }, KindChunk},
		"early end":                   {func(u *upload) { u.wire = u.wire[bytes.LastIndex(u.wire, []byte("0;")):] }, KindLength},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpload(t, PayloadStream, data, 10000, "")
			c.change(u)
			v, err := NewVerifier(Options{Clock: fixed(testTime), MaxChunk: 16384})
			if err != nil {
				t.Fatal(err)
			}
			body, err := u.open(v)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(body); kindOf(err) != c.kind {
				t.Fatalf("%v, want %v", err, c.kind)
			}
		})
	}
}

func TestStreamTrailerMustBeAnnounced(t *testing.T) {
	u := newUpload(t, PayloadUnsignedTrailer, []byte("data"), 100, "x-amz-checksum-crc32")
	v := newVerifier(t, testTime)
	for name, wire := range map[string]string{
		"none":       "4\r\ndata\r\n0\r\n\r\n",
		"other":      "4\r\ndata\r\n0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n",
		"two":        strings.Replace(string(u.wire), "\r\n\r\n", "\r\nx-amz-meta-a:b\r\n\r\n", 1),
		"repeated":   "4\r\ndata\r\n0\r\nx-amz-checksum-crc32:rfPzYw==\r\nx-amz-checksum-crc32:rfPzYw==\r\n\r\n",
		"not base64": "4\r\ndata\r\n0\r\nx-amz-checksum-crc32:rfPzYw\r\n\r\n",
		"signature":  "4\r\ndata\r\n0\r\nx-amz-checksum-crc32:rfPzYw==\r\nx-amz-trailer-signature:00\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			u.wire = []byte(wire)
			body, err := u.open(v)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(body); kindOf(err) != KindTrailer && kindOf(err) != KindChunk {
				t.Fatal(err)
			}
		})
	}
	for _, announced := range []string{"", "x-amz-checksum-md4", "x-amz-meta-a", "x-amz-checksum-crc32,x-amz-checksum-crc32"} {
		s := &Signature{Algorithm: HMAC, Payload: PayloadUnsignedTrailer, req: Request{Header: http.Header{
			"X-Amz-Decoded-Content-Length": {"4"}, "X-Amz-Trailer": {announced}}}}
		if _, err := s.UnverifiedBody(strings.NewReader("")); kindOf(err) != KindTrailerName {
			t.Fatalf("%q: %v", announced, err)
		}
	}
}

// TestChecksums: check values of the string 123456789 (Catalogue of parametrised CRC
// algorithms; FIPS 180-4 hashes by their own packages).
func TestChecksums(t *testing.T) {
	for name, want := range map[string]string{"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"} {
		h, ok := NewChecksum(ChecksumPrefix + name)
		if !ok {
			t.Fatal(name)
		}
		io.WriteString(h, "123456789")
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"x-amz-checksum-md5", "crc32", ""} {
		if _, ok := NewChecksum(name); ok {
			t.Errorf("%q is a checksum", name)
		}
	}
}

// TestDeriveECDSA: the public key of S3's example credentials, from aws-c-auth's
// chunked signing tests.
func TestDeriveECDSA(t *testing.T) {
	key, err := deriveECDSA(exampleID, []byte(exampleSecret))
	if err != nil {
		t.Fatal(err)
	}
	const want = "04" + "18b7d04643359f6ec270dcbab8dce6d169d66ddc9778c75cfb08dfdb701637ab" + "fa36b35e4fe67e3112261d2e17a956ef85b06e44712d2850bcd3c2161e9993f2"
	if got := hex.EncodeToString(key.PublicKey().Bytes()); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
}
