package bucket

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"fastness/internal/clock"
	"fastness/internal/sigv4"
)

// Options are what a Client is made of.
type Options struct {
	// Endpoint is https://host[:port], or http:// on loopback.
	Endpoint string
	// Region is that of the signature; empty means us-east-1.
	Region string
	// Credentials gives what requests are signed with; it is asked before each.
	Credentials func(context.Context) (sigv4.Credentials, error)
	// TLS, if set, is how to know the server.
	TLS   *tls.Config
	Clock clock.Clock
}

// Client puts objects. It is safe for concurrent use.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client
}

// requestTimeout bounds a request.
const requestTimeout = time.Minute

// New makes a Client.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(o.Endpoint, "/"))
	if err != nil {
		return nil, fmt.Errorf("bucket: the endpoint: %w", err)
	}
	if u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("bucket: the endpoint is https://host:port, or http:// on loopback")
	}
	if o.Credentials == nil || o.Clock == nil {
		return nil, errors.New("bucket: incomplete options")
	}
	o.Region = cmp.Or(o.Region, "us-east-1")
	return &Client{o: o, base: u, http: &http.Client{
		Transport:     &http.Transport{TLSClientConfig: o.TLS, MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       requestTimeout,
	}}, nil
}

// loopback tells whether a host is on this machine.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	// Code is S3's code for the error; empty if it gave none.
	Code string
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("bucket: status %d %s", e.Status, cmp.Or(e.Code, http.StatusText(e.Status)))
}

// Exists returns an error if a bucket is not there or not ours (HeadBucket).
func (c *Client) Exists(ctx context.Context, bucket string) error {
	return c.do(ctx, http.MethodHead, "/"+escape(bucket), nil, "")
}

// Put puts an object, replacing one of the same key (PutObject). The store answers before it is durable
// as far as it promises that.
func (c *Client) Put(ctx context.Context, bucket, key, contentType string, body []byte) error {
	return c.do(ctx, http.MethodPut, "/"+escape(bucket)+"/"+escape(key), body, contentType)
}

// escape writes a path as signatures want it: every byte but unreserved ones and slashes in percent.
func escape(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, contentType string) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		// Buckets that lock objects ask for it.
		sum := md5.Sum(body)
		r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	credentials, err := c.o.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("bucket: credentials: %w", err)
	}
	if err := sigv4.Sign(r, body, credentials, sigv4.Scope{Region: c.o.Region, Service: "s3"}, c.o.Clock.Now()); err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	defer res.Body.Close()
	const most = 4096
	text, err := io.ReadAll(io.LimitReader(res.Body, most))
	if res.StatusCode/100 == 2 {
		return err
	}
	_, rest, _ := strings.Cut(string(text), "<Code>")
	code, _, ok := strings.Cut(rest, "</Code>")
	if !ok || len(code) > 100 {
		code = ""
	}
	return &StatusError{Status: res.StatusCode, Code: code}
}
