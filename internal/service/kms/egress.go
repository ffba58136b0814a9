package kms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"fastness/internal/engine/xks"
	"fastness/internal/sigv4"
)

// ExternalKeyStores is what an operator decides about external key stores. Callers of
// the API choose the host of a proxy, and this server connects to it: so a host that
// is not listed here is reached at public addresses on port 443 only, never at
// loopback, link-local, private or our own ones.
type ExternalKeyStores struct {
	// TLS has the authorities of the proxies' certificates and, for mutual TLS, our
	// certificate; nil means the machine's authorities.
	TLS *tls.Config
	// Proxies are hosts that may be reached wherever they are, by host name in lower
	// case.
	Proxies map[string]ProxyRoute
	// EndpointServices stand for VPC endpoint services, by name
	// ("com.amazonaws.vpce.us-east-1.vpce-svc-…"). Key stores with
	// VPC_ENDPOINT_SERVICE connectivity name one.
	EndpointServices map[string]EndpointService
	// Own are addresses that this server listens on. They are refused as if they were
	// private.
	Own []netip.AddrPort
	// Timeout bounds a call to a proxy; zero means xks.CallTimeout (250 ms).
	Timeout time.Duration
	// HealthInterval is the time between two health checks of a connected store; zero
	// means a minute.
	HealthInterval time.Duration
}

// ProxyRoute says how to reach a proxy.
type ProxyRoute struct {
	// Address is the host and port to connect to; empty means the proxy's own name on
	// port 443.
	Address string
	// Plain leaves TLS out. Address must then be a loopback address.
	Plain bool
}

// EndpointService is a private way to a proxy.
type EndpointService struct {
	// Owner is the account that offers it.
	Owner string
	// DNSName is its private DNS name: the host of XksProxyUriEndpoint.
	DNSName string
	ProxyRoute
}

// check refuses a configuration that would send secrets in the clear over a network.
func (e *ExternalKeyStores) check() error {
	for name, r := range e.Proxies {
		if err := r.check(); err != nil {
			return fmt.Errorf("kms: external key store proxy %s: %w", name, err)
		}
	}
	for name, s := range e.EndpointServices {
		if err := s.check(); err != nil {
			return fmt.Errorf("kms: endpoint service %s: %w", name, err)
		}
	}
	return nil
}

func (r ProxyRoute) check() error {
	if r.Address != "" {
		if _, _, err := net.SplitHostPort(r.Address); err != nil {
			return err
		}
	}
	if !r.Plain {
		return nil
	}
	at, err := netip.ParseAddrPort(r.Address)
	if err != nil || !at.Addr().IsLoopback() {
		return errors.New("plain HTTP is for loopback addresses only")
	}
	return nil
}

// route is how to reach the proxy of a key store. listed tells that the operator
// named it.
func (e *ExternalKeyStores) route(p *proxyRecord) (r ProxyRoute, listed bool) {
	if p.private() {
		service, ok := e.EndpointServices[p.Service]
		return service.ProxyRoute, ok
	}
	r, listed = e.Proxies[p.host()]
	return r, listed
}

// client makes a client for a proxy. It does not connect.
func (e *ExternalKeyStores) client(p *proxyRecord, region, secret string, now func() time.Time) (*xks.Client, error) {
	r, listed := e.route(p)
	scheme := "https://"
	if r.Plain {
		scheme = "http://"
	}
	dialer := &net.Dialer{KeepAlive: 15 * time.Second}
	if !listed {
		dialer.Control = e.refusePrivate
	}
	return xks.NewClient(xks.ClientConfig{
		Endpoint: scheme + p.host(), Path: p.Path, AllowPlain: r.Plain, TLS: e.TLS, Timeout: e.Timeout, Now: now,
		Credential: xks.Credential{AccessKeyID: p.AccessKeyID, SecretAccessKey: secret},
		Sign:       signFor(region),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if r.Address != "" {
				address = r.Address
			}
			return dialer.DialContext(ctx, network, address)
		},
	})
}

// signFor signs requests to a proxy for a Region.
func signFor(region string) xks.SignFunc {
	return func(r *http.Request, body []byte, c xks.Credential, at time.Time) error {
		secret := []byte(c.SecretAccessKey)
		defer clear(secret)
		return sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: c.AccessKeyID, Secret: secret},
			sigv4.Scope{Region: region, Service: xks.ServiceName}, at)
	}
}

var errPrivateAddress = errors.New("the address is not a public one and the operator has not allowed it")

// refusePrivate sees the address that a name resolved to, just before the connection
// is made: a check of the name alone would miss a name that changes its mind.
func (e *ExternalKeyStores) refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !publicAddress(at.Addr()) {
		return errPrivateAddress
	}
	for _, own := range e.Own {
		if own.Port() == at.Port() && (own.Addr().Unmap() == at.Addr().Unmap() || own.Addr().IsUnspecified() && isLocal(at.Addr())) {
			return errPrivateAddress
		}
	}
	return nil
}

// notPublic are the ranges that IANA's special-purpose registries do not call
// globally reachable, and those that embed an IPv4 address.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func publicAddress(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// isLocal tells whether an address is one of this machine's. If that cannot be found
// out, it counts as one.
func isLocal(a netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, i := range addresses {
		if p, err := netip.ParsePrefix(i.String()); err == nil && p.Addr().Unmap() == a.Unmap() {
			return true
		}
	}
	return false
}

// host is the proxy's name, in lower case.
func (p *proxyRecord) host() string {
	return strings.ToLower(strings.TrimPrefix(p.Endpoint, "https://"))
}
