package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// compileTLS makes a listener's certificates ready.
func compileTLS(c *Listener, b *balancer, certificates map[string]*tls.Certificate) (*tls.Config, error) {
	if len(c.Certificates) == 0 {
		return nil, errors.New("HTTPS without a certificate")
	}
	choice := certificateChoice{exact: map[string][]*tls.Certificate{}}
	for i, arn := range c.Certificates {
		k := certificates[arn]
		if k == nil {
			return nil, fmt.Errorf("no certificate %q", arn)
		}
		if i == 0 {
			choice.first = k
		}
		names := k.Leaf.DNSNames
		if len(names) == 0 && k.Leaf.Subject.CommonName != "" {
			names = []string{k.Leaf.Subject.CommonName}
		}
		for _, name := range names {
			name = strings.ToLower(name)
			choice.exact[name] = append(choice.exact[name], k)
		}
	}
	config := &tls.Config{GetCertificate: choice.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	switch c.MinTLS {
	case "", "1.2":
	case "1.3":
		config.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("MinTLS %q", c.MinTLS)
	}
	if b.attributes.NoHTTP2 {
		config.NextProtos = []string{"http/1.1"}
	}
	return config, nil
}

// certificateChoice chooses a certificate by the name that the client asks for. Names begin
// with "*." for any label.
type certificateChoice struct {
	first *tls.Certificate
	exact map[string][]*tls.Certificate
}

// get implements tls.Config.GetCertificate. Among those of a name, the first that the
// client can use is taken, then one for any label; else the listener's first.
func (c *certificateChoice) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if k := usable(c.exact[name], hello); k != nil {
		return k, nil
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		if k := usable(c.exact["*"+name[i:]], hello); k != nil {
			return k, nil
		}
	}
	return c.first, nil
}

func usable(all []*tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	for _, k := range all {
		if hello.SupportsCertificate(k) == nil {
			return k
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return nil
}
