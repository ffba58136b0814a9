package secretsagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client asks a running agent, this one or AWS's.
type Client struct {
	base   *url.URL
	token  string
	client *http.Client
}

var _ Source = (*Client)(nil)

// NewClient makes a client of the agent at base, as http://127.0.0.1:2773. The host is
// a loopback address or localhost: what is asked for travels in plain text.
func NewClient(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("secretsagent: the agent's address is not of the form http://127.0.0.1:2773")
	}
	if host, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "localhost" && (err != nil || !host.IsLoopback()) {
		return nil, errors.New("secretsagent: the agent's address is not of this machine")
	}
	if token == "" {
		return nil, errors.New("secretsagent: no token for the agent")
	}
	u.Path = ""
	return &Client{u, token, &http.Client{
		Timeout: maxUpstreamTime + 5*time.Second,
		// No proxy, and no redirect: the token is for the agent only.
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxConnsPerHost:        4,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Secret asks the agent for a secret.
func (c *Client) Secret(ctx context.Context, q SecretQuery) (*Secret, error) {
	v := url.Values{"secretId": {q.ID}}
	if q.VersionID != "" {
		v.Set("versionId", q.VersionID)
	}
	if q.VersionStage != "" {
		v.Set("versionStage", q.VersionStage)
	}
	var out struct {
		ARN, Name    *string
		VersionID    *string `json:"VersionId"`
		SecretString *string
		SecretBinary []byte
		Stages       []string `json:"VersionStages"`
	}
	if err := c.get(ctx, pathSecret, v, &out); err != nil {
		return nil, err
	}
	if out.SecretString == nil && out.SecretBinary == nil {
		return nil, errors.New("the agent's answer has no value")
	}
	return &Secret{
		ARN: deref(out.ARN), Name: deref(out.Name), VersionID: deref(out.VersionID),
		String: out.SecretString, Binary: out.SecretBinary, VersionStages: out.Stages,
	}, nil
}

// Parameter asks the agent for a parameter.
func (c *Client) Parameter(ctx context.Context, q ParameterQuery) (*Parameter, error) {
	v := url.Values{"name": {q.Name}, "withDecryption": {strconv.FormatBool(q.Decrypt)}}
	if _, err := strconv.ParseInt(q.Selector, 10, 64); err == nil {
		v.Set("version", q.Selector)
	} else if q.Selector != "" {
		v.Set("label", q.Selector)
	}
	var out struct {
		Parameter *struct {
			ARN, DataType, Name, Selector, SourceResult, Type, Value *string
			Version                                                  int64
		}
	}
	if err := c.get(ctx, pathParameter, v, &out); err != nil {
		return nil, err
	}
	p := out.Parameter
	if p == nil || p.Value == nil {
		return nil, errors.New("the agent's answer has no value")
	}
	return &Parameter{
		ARN: deref(p.ARN), DataType: deref(p.DataType), Name: deref(p.Name), Selector: deref(p.Selector),
		SourceResult: deref(p.SourceResult), Type: deref(p.Type), Value: *p.Value, Version: p.Version,
	}, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// get asks for a path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	u := *c.base
	u.Path, u.RawQuery = path, query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Aws-Parameters-Secrets-Token", c.token)
	res, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("asking the agent: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxUpstreamBytes+1))
	defer clear(body)
	if err != nil {
		return fmt.Errorf("asking the agent: %w", err)
	}
	if len(body) > maxUpstreamBytes {
		return fmt.Errorf("the agent's answer is longer than %d bytes", maxUpstreamBytes)
	}
	if res.StatusCode != http.StatusOK {
		return agentFailure(res.StatusCode, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		// The error of the decoder may quote the answer.
		return errors.New("the agent's answer cannot be read")
	}
	return nil
}

// agentFailure is the error of an agent's answer.
func agentFailure(status int, body []byte) error {
	var known struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &known); err == nil && known.Type != "" {
		return &Failure{Class: Failed, Status: status, Code: known.Type, Message: known.Message}
	}
	return &Failure{Class: Failed, Status: status, Code: http.StatusText(status), Message: "the agent says: " + printable(body)}
}

// printable is the beginning of a text that is short and for people.
func printable(body []byte) string {
	const most = 120
	s := strings.ToValidUTF8(string(body[:min(len(body), most)]), "")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
