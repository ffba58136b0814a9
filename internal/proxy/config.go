package proxy

import "fastness/internal/engine/waf"

// Config is all that a proxy is told: plain data that marshals to JSON. The names and
// ranges are those of elbv2 (Elastic Load Balancing API Reference, version 2015-12-01);
// times are whole seconds, as there. References between its parts are by ARN; any unique
// text would do. A Config is never changed once it was handed over.
type Config struct {
	LoadBalancers []LoadBalancer `json:",omitempty"`
	TargetGroups  []TargetGroup  `json:",omitempty"`
	Certificates  []Certificate  `json:",omitempty"`
	WebACLs       []WebACL       `json:",omitempty"`
	// CookieKeys seal the cookies of stickiness: the first seals, all open. 32 bytes each.
	// Without one every proxy makes its own, and a cookie does not outlive it.
	CookieKeys [][]byte `json:",omitempty"`
	// TokenKeys seal the tokens of challenges and CAPTCHAs: the first seals, all open. 32 bytes each, at
	// most 16. Without one every proxy makes its own, and takes no other's tokens.
	TokenKeys [][]byte `json:",omitempty"`
	// APIKeys are the keys of the CAPTCHA JavaScript API.
	APIKeys []APIKey `json:",omitempty"`
}

// APIKey is a key with which pages ask for puzzles to show.
type APIKey struct {
	// Owner is what WebACL.APIKeys refers to.
	Owner string
	// ID is challenge.APIKeyID of the key.
	ID string
	// Domains are the hosts that it is for, with all that is below them.
	Domains []string
}

// WebACL is the specification of a web ACL, with the sets and rule groups that it refers to.
type WebACL struct {
	ARN  string
	ACL  waf.ACL
	Sets waf.Sets
	// Logging are the logs of the web ACL, one for each destination.
	Logging []Logging `json:",omitempty"`
	// CountSecret is what keys of custom aggregations are hashed under, rate.SecretSize bytes; proxies with
	// the same one can add their counts up. Without one every proxy makes its own.
	CountSecret []byte `json:",omitempty"`
	// APIKeys is the owner of the API keys that its hosts take; empty: they take none.
	APIKeys string `json:",omitempty"`
}

// Certificate is a certificate that listeners present. It holds a private key: a Config is
// a secret.
type Certificate struct {
	ARN string
	// Chain is the certificate and its intermediates, in PEM.
	Chain string
	// Key is the private key in PEM (PKCS #8, SEC 1 or PKCS #1).
	Key string
}

// LoadBalancer is what its listeners have in common.
type LoadBalancer struct {
	ARN string
	// WebACL is the ARN of the web ACL that requests meet; empty for none.
	WebACL     string `json:",omitempty"`
	Attributes Attributes
	Listeners  []Listener
}

// Attributes are the attributes of a load balancer, with AWS's defaults for zero values.
//
// There is no desync mitigation mode: every listener is as strict as AWS's "strictest".
// A request that two servers could read differently has no one meaning that could be
// inspected, so it is never forwarded.
type Attributes struct {
	// IdleTimeoutSeconds (1–4000, 60) bounds how long either side of a request may make no
	// progress.
	IdleTimeoutSeconds int `json:",omitempty"`
	// ClientKeepAliveSeconds (60–604800, 3600) bounds the age of a client's connection: it
	// ends with the answer after that.
	ClientKeepAliveSeconds int `json:",omitempty"`
	// DropInvalidFields removes fields whose names have other bytes than letters, digits
	// and hyphens (routing.http.drop_invalid_header_fields.enabled).
	DropInvalidFields bool `json:",omitempty"`
	// PreserveHost keeps Host as the client sent it. Otherwise the port of the listener is
	// appended unless it is the default one (routing.http.preserve_host_header.enabled).
	PreserveHost bool `json:",omitempty"`
	// ForwardedFor says what becomes of X-Forwarded-For: "append" (default), "preserve" or
	// "remove" (routing.http.xff_header_processing.mode).
	ForwardedFor string `json:",omitempty"`
	// ClientPort adds the client's port to what is appended to X-Forwarded-For.
	ClientPort bool `json:",omitempty"`
	// TLSFields adds X-Amzn-Tls-Version and X-Amzn-Tls-Cipher-Suite.
	TLSFields bool `json:",omitempty"`
	// NoHTTP2 turns HTTP/2 off (routing.http2.enabled = false).
	NoHTTP2 bool `json:",omitempty"`
	// FailOpen forwards requests whose inspection failed (waf.fail_open.enabled). The
	// default refuses them with status 500. Each is counted and logged in both cases.
	FailOpen bool `json:",omitempty"`
	// InspectedBody is how many bytes of a body the web ACL sees (8192–65536, 8192):
	// AssociationConfig's DefaultSizeInspectionLimit. More is held for managed groups alone
	// (Options.HeldBody).
	InspectedBody int `json:",omitempty"`
	// MaxBody is the most bytes that a body may have; 0: any. More is answered with 413.
	MaxBody int64 `json:",omitempty"`
	// Via, if set, is the name under which the proxy adds itself to Via (RFC 9110
	// §7.6.3). AWS's load balancers add none.
	Via string `json:",omitempty"`
}

// Listener takes connections on an address.
type Listener struct {
	ARN string
	// Protocol is "HTTP" or "HTTPS".
	Protocol string
	// Bind is an IP address; Port 1–65535, or 0 for any (tests).
	Bind string
	Port int
	// Certificates are ARNs: the first is presented when no other has the name that the
	// client asks for.
	Certificates []string `json:",omitempty"`
	// MinTLS is "1.2" (default) or "1.3".
	MinTLS string `json:",omitempty"`
	// Rules are tried in order of their priority; Default is taken when none applies.
	Rules   []Rule `json:",omitempty"`
	Default Action
	// ForwardAuth, if set, makes the listener an endpoint that other proxies ask about
	// requests; Rules and Default have no meaning then.
	ForwardAuth *ForwardAuth `json:",omitempty"`
}

// ForwardAuth is what nginx's auth_request, Traefik's ForwardAuth and Caddy's forward_auth
// ask: may this request pass? They describe it in fields of theirs and do not send its body, so
// rules on bodies are not evaluated here; every answer says so.
type ForwardAuth struct {
	// Trusted are the CIDR blocks of the proxies that may ask. Others are refused: anybody
	// could claim to be anybody.
	Trusted []string
}

// Rule is a listener rule: Action is taken when every condition holds.
type Rule struct {
	ARN string
	// Priority (1–50000) is unique in a listener.
	Priority   int
	Conditions []Condition
	Action     Action
}

// Condition holds when one of its values matches. The wildcards * (any number of bytes) and
// ? (exactly one) may stand in Values of all fields but http-request-method and source-ip.
type Condition struct {
	// Field is host-header, path-pattern, http-header, http-request-method, query-string
	// or source-ip. Paths, keys of headers' values excepted, are compared case-sensitively;
	// host-header, http-header and query-string are not.
	Field string
	// Name is the name of the header field, of http-header.
	Name string `json:",omitempty"`
	// Values are patterns, methods or CIDR blocks.
	Values []string `json:",omitempty"`
	// Regex are regular expressions, instead of Values, of host-header, path-pattern and
	// http-header.
	Regex []string `json:",omitempty"`
	// Query are the pairs of query-string.
	Query []Pair `json:",omitempty"`
}

// Pair is a pair of a query string. An empty Key matches any key.
type Pair struct{ Key, Value string }

// Action is what is done with a request. Exactly one member is set.
type Action struct {
	Forward  *Forward       `json:",omitempty"`
	Fixed    *FixedResponse `json:",omitempty"`
	Redirect *Redirect      `json:",omitempty"`
}

// Forward sends requests to target groups, in proportion to their weights.
type Forward struct {
	Groups []WeightedGroup
	// StickinessSeconds (1–604800), if not 0, keeps a client at the group it met first.
	StickinessSeconds int `json:",omitempty"`
}

// WeightedGroup is a target group's ARN and its weight, 0–999.
type WeightedGroup struct {
	Group  string
	Weight int
}

// FixedResponse answers without a target.
type FixedResponse struct {
	// Status is 2XX, 4XX or 5XX.
	Status int
	// ContentType is text/plain, text/css, text/html, application/javascript or
	// application/json.
	ContentType string `json:",omitempty"`
	// Body has at most 1024 bytes.
	Body string `json:",omitempty"`
}

// Redirect sends the client elsewhere. In Host, Path and Query #{host}, #{path} (without
// the leading slash), #{port}, #{protocol} and #{query} stand for the request's; Protocol
// and Port may be #{protocol} and #{port}, and are so when empty.
type Redirect struct {
	// Status is 301 or 302.
	Status   int
	Protocol string `json:",omitempty"`
	Host     string `json:",omitempty"`
	Port     string `json:",omitempty"`
	Path     string `json:",omitempty"`
	Query    string `json:",omitempty"`
}

// TargetGroup is a set of servers that answer alike. Targets are of the type ip.
type TargetGroup struct {
	ARN string
	// Protocol is "HTTP" or "HTTPS", Version "HTTP1" (default), "HTTP2" or "GRPC".
	Protocol string
	Version  string `json:",omitempty"`
	Targets  []Target
	Health   HealthCheck
	// DeregistrationDelaySeconds (0–3600) is how long a target that was taken out may
	// finish what it answers.
	DeregistrationDelaySeconds int
	// SlowStartSeconds (0, 30–900) is the time in which a new target's share grows.
	SlowStartSeconds int `json:",omitempty"`
	// Algorithm is "round_robin" (default), "least_outstanding_requests" or
	// "weighted_random".
	Algorithm string `json:",omitempty"`
	// Stickiness keeps a client at the target it met first; nil: off.
	Stickiness *Stickiness `json:",omitempty"`
	// VerifyTLS, if set, verifies the certificates of HTTPS targets. AWS's load balancers
	// do not.
	VerifyTLS *VerifyTLS `json:",omitempty"`
}

// Target is an address. Draining is set while it is deregistered and has not finished.
type Target struct {
	IP       string
	Port     int
	Draining bool `json:",omitempty"`
}

// Stickiness is the stickiness of a target group.
type Stickiness struct {
	// Seconds (1–604800) is how long it lasts.
	Seconds int
	// Cookie is the application's cookie whose presence in an answer begins it; empty: the
	// load balancer's own cookie, from the first answer on.
	Cookie string `json:",omitempty"`
}

// VerifyTLS says how to verify a target's certificate.
type VerifyTLS struct {
	// Name is what the certificate must be for.
	Name string
	// Roots are trusted, in PEM; empty: those of the system.
	Roots string `json:",omitempty"`
}

// HealthCheck says when a target is healthy.
type HealthCheck struct {
	// Off: targets are always taken for healthy.
	Off bool `json:",omitempty"`
	// Protocol is "HTTP" or "HTTPS"; empty: that of the group.
	Protocol string `json:",omitempty"`
	// Port is 1–65535, or 0 for the target's own.
	Port int `json:",omitempty"`
	// Path is that of the request; "/" when empty, "/AWS.ALB/healthcheck" for GRPC.
	Path string `json:",omitempty"`
	// IntervalSeconds (5–300, 30) and TimeoutSeconds (2–120, 5).
	IntervalSeconds int `json:",omitempty"`
	TimeoutSeconds  int `json:",omitempty"`
	// Healthy (2–10, 5) and Unhealthy (2–10, 2) are how many checks in a row change
	// the state.
	Healthy   int `json:",omitempty"`
	Unhealthy int `json:",omitempty"`
	// Matcher is what a healthy target answers: status codes 200–499 ("200,301-302";
	// default 200), or gRPC codes 0–99 (default 12).
	Matcher string `json:",omitempty"`
}
