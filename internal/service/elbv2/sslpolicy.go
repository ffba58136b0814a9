package elbv2

import (
	"context"
	"crypto/tls"
	"slices"

	"fastness/internal/api/elbv2api"
)

// defaultPolicy is that of a listener for which none is named (Elastic Load Balancing API
// reference, CreateListener).
const defaultPolicy = "ELBSecurityPolicy-2016-08"

// policies are AWS's security policies and the oldest version of TLS that listeners here speak under
// them. AWS's older policies allow TLS 1.0 and 1.1; listeners here do not.
var policies = []struct {
	name   string
	oldest uint16
}{
	{"ELBSecurityPolicy-2016-08", tls.VersionTLS12},
	{"ELBSecurityPolicy-FS-1-2-2019-08", tls.VersionTLS12},
	{"ELBSecurityPolicy-FS-1-2-Res-2019-08", tls.VersionTLS12},
	{"ELBSecurityPolicy-FS-1-2-Res-2020-10", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", tls.VersionTLS12},
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", tls.VersionTLS13},
}

// oldestOf is the oldest version of TLS under a policy, 0 if there is no policy of the name.
func oldestOf(name string) uint16 {
	for _, p := range policies {
		if p.name == name {
			return p.oldest
		}
	}
	return 0
}

// cipherNames are OpenSSL's names of the cipher suites that listeners offer, which AWS uses, in the
// order of preference.
var cipherNames = []struct {
	suite uint16
	name  string
}{
	{tls.TLS_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"},
	{tls.TLS_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"},
	{tls.TLS_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"},
}

// describePolicy is a policy as answers show it: what a listener here does under it.
func describePolicy(name string, oldest uint16) elbv2api.SslPolicy {
	p := elbv2api.SslPolicy{Name: &name, SslProtocols: []string{"TLSv1.3"}, SupportedLoadBalancerTypes: []string{"application"}}
	if oldest <= tls.VersionTLS12 {
		p.SslProtocols = []string{"TLSv1.2", "TLSv1.3"}
	}
	for _, suite := range tls.CipherSuites() {
		if !slices.ContainsFunc(suite.SupportedVersions, func(v uint16) bool { return v >= oldest }) {
			continue
		}
		for _, c := range cipherNames {
			if c.suite == suite.ID {
				p.Ciphers = append(p.Ciphers, elbv2api.Cipher{Name: new(c.name), Priority: new(int32(len(p.Ciphers) + 1))})
			}
		}
	}
	return p
}

// DescribeSSLPolicies implements the operation of that name.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elbv2api.DescribeSSLPoliciesInput) (*elbv2api.DescribeSSLPoliciesOutput, error) {
	out := &elbv2api.DescribeSSLPoliciesOutput{SslPolicies: []elbv2api.SslPolicy{}}
	if t := value(in.LoadBalancerType); t != "" && t != elbv2api.LoadBalancerTypeEnumApplication {
		return out, nil
	}
	for _, n := range in.Names {
		if oldestOf(n) == 0 {
			return nil, noPolicy(n)
		}
	}
	for _, p := range policies {
		if len(in.Names) == 0 || slices.Contains(in.Names, p.name) {
			out.SslPolicies = append(out.SslPolicies, describePolicy(p.name, p.oldest))
		}
	}
	return out, nil
}

func noPolicy(name string) error {
	return &elbv2api.SSLPolicyNotFoundException{Message: new("SSL policy '" + name + "' not found")}
}
