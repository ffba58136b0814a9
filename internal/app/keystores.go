package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"fastness/internal/arn"
	"fastness/internal/service/kms"
)

// KeyStoreSettings are an operator's settings about external key stores, as text.
type KeyStoreSettings struct {
	// CA is a file of the authorities (PEM) of the proxies' certificates; empty means
	// the machine's.
	CA string
	// Cert and Key are files (PEM) of the certificate that we show to the proxies.
	Cert, Key string
	// Proxies are hosts that may be reached wherever they are, separated by commas:
	// "host", "host=address:port", or "host=http://127.0.0.1:port" for plain HTTP on the
	// loopback.
	Proxies string
	// EndpointServices are VPC endpoint services, separated by commas:
	// "com.amazonaws.vpce.REGION.NAME=ACCOUNT/DNSNAME" or the same with "@address:port".
	EndpointServices string
}

// KeyStores reads the settings.
func (s KeyStoreSettings) KeyStores() (e kms.ExternalKeyStores, err error) {
	if s.CA != "" || s.Cert != "" || s.Key != "" {
		e.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if s.CA != "" {
		if e.TLS.RootCAs, err = ReadAuthorities(s.CA); err != nil {
			return e, fmt.Errorf("app: authorities of key store proxies: %w", err)
		}
	}
	if s.Cert != "" || s.Key != "" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return e, fmt.Errorf("app: certificate for key store proxies: %w", err)
		}
		e.TLS.Certificates = []tls.Certificate{pair}
	}
	if e.Proxies, err = parseProxies(s.Proxies); err != nil {
		return e, err
	}
	e.EndpointServices, err = parseEndpointServices(s.EndpointServices)
	return e, err
}

// ReadAuthorities reads certificates (PEM) from a file.
func ReadAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return pool, nil
}

func parseProxies(text string) (map[string]kms.ProxyRoute, error) {
	proxies := make(map[string]kms.ProxyRoute)
	for _, item := range items(text) {
		host, to, _ := strings.Cut(item, "=")
		if host == "" || strings.ContainsAny(host, "/:") {
			return nil, fmt.Errorf("app: key store proxy %q: expected host, host=address:port or host=http://127.0.0.1:port", item)
		}
		var r kms.ProxyRoute
		r.Address, r.Plain = strings.CutPrefix(to, "http://")
		proxies[strings.ToLower(host)] = r
	}
	return proxies, nil
}

var errEndpointService = errors.New("expected com.amazonaws.vpce.REGION.NAME=ACCOUNT/DNSNAME[@address:port]")

func parseEndpointServices(text string) (map[string]kms.EndpointService, error) {
	services := make(map[string]kms.EndpointService)
	for _, item := range items(text) {
		name, rest, _ := strings.Cut(item, "=")
		owner, at, _ := strings.Cut(rest, "/")
		host, address, _ := strings.Cut(at, "@")
		if name == "" || host == "" || !arn.IsAccountID(owner) {
			return nil, fmt.Errorf("app: endpoint service %q: %w", item, errEndpointService)
		}
		s := kms.EndpointService{Owner: owner, DNSName: strings.ToLower(host)}
		s.Address, s.Plain = strings.CutPrefix(address, "http://")
		services[name] = s
	}
	return services, nil
}

// items are the parts of a list with commas.
func items(text string) []string {
	var all []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// ownAddresses are what the server listens on. A port that the system chooses is never
// the one at which strangers' proxies are reached.
func ownAddresses(listen string) []netip.AddrPort {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil // Listen will say so
	}
	if host == "" {
		host = netip.IPv6Unspecified().String()
	}
	addresses := []string{host}
	if _, err := netip.ParseAddr(host); err != nil {
		if addresses, err = net.LookupHost(host); err != nil {
			return nil
		}
	}
	var own []netip.AddrPort
	for _, a := range addresses {
		if at, err := netip.ParseAddrPort(net.JoinHostPort(a, port)); err == nil {
			own = append(own, at)
		}
	}
	return own
}
