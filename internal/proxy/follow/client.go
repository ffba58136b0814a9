package follow

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fastness/internal/clock"
	"fastness/internal/proxy"
	"fastness/internal/proxy/upstream"
	"fastness/internal/sigv4"
)

const (
	// ConfigurationPath, ReportPath and ActivityPath are where the control plane is asked and told.
	ConfigurationPath = "/_fastness/proxy/v1/configuration"
	ReportPath        = "/_fastness/proxy/v1/report"
	ActivityPath      = "/_fastness/proxy/v1/activity"
	// RevisionField is the header field of a configuration's revision.
	RevisionField = "Fastness-Revision"
	// Service is the signing name.
	Service = "wafv2"
	// MaxWait is the longest that the control plane lets a request wait.
	MaxWait = 60 * time.Second

	wait     = 50 * time.Second
	slack    = 10 * time.Second // for the answer itself
	firstTry = 5 * time.Second  // until the configuration of last time is used
)

// Options are what a Client is made of. Endpoint, Region, Credentials, Clock and Log are
// required.
type Options struct {
	// Endpoint is the control plane: https://host:port, or http:// on loopback.
	Endpoint string
	Region   string
	// Credentials gives what requests are signed with; it is asked before each.
	Credentials func(context.Context) (sigv4.Credentials, error)
	// TLS, if set, is how to know the control plane.
	TLS *tls.Config
	// File, if set, is where the last configuration is kept.
	File  string
	Clock clock.Clock
	Log   *slog.Logger
}

// Client is a proxy.Source. Close must end it.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client
	// offered tells that the kept configuration was used, or need not be.
	offered bool
}

// New makes a Client.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(o.Endpoint, "/"))
	if err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if u.Host == "" || u.Path != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("control plane: the endpoint is https://host:port, or http:// on loopback")
	}
	return &Client{o: o, base: u, http: &http.Client{
		Transport:     &http.Transport{TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// loopback tells whether a host is on this machine.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Watch implements proxy.Source.
func (c *Client) Watch(ctx context.Context, after uint64) (proxy.Config, uint64, error) {
	first := after == 0 && !c.offered
	for {
		limit := wait + slack
		if first {
			limit = firstTry
		}
		config, revision, err := c.fetch(ctx, after, limit)
		switch {
		case ctx.Err() != nil:
			return proxy.Config{}, 0, ctx.Err()
		case err != nil && first && c.o.File != "":
			c.offered = true
			kept, revision, readErr := c.kept(ctx)
			if readErr != nil {
				return proxy.Config{}, 0, errors.Join(err, readErr)
			}
			c.o.Log.Warn("the control plane is away; the configuration of last time is used", "revision", revision, "error", err)
			return kept, revision, nil
		case err != nil:
			return proxy.Config{}, 0, err
		case revision != 0:
			c.offered = true
			return config, revision, nil
		}
	}
}

// fetch asks once; the revision is 0 when there is nothing new.
func (c *Client) fetch(ctx context.Context, after uint64, limit time.Duration) (proxy.Config, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	seconds := int(min(limit, wait).Seconds())
	res, err := c.do(ctx, http.MethodGet, ConfigurationPath+"?after="+strconv.FormatUint(after, 10)+"&wait="+strconv.Itoa(seconds), nil)
	if err != nil {
		return proxy.Config{}, 0, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNotModified:
		return proxy.Config{}, 0, nil
	case http.StatusOK:
	default:
		return proxy.Config{}, 0, refused(res)
	}
	revision, err := strconv.ParseUint(res.Header.Get(RevisionField), 10, 64)
	if err != nil || revision == 0 {
		return proxy.Config{}, 0, errors.New("control plane: a configuration without a revision")
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, proxy.MaxConfigBytes+1))
	if err != nil {
		return proxy.Config{}, 0, fmt.Errorf("control plane: %w", err)
	}
	if len(text) > proxy.MaxConfigBytes {
		return proxy.Config{}, 0, errors.New("control plane: the configuration is too large")
	}
	config, err := decode(text)
	if err != nil {
		return proxy.Config{}, 0, fmt.Errorf("control plane: %w", err)
	}
	if c.o.File != "" {
		if err := c.keep(ctx, text, revision); err != nil {
			c.o.Log.Error("the configuration could not be kept", "error", err)
		}
	}
	return config, revision, nil
}

// decode reads a configuration. A newer control plane may say more than is known here.
func decode(text []byte) (proxy.Config, error) {
	var config proxy.Config
	err := json.Unmarshal(text, &config)
	return config, err
}

// Report is what a proxy tells the control plane.
type Report struct {
	// Proxy names the proxy; Revision is that of its configuration.
	Proxy    string
	Revision uint64
	// Health is that of targets, by target group and address.
	Health   map[string]map[string]upstream.Health `json:",omitempty"`
	Counters proxy.Counters
	// Records are accounts of requests in the recorder's form, Lost how many were dropped
	// since the last report.
	Records []json.RawMessage `json:",omitempty"`
	Lost    uint64            `json:",omitempty"`
	// Limited are the addresses that rate-based rules limit, by web ACL and rule.
	Limited map[string]map[string][]netip.Addr `json:",omitempty"`
}

// SendActivity sends a batch of what the proxy's recorder made of requests, in its form.
func (c *Client) SendActivity(ctx context.Context, batch []byte) error {
	return c.post(ctx, ActivityPath, batch)
}

// Report sends a report.
func (c *Client) Report(ctx context.Context, r *Report) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return c.post(ctx, ReportPath, body)
}

// post sends JSON that is answered with nothing.
func (c *Client) post(ctx context.Context, path string, body []byte) error {
	res, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return refused(res)
	}
	return nil
}

// do sends a signed request.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	credentials, err := c.o.Credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials for the control plane: %w", err)
	}
	if err := sigv4.Sign(r, body, credentials, sigv4.Scope{Region: c.o.Region, Service: Service}, c.o.Clock.Now()); err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	return res, nil
}

// refused is the error of an answer that is none.
func refused(res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, 512))
	return fmt.Errorf("control plane: status %d: %q", res.StatusCode, cmp.Or(string(text), http.StatusText(res.StatusCode)))
}

var _ proxy.Source = (*Client)(nil)
