package xksproxy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fastness/internal/engine/xks"
)

// Rules is the secondary authorization of a prefix: what the calling key service must
// say of the call it works for. An empty list allows every value; a pattern that ends
// in * allows every value that begins with the rest.
type Rules struct {
	// Principals are ARNs of whom the key service works for (awsPrincipalArn).
	Principals []string `json:"principals,omitempty"`
	// KMSKeys are ARNs of the key service's keys (kmsKeyArn). The key service does not
	// say it of GetKeyMetadata.
	KMSKeys []string `json:"kmsKeys,omitempty"`
	// Operations of the key service (kmsOperation): "Encrypt", "CreateKey" ….
	Operations []string `json:"operations,omitempty"`
	// ViaServices are the services that called the key service (kmsViaService); with
	// a list, calls that came through none are refused.
	ViaServices []string `json:"viaServices,omitempty"`
}

var errNotAllowed = errors.New("xksproxy: the prefix's rules do not allow the call")

func (r *Rules) allow(c *xks.Call) error {
	m := &c.Metadata
	if allows(r.Principals, m.AWSPrincipalARN) && allows(r.Operations, m.KMSOperation) && allows(r.ViaServices, m.KMSViaService) &&
		(c.Op == xks.OpGetKeyMetadata && m.KMSKeyARN == "" || allows(r.KMSKeys, m.KMSKeyARN)) {
		return nil
	}
	return errNotAllowed
}

func allows(patterns []string, value string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		if start, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(value, start)
		}
		return p == value
	})
}

// authorize applies the rules and writes the call down before it is carried out.
func (s *Service) authorize(ctx context.Context, p *prefixRecord, c *xks.Call) error {
	if err := p.Rules.allow(c); err != nil {
		return err
	}
	return s.record(ctx, p, c, "")
}
