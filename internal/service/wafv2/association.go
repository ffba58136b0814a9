package wafv2

import (
	"context"
	"strings"

	"fastness/internal/api/wafv2api"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// protectable is a kind of resource that a web ACL can protect.
type protectable struct {
	kind wafv2api.ResourceType
	// shape is how the resource part of its ARN is made; {} is one part.
	service string
	shape   []string
	// ownerless ARNs have no account.
	ownerless bool
	// associate and disassociate are the permissions of the other service that a caller needs (AWS WAF
	// Developer Guide, "Permissions for AssociateWebACL" and "… DisassociateWebACL").
	associate, disassociate string
}

var protectables = []protectable{
	{wafv2api.ResourceTypeApplicationLoadBalancer, "elasticloadbalancing", []string{"loadbalancer", "app", "{}", "{}"}, false, "elasticloadbalancing:SetWebACL", "elasticloadbalancing:SetWebACL"},
	{wafv2api.ResourceTypeAPIGateway, "apigateway", []string{"", "restapis", "{}", "stages", "{}"}, true, "apigateway:SetWebACL", "apigateway:SetWebACL"},
	{wafv2api.ResourceTypeAppsync, "appsync", []string{"apis", "{}"}, false, "appsync:SetWebACL", "appsync:SetWebACL"},
	{wafv2api.ResourceTypeCognitoUserPool, "cognito-idp", []string{"userpool", "{}"}, false, "cognito-idp:AssociateWebACL", "cognito-idp:DisassociateWebACL"},
	{wafv2api.ResourceTypeAppRunnerService, "apprunner", []string{"service", "{}", "{}"}, false, "apprunner:AssociateWebAcl", "apprunner:DisassociateWebAcl"},
	{wafv2api.ResourceTypeVerifiedAccessInstance, "ec2", []string{"verified-access-instance", "{}"}, false, "ec2:AssociateVerifiedAccessInstanceWebAcl", "ec2:DisassociateVerifiedAccessInstanceWebAcl"},
	{wafv2api.ResourceTypeAmplify, "amplify", []string{"apps", "{}"}, false, "amplify:AssociateWebACL", "amplify:DisassociateWebACL"},
}

// protectableOf reads the ARN of a resource of the caller's account and Region.
func protectableOf(c *call.Call, text string) (*protectable, error) {
	bad := invalid(wafv2api.ParameterExceptionFieldResourceARN, text, reasonARN)
	a, err := arn.Parse(text)
	if err != nil || a.Partition != call.Partition || a.Region != c.Region {
		return nil, bad
	}
	names := strings.Split(a.Resource, "/")
	for i := range protectables {
		p := &protectables[i]
		if p.service != a.Service || len(names) != len(p.shape) || p.ownerless != (a.Account == "") {
			continue
		}
		matches := true
		for j, want := range p.shape {
			matches = matches && (want == "{}" && names[j] != "" || want == names[j])
		}
		switch {
		case !matches:
		case !p.ownerless && a.Account != c.Account:
			return nil, nonexistent()
		default:
			return p, nil
		}
	}
	return nil, bad
}

// resourceAccess is the access of one action to a resource of another service.
func (s *Service) resourceAccess(r store.Reader, c *call.Call, action, text string) (call.Access, error) {
	_, tags, err := s.resources.WebACLResource(r, text)
	return call.Access{Action: action, Resource: text, Account: c.Account, ResourceTags: tags}, err
}

func (s *Service) resolveAssociate(r store.Reader, c *call.Call, in *wafv2api.AssociateWebACLRequest) ([]call.Access, error) {
	accesses, err := s.resolveARN(r, c, value(in.WebACLArn), kindWebACL)
	if err != nil {
		return nil, err
	}
	if n := c.Resolved.(*target).name; n.scope != wafv2api.ScopeRegional {
		// Distributions name their web ACL themselves.
		return nil, invalid(wafv2api.ParameterExceptionFieldScopeValue, string(n.scope), reasonScope)
	}
	p, err := protectableOf(c, value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	for _, action := range []string{"wafv2:AssociateWebACL", p.associate} {
		a, err := s.resourceAccess(r, c, action, value(in.ResourceArn))
		if err != nil {
			return nil, err
		}
		accesses = append(accesses, a)
	}
	return accesses, nil
}

func (s *Service) resolveResource(r store.Reader, c *call.Call, text string) (accesses []call.Access, err error) {
	p, err := protectableOf(c, text)
	if err != nil {
		return nil, err
	}
	for _, action := range []string{"wafv2:DisassociateWebACL", p.disassociate} {
		a, err := s.resourceAccess(r, c, action, text)
		if err != nil {
			return nil, err
		}
		accesses = append(accesses, a)
	}
	return accesses, nil
}

// resolveWebACLFor: who may learn which web ACL protects a resource may read the web ACL too.
func (s *Service) resolveWebACLFor(r store.Reader, c *call.Call, text string) ([]call.Access, error) {
	if _, err := protectableOf(c, text); err != nil {
		return nil, err
	}
	a, err := s.resourceAccess(r, c, "wafv2:GetWebACLForResource", text)
	if err != nil {
		return nil, err
	}
	accesses := []call.Access{a}
	t := new(target)
	c.Resolved = t
	as, err := s.tables.associations.Get(r, scope(c.Account, c.Region), parts(text)...)
	if isNotFound(err) {
		return accesses, nil
	}
	if err != nil {
		return nil, err
	}
	n, ok := parseARN(as.WebACL)
	if !ok {
		return nil, errUnresolved
	}
	if t.entity, err = s.lookup(r, n); err != nil {
		return nil, err
	}
	t.name = n
	for _, action := range []string{"wafv2:GetWebACLForResource", "wafv2:GetWebACL"} {
		a, err := s.access(r, c, action, n, t.entity)
		if err != nil {
			return nil, err
		}
		accesses = append(accesses, a)
	}
	return accesses, nil
}

// AssociateWebACL implements the operation of that name. A resource has one web ACL: another one
// takes the place of the one it has.
func (s *Service) AssociateWebACL(ctx context.Context, in *wafv2api.AssociateWebACLRequest) (*wafv2api.AssociateWebACLResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	if _, err := s.tables.entity(tx, t.name); err != nil {
		return nil, err
	}
	if err := s.checkResource(tx, value(in.ResourceArn)); err != nil {
		return nil, err
	}
	n := 0
	for row, err := range s.tables.associations.ScanIndex(tx, scope(c.Account, c.Region), associationsByWebACL, table.Page{Prefix: parts(t.name.arn())}) {
		if err != nil {
			return nil, err
		}
		if row.Record.Resource != value(in.ResourceArn) {
			n++
		}
	}
	if n >= s.quotas.ResourcesPerWebACL {
		return nil, limitExceeded("ASSOCIATION")
	}
	err = s.tables.associations.Put(tx, &associationRecord{
		Account: c.Account, Region: c.Region, Resource: value(in.ResourceArn), WebACL: t.name.arn(),
	})
	if err != nil {
		return nil, err
	}
	s.publish(tx)
	return &wafv2api.AssociateWebACLResponse{}, nil
}

// checkResource: a resource must be there, and ready.
func (s *Service) checkResource(r store.Reader, text string) error {
	state, _, err := s.resources.WebACLResource(r, text)
	switch {
	case err != nil:
		return err
	case state == ResourceAbsent:
		return nonexistent()
	case state == ResourcePending:
		return unavailable()
	}
	return nil
}

// DisassociateWebACL implements the operation of that name. A resource without a web ACL is no
// error.
func (s *Service) DisassociateWebACL(ctx context.Context, in *wafv2api.DisassociateWebACLRequest) (*wafv2api.DisassociateWebACLResponse, error) {
	c := call.From(ctx)
	if err := s.checkResource(c.Txn(), value(in.ResourceArn)); err != nil {
		return nil, err
	}
	return &wafv2api.DisassociateWebACLResponse{}, s.Unprotect(c.Txn(), c.Account, c.Region, value(in.ResourceArn))
}

// Unprotect takes a resource from its web ACL, if it has one. The service of a resource that is
// deleted calls it in the transaction of the deletion.
func (s *Service) Unprotect(tx store.Txn, account, region, resource string) error {
	err := s.tables.associations.Delete(tx, scope(account, region), parts(resource)...)
	if isNotFound(err) {
		return nil
	}
	s.publish(tx)
	return err
}

// GetWebACLForResource implements the operation of that name.
func (s *Service) GetWebACLForResource(ctx context.Context, in *wafv2api.GetWebACLForResourceRequest) (*wafv2api.GetWebACLForResourceResponse, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.entity == nil {
		err := s.store.View(ctx, func(r store.Reader) error { return s.checkResource(r, value(in.ResourceArn)) })
		return &wafv2api.GetWebACLForResourceResponse{}, err
	}
	a, err := s.webACL(t.entity)
	if err != nil {
		return nil, err
	}
	return &wafv2api.GetWebACLForResourceResponse{WebACL: a}, nil
}

// ListResourcesForWebACL implements the operation of that name: the resources of one type, which is
// APPLICATION_LOAD_BALANCER if none is named.
func (s *Service) ListResourcesForWebACL(ctx context.Context, in *wafv2api.ListResourcesForWebACLRequest) (*wafv2api.ListResourcesForWebACLResponse, error) {
	c, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	want := wafv2api.ResourceTypeApplicationLoadBalancer
	if in.ResourceType != nil {
		want = *in.ResourceType
	}
	out := &wafv2api.ListResourcesForWebACLResponse{ResourceArns: []string{}}
	err = s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.associations.ScanIndex(r, scope(e.Account, e.Region), associationsByWebACL, table.Page{Prefix: parts(e.arn())}) {
			if err != nil {
				return err
			}
			if p, err := protectableOf(c, row.Record.Resource); err == nil && p.kind == want {
				out.ResourceArns = append(out.ResourceArns, row.Record.Resource)
			}
		}
		return nil
	})
	return out, err
}

// checkUnprotecting: a web ACL that protects something, or that Firewall Manager manages, cannot be
// deleted.
func (s *Service) checkUnprotecting(r store.Reader, e *entity) error {
	for _, err := range s.tables.associations.ScanIndex(r, scope(e.Account, e.Region), associationsByWebACL, table.Page{Prefix: parts(e.arn()), Limit: 1}) {
		if err != nil {
			return err
		}
		return associated()
	}
	a, err := s.webACL(e)
	if err != nil {
		return err
	}
	if value(a.ManagedByFirewallManager) {
		return invalidOperation("The operation isn't valid. The web ACL is managed by Firewall Manager.")
	}
	return nil
}
