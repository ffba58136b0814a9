package proxy

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"fastness/internal/proxy/upstream"
)

// state is a configuration made ready. It is immutable but for what its groups do.
type state struct {
	listeners map[string]*listenerState // by listener key
	groups    map[string]*group
	acls      map[string]*compiledACL
	cookies   *sealer
}

// compiledACL is a web ACL's program, which is kept as long as the specification is the same.
type compiledACL struct {
	spec      []byte
	inspector Inspector
}

// balancer is a load balancer made ready.
type balancer struct {
	arn        string
	attributes Attributes // with defaults
	idle       time.Duration
	keepAlive  time.Duration
	inspector  Inspector // nil: none
	webACL     string    // its ARN
	apiKeys    map[string][]string
}

// listenerState is a listener made ready.
type listenerState struct {
	arn, key    string
	bind        string
	balancer    *balancer
	secure      bool
	port        string
	defaultPort bool
	tls         *tls.Config // nil unless secure
	rules       []rule
	otherwise   action
	cookies     *sealer
	auth        *forwardAuth // nil: forwards
}

// group is a target group made ready.
type group struct {
	arn    string
	config upstream.Config
	verify *VerifyTLS
	up     *upstream.Group // set when the state is put to work
	http2  bool
	grpc   bool
	scheme string
	sticky *Stickiness
}

func between(name string, v, least, most int) error {
	if v < least || v > most {
		return fmt.Errorf("%s is %d, not %d to %d", name, v, least, most)
	}
	return nil
}

// compile makes a configuration ready. Programs and groups of old, which may be nil, are
// used again where nothing changed. Nothing is put to work yet.
func (p *Proxy) compile(c *Config, old *state) (*state, error) {
	s := &state{listeners: map[string]*listenerState{}, groups: map[string]*group{}, acls: map[string]*compiledACL{}}
	var err error
	if s.cookies, err = newSealer(c.CookieKeys, p.ownCookieKey); err != nil {
		return nil, err
	}
	for i := range c.TargetGroups {
		g, err := compileGroup(&c.TargetGroups[i], old)
		if err != nil {
			return nil, fmt.Errorf("target group %s: %w", c.TargetGroups[i].ARN, err)
		}
		if s.groups[g.arn] != nil {
			return nil, fmt.Errorf("target group %s is there twice", g.arn)
		}
		s.groups[g.arn] = g
	}
	certificates := map[string]*tls.Certificate{}
	for i := range c.Certificates {
		k := &c.Certificates[i]
		certificate, err := tls.X509KeyPair([]byte(k.Chain), []byte(k.Key))
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", k.ARN, err)
		}
		certificates[k.ARN] = &certificate
	}
	for i := range c.LoadBalancers {
		if err := p.compileBalancer(s, c, &c.LoadBalancers[i], certificates, old); err != nil {
			return nil, fmt.Errorf("load balancer %s: %w", c.LoadBalancers[i].ARN, err)
		}
	}
	return s, nil
}

// acl returns the program of a web ACL.
func (p *Proxy) acl(s *state, c *Config, arn string, old *state) (Inspector, error) {
	if a := s.acls[arn]; a != nil {
		return a.inspector, nil
	}
	i := slices.IndexFunc(c.WebACLs, func(w WebACL) bool { return w.ARN == arn })
	if i < 0 {
		return nil, fmt.Errorf("no web ACL %q", arn)
	}
	w := &c.WebACLs[i]
	spec, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("web ACL %s: %w", arn, err)
	}
	var previous Inspector
	if old != nil {
		if a := old.acls[arn]; a != nil {
			if bytes.Equal(a.spec, spec) {
				s.acls[arn] = a
				return a.inspector, nil
			}
			previous = a.inspector
		}
	}
	if p.options.Compile == nil {
		return nil, errors.New("web ACLs cannot be compiled here")
	}
	inspector, err := p.options.Compile(w, previous)
	if err != nil {
		return nil, fmt.Errorf("web ACL %s: %w", arn, err)
	}
	s.acls[arn] = &compiledACL{spec, inspector}
	return inspector, nil
}

// apiKeysOf are the domains of the API keys that the hosts of a web ACL take, by their IDs.
func (c *Config) apiKeysOf(webACL string) map[string][]string {
	i := slices.IndexFunc(c.WebACLs, func(w WebACL) bool { return w.ARN == webACL })
	if i < 0 || c.WebACLs[i].APIKeys == "" {
		return nil
	}
	keys := map[string][]string{}
	for _, k := range c.APIKeys {
		if k.Owner == c.WebACLs[i].APIKeys {
			keys[k.ID] = k.Domains
		}
	}
	return keys
}

func (p *Proxy) compileBalancer(s *state, c *Config, lb *LoadBalancer, certificates map[string]*tls.Certificate, old *state) error {
	b := &balancer{arn: lb.ARN, attributes: lb.Attributes}
	a := &b.attributes
	a.IdleTimeoutSeconds = cmp.Or(a.IdleTimeoutSeconds, 60)
	a.ClientKeepAliveSeconds = cmp.Or(a.ClientKeepAliveSeconds, 3600)
	a.InspectedBody = cmp.Or(a.InspectedBody, 8<<10)
	err := errors.Join(
		between("IdleTimeoutSeconds", a.IdleTimeoutSeconds, 1, 4000),
		between("ClientKeepAliveSeconds", a.ClientKeepAliveSeconds, 60, 604800),
		between("InspectedBody", a.InspectedBody, 8<<10, 64<<10))
	if !slices.Contains([]string{"", "append", "preserve", "remove"}, a.ForwardedFor) {
		err = errors.Join(err, errors.New("ForwardedFor is append, preserve or remove"))
	}
	if err != nil {
		return err
	}
	b.idle = time.Duration(a.IdleTimeoutSeconds) * time.Second
	b.keepAlive = time.Duration(a.ClientKeepAliveSeconds) * time.Second
	if lb.WebACL != "" {
		b.webACL = lb.WebACL
		if b.inspector, err = p.acl(s, c, lb.WebACL, old); err != nil {
			return err
		}
		b.apiKeys = c.apiKeysOf(lb.WebACL)
	}
	for i := range lb.Listeners {
		l, err := compileListener(&lb.Listeners[i], b, s, certificates)
		if err != nil {
			return fmt.Errorf("listener %s: %w", lb.Listeners[i].ARN, err)
		}
		if s.listeners[l.key] != nil {
			return fmt.Errorf("listener %s: %s is taken by another one", l.arn, l.key)
		}
		s.listeners[l.key] = l
	}
	return nil
}

func compileListener(c *Listener, b *balancer, s *state, certificates map[string]*tls.Certificate) (*listenerState, error) {
	addr, err := netip.ParseAddr(c.Bind)
	if err != nil {
		return nil, fmt.Errorf("bind address %q: %w", c.Bind, err)
	}
	if err := between("Port", c.Port, 0, 65535); err != nil {
		return nil, err
	}
	l := &listenerState{arn: c.ARN, balancer: b, port: strconv.Itoa(c.Port), cookies: s.cookies}
	l.bind = netip.AddrPortFrom(addr, uint16(c.Port)).String()
	if l.key = l.bind; c.Port == 0 {
		l.key = c.ARN
	}
	switch c.Protocol {
	case "HTTP":
		l.defaultPort = c.Port == 80
	case "HTTPS":
		l.secure, l.defaultPort = true, c.Port == 443
		if l.tls, err = compileTLS(c, b, certificates); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("protocol %q", c.Protocol)
	}
	if c.ForwardAuth != nil {
		l.auth = &forwardAuth{}
		for _, block := range c.ForwardAuth.Trusted {
			p, err := netip.ParsePrefix(block)
			if err != nil {
				return nil, fmt.Errorf("ForwardAuth: %w", err)
			}
			l.auth.trusted = append(l.auth.trusted, p.Masked())
		}
		return l, nil
	}
	if l.otherwise, err = compileAction(&c.Default, s.groups); err != nil {
		return nil, err
	}
	rules := slices.Clone(c.Rules)
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	for i := range rules {
		if i > 0 && rules[i].Priority == rules[i-1].Priority {
			return nil, fmt.Errorf("two rules of priority %d", rules[i].Priority)
		}
		k, err := compileRule(&rules[i], s)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", rules[i].ARN, err)
		}
		l.rules = append(l.rules, k)
	}
	return l, nil
}

func compileRule(c *Rule, s *state) (rule, error) {
	k := rule{arn: c.ARN}
	for i := range c.Conditions {
		condition, err := compileCondition(&c.Conditions[i])
		if err != nil {
			return k, err
		}
		k.conditions = append(k.conditions, condition)
	}
	var err error
	k.action, err = compileAction(&c.Action, s.groups)
	return k, err
}

func compileGroup(c *TargetGroup, old *state) (*group, error) {
	g := &group{arn: c.ARN, sticky: c.Stickiness, verify: c.VerifyTLS, scheme: "http"}
	switch c.Version {
	case "", "HTTP1":
	case "HTTP2":
		g.http2 = true
	case "GRPC":
		g.http2, g.grpc = true, true
	default:
		return nil, fmt.Errorf("protocol version %q", c.Version)
	}
	u := &g.config
	u.HTTP2, u.GRPC = g.http2, g.grpc
	switch c.Protocol {
	case "HTTP":
	case "HTTPS":
		g.scheme = "https"
		var err error
		if u.TLS, err = targetTLS(g, old); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("protocol %q", c.Protocol)
	}
	for _, t := range c.Targets {
		addr, err := netip.ParseAddr(t.IP)
		if err == nil {
			err = between("Port", t.Port, 1, 65535)
		}
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.IP, err)
		}
		address := netip.AddrPortFrom(addr, uint16(t.Port)).String()
		if slices.ContainsFunc(u.Targets, func(a upstream.Address) bool { return a.Addr == address }) {
			return nil, fmt.Errorf("target %s is there twice", address)
		}
		u.Targets = append(u.Targets, upstream.Address{Addr: address, Draining: t.Draining})
	}
	switch c.Algorithm {
	case "", "round_robin":
	case "least_outstanding_requests":
		u.Choice = upstream.LeastOutstanding
	case "weighted_random":
		u.Choice = upstream.Random
	default:
		return nil, fmt.Errorf("algorithm %q", c.Algorithm)
	}
	u.SlowStart = time.Duration(c.SlowStartSeconds) * time.Second
	u.Deregistration = time.Duration(c.DeregistrationDelaySeconds) * time.Second
	var err error
	u.Check, err = compileCheck(c)
	return g, errors.Join(err, between("SlowStartSeconds", c.SlowStartSeconds, 0, 900),
		between("DeregistrationDelaySeconds", c.DeregistrationDelaySeconds, 0, 3600))
}

// targetTLS is how to speak TLS to the targets; the old value if nothing changed, by which
// connections are known to be as good as before.
func targetTLS(g *group, old *state) (*tls.Config, error) {
	if old != nil {
		if before := old.groups[g.arn]; before != nil && before.config.TLS != nil &&
			(g.verify == nil) == (before.verify == nil) && (g.verify == nil || *g.verify == *before.verify) {
			return before.config.TLS, nil
		}
	}
	if g.verify == nil {
		return upstream.Insecure(), nil
	}
	return upstream.Verified(g.verify.Name, g.verify.Roots)
}

func compileCheck(c *TargetGroup) (upstream.Check, error) {
	h := &c.Health
	k := upstream.Check{
		Off: h.Off, Port: h.Port, Plain: h.Protocol == "HTTP", Secure: h.Protocol == "HTTPS",
		Path: cmp.Or(h.Path, "/"), Healthy: cmp.Or(h.Healthy, 5), Unhealthy: cmp.Or(h.Unhealthy, 2),
	}
	interval, timeout := cmp.Or(h.IntervalSeconds, 30), cmp.Or(h.TimeoutSeconds, 5)
	k.Interval, k.Timeout = time.Duration(interval)*time.Second, time.Duration(timeout)*time.Second
	matcher, least, most := cmp.Or(h.Matcher, "200"), 200, 499
	if c.Version == "GRPC" {
		k.Path = cmp.Or(h.Path, "/AWS.ALB/healthcheck")
		matcher, least, most = cmp.Or(h.Matcher, "12"), 0, 99
	}
	var err error
	if k.Matcher, err = upstream.ParseMatcher(matcher, least, most); err != nil {
		return k, err
	}
	if k.Path[0] != '/' || len(k.Path) > 1024 || hasSpaceOrControl(k.Path) {
		return k, errors.New("the path of health checks is no path")
	}
	return k, errors.Join(
		between("IntervalSeconds", interval, 5, 300), between("TimeoutSeconds", timeout, 2, 120),
		between("Healthy", k.Healthy, 2, 10), between("Unhealthy", k.Unhealthy, 2, 10), between("Port", h.Port, 0, 65535))
}

func hasSpaceOrControl(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
