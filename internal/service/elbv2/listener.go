package elbv2

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// CreateListener implements the operation of that name.
func (s *Service) CreateListener(ctx context.Context, in *elbv2api.CreateListenerInput) (*elbv2api.CreateListenerOutput, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok || len(r.of) != 2 {
		return nil, errUnresolved
	}
	tx, of, n := c.Txn(), r.of[0], r.of[1]
	if _, err := s.tables.balancer(tx, of); err != nil {
		return nil, err
	}
	siblings, err := s.tables.listenersOf(tx, of)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Protocol == nil:
		return nil, invalid("A listener protocol must be specified")
	case in.Port == nil:
		return nil, invalid("A listener port must be specified")
	case slices.ContainsFunc(siblings, func(l *listenerRecord) bool { return l.Port == *in.Port }):
		return nil, &elbv2api.DuplicateListenerException{Message: new(fmt.Sprintf("A listener already exists on this port for this load balancer '%s'", of.arn()))}
	case len(siblings) >= maxListeners:
		return nil, &elbv2api.TooManyListenersException{Message: new("The maximum number of listeners has been reached")}
	}
	l := &listenerRecord{Account: n.account, Region: n.region, LoadBalancer: n.of, ID: n.listener, DefaultRule: newID()}
	if l.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	ch := listenerChange{in.Port, in.Protocol, in.SslPolicy, in.Certificates, in.DefaultActions, in.AlpnPolicy, in.MutualAuthentication}
	if err := s.changeListener(tx, l, ch); err != nil {
		return nil, err
	}
	return &elbv2api.CreateListenerOutput{Listeners: []elbv2api.Listener{l.describe()}}, nil
}

// listenerChange is what a request says about a listener; what is nil stays.
type listenerChange struct {
	port         *int32
	protocol     *elbv2api.ProtocolEnum
	policy       *string
	certificates []elbv2api.Certificate
	actions      []elbv2api.Action
	alpn         []string
	mutual       *elbv2api.MutualAuthenticationAttributes
}

// changeListener applies a request to a listener and writes it.
func (s *Service) changeListener(tx store.Txn, l *listenerRecord, ch listenerChange) (err error) {
	was := l.Port
	if ch.port != nil {
		l.Port = *ch.port
	}
	if ch.protocol != nil {
		l.Protocol = *ch.protocol
	}
	switch l.Protocol {
	case elbv2api.ProtocolEnumHTTP, elbv2api.ProtocolEnumHTTPS:
	default:
		return &elbv2api.UnsupportedProtocolException{Message: new(fmt.Sprintf("Protocol '%s' is not supported; load balancers with type 'application' support 'HTTP' and 'HTTPS'", l.Protocol))}
	}
	if len(ch.alpn) > 0 {
		return &elbv2api.ALPNPolicyNotSupportedException{Message: new("ALPN policies are not supported by load balancers with type 'application'")}
	}
	if m := ch.mutual; m != nil && value(m.Mode) != "off" {
		return unsupported("Mutual authentication is not supported")
	}
	if err := s.secure(tx, l, ch); err != nil {
		return err
	}
	if ch.actions != nil {
		actions, _, err := s.actions(tx, l.Account, l.Region, ch.actions)
		if err != nil {
			return err
		}
		l.Default = actions
	}
	if err := s.takePort(tx, l, was); err != nil {
		return err
	}
	return s.saveListener(tx, l)
}

// saveListener writes a listener.
func (s *Service) saveListener(tx store.Txn, l *listenerRecord) error {
	s.publish(tx)
	err := s.tables.listeners.Put(tx, l)
	if errors.Is(err, store.ErrTooLarge) {
		return &elbv2api.TooManyRulesException{Message: new("The rules of the listener are too large")}
	}
	return err
}

// groupsOf are the target groups that actions forward to.
func groupsOf(actions []elbv2api.Action) (all []string) {
	for i := range actions {
		if f := actions[i].ForwardConfig; f != nil {
			for _, g := range f.TargetGroups {
				all = append(all, value(g.TargetGroupArn))
			}
		}
	}
	return all
}

// secure checks the certificate and the policy of a listener: HTTPS has both, HTTP neither.
func (s *Service) secure(r store.Reader, l *listenerRecord, ch listenerChange) error {
	if l.Protocol == elbv2api.ProtocolEnumHTTP {
		if len(ch.certificates) > 0 || ch.policy != nil {
			return &elbv2api.InvalidConfigurationRequestException{Message: new("Certificates and security policies cannot be specified for HTTP listeners")}
		}
		l.Certificates, l.Policy = nil, ""
		return nil
	}
	if len(ch.certificates) > 0 {
		if len(ch.certificates) != 1 || ch.certificates[0].IsDefault != nil {
			return invalid("Exactly one certificate must be specified for a listener, without IsDefault")
		}
		arn := value(ch.certificates[0].CertificateArn)
		if err := s.checkCertificate(r, arn); err != nil {
			return err
		}
		if len(l.Certificates) == 0 {
			l.Certificates = []string{arn}
		} else {
			l.Certificates = append([]string{arn}, slices.DeleteFunc(slices.Clone(l.Certificates[1:]), func(c string) bool { return c == arn })...)
		}
	}
	if len(l.Certificates) == 0 {
		return invalid("A certificate must be specified for HTTPS listeners")
	}
	if ch.policy != nil {
		l.Policy = *ch.policy
	}
	if l.Policy == "" {
		l.Policy = defaultPolicy
	}
	if oldestOf(l.Policy) == 0 {
		return noPolicy(l.Policy)
	}
	return nil
}

func (s *Service) checkCertificate(r store.Reader, arn string) error {
	ok, err := s.certificates.Usable(r, arn)
	if err == nil && !ok {
		err = &elbv2api.CertificateNotFoundException{Message: new("Certificate '" + arn + "' not found")}
	}
	return err
}

// takePort reserves the port of a listener on the proxies.
func (s *Service) takePort(tx store.Txn, l *listenerRecord, was int32) error {
	if was == l.Port {
		return nil
	}
	taken, err := s.tables.ports.Has(tx, table.Scope{}, table.Uint(uint64(l.Port)))
	if err != nil {
		return err
	}
	if taken {
		return unsupported("Port %d of the proxies is taken by a listener of another load balancer", l.Port)
	}
	if was != 0 {
		if err := s.tables.ports.Delete(tx, table.Scope{}, table.Uint(uint64(was))); err != nil && !isNotFound(err) {
			return err
		}
	}
	return s.tables.ports.Put(tx, &portRecord{Port: l.Port, Listener: l.name().arn()})
}

// describe is a listener as answers show it.
func (l *listenerRecord) describe() elbv2api.Listener {
	d := elbv2api.Listener{
		ListenerArn: new(l.name().arn()), LoadBalancerArn: new(l.balancer().arn()), Port: &l.Port, Protocol: &l.Protocol, SslPolicy: some(l.Policy), DefaultActions: l.Default,
	}
	if len(l.Certificates) > 0 {
		d.Certificates = []elbv2api.Certificate{{CertificateArn: &l.Certificates[0]}}
		d.MutualAuthentication = &elbv2api.MutualAuthenticationAttributes{Mode: new("off")}
	}
	return d
}

// listenerAt reads the listener of an ARN.
func (s *Service) listenerAt(r store.Reader, c *call.Call, text string) (*listenerRecord, error) {
	n, ok := parseARN(text, kindListener, c.Account, c.Region)
	if !ok {
		return nil, malformed(kindListener, text)
	}
	return s.tables.listener(r, n)
}

// DescribeListeners implements the operation of that name.
func (s *Service) DescribeListeners(ctx context.Context, in *elbv2api.DescribeListenersInput) (*elbv2api.DescribeListenersOutput, error) {
	c := call.From(ctx)
	if (in.LoadBalancerArn == nil) == (len(in.ListenerArns) == 0) {
		return nil, invalid("You must specify either listener ARNs or a load balancer ARN")
	}
	out := &elbv2api.DescribeListenersOutput{Listeners: []elbv2api.Listener{}}
	p, err := s.pageOf(c, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		for _, text := range in.ListenerArns {
			l, err := s.listenerAt(r, c, text)
			if err != nil {
				return err
			}
			out.Listeners = append(out.Listeners, l.describe())
		}
		if in.LoadBalancerArn == nil {
			return nil
		}
		l, err := s.balancerAt(r, c, *in.LoadBalancerArn)
		if err != nil {
			return err
		}
		all, err := s.tables.listenersOf(r, l.name())
		for _, x := range all {
			if p.take(x.ID) {
				out.Listeners = append(out.Listeners, x.describe())
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, p)
	return out, err
}

// ownListener reads the listener of a call that changes it.
func (s *Service) ownListener(ctx context.Context) (*call.Call, *listenerRecord, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, nil, err
	}
	l, err := s.tables.listener(c.Txn(), n)
	return c, l, err
}

// ModifyListener implements the operation of that name.
func (s *Service) ModifyListener(ctx context.Context, in *elbv2api.ModifyListenerInput) (*elbv2api.ModifyListenerOutput, error) {
	c, l, err := s.ownListener(ctx)
	if err != nil {
		return nil, err
	}
	siblings, err := s.tables.listenersOf(c.Txn(), l.balancer())
	if err != nil {
		return nil, err
	}
	if in.Port != nil && slices.ContainsFunc(siblings, func(o *listenerRecord) bool { return o.Port == *in.Port && o.ID != l.ID }) {
		return nil, &elbv2api.DuplicateListenerException{Message: new(fmt.Sprintf("A listener already exists on this port for this load balancer '%s'", l.balancer().arn()))}
	}
	var actions []elbv2api.Action
	if len(in.DefaultActions) > 0 {
		actions = in.DefaultActions
	}
	err = s.changeListener(c.Txn(), l, listenerChange{in.Port, in.Protocol, in.SslPolicy, in.Certificates, actions, in.AlpnPolicy, in.MutualAuthentication})
	return &elbv2api.ModifyListenerOutput{Listeners: []elbv2api.Listener{l.describe()}}, err
}

// DeleteListener implements the operation of that name.
func (s *Service) DeleteListener(ctx context.Context, _ *elbv2api.DeleteListenerInput) (*elbv2api.DeleteListenerOutput, error) {
	c, l, err := s.ownListener(ctx)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DeleteListenerOutput{}, s.deleteListener(c.Txn(), l)
}

// deleteListener deletes a listener, its rules and its port.
func (s *Service) deleteListener(tx store.Txn, l *listenerRecord) error {
	if err := s.tables.ports.Delete(tx, table.Scope{}, table.Uint(uint64(l.Port))); err != nil && !isNotFound(err) {
		return err
	}
	s.publish(tx)
	return s.tables.listeners.Delete(tx, l.name().scope(), parts(l.LoadBalancer, l.ID)...)
}

func (l *listenerRecord) attributes() (all []elbv2api.ListenerAttribute) {
	for key, v := range listenerAttributes.all(l.Attributes) {
		all = append(all, elbv2api.ListenerAttribute{Key: &key, Value: &v})
	}
	return all
}

// DescribeListenerAttributes implements the operation of that name.
func (s *Service) DescribeListenerAttributes(ctx context.Context, in *elbv2api.DescribeListenerAttributesInput) (*elbv2api.DescribeListenerAttributesOutput, error) {
	out := new(elbv2api.DescribeListenerAttributesOutput)
	err := s.store.View(ctx, func(r store.Reader) error {
		l, err := s.listenerAt(r, call.From(ctx), value(in.ListenerArn))
		if err == nil {
			out.Attributes = l.attributes()
		}
		return err
	})
	return out, err
}

// ModifyListenerAttributes implements the operation of that name.
func (s *Service) ModifyListenerAttributes(ctx context.Context, in *elbv2api.ModifyListenerAttributesInput) (*elbv2api.ModifyListenerAttributesOutput, error) {
	c, l, err := s.ownListener(ctx)
	if err != nil {
		return nil, err
	}
	l.Attributes = maps.Clone(l.Attributes)
	for _, a := range in.Attributes {
		if err := listenerAttributes.set(&l.Attributes, value(a.Key), value(a.Value)); err != nil {
			return nil, err
		}
	}
	return &elbv2api.ModifyListenerAttributesOutput{Attributes: l.attributes()}, s.saveListener(c.Txn(), l)
}
