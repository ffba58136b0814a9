package elbv2

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/store"
)

// jobDrained takes targets out that have finished.
const jobDrained = "elbv2/drained"

// address reads a target.
func (g *targetGroupRecord) address(d *elbv2api.TargetDescription) (target, error) {
	ip, err := netip.ParseAddr(value(d.Id))
	if err != nil || ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() {
		return target{}, &elbv2api.InvalidTargetException{Message: new(fmt.Sprintf("The IP address '%s' is not a valid target", value(d.Id)))}
	}
	if ip = ip.Unmap(); ip.Is4() != (g.Addresses == elbv2api.TargetGroupIpAddressTypeEnumIpv4) {
		return target{}, &elbv2api.InvalidTargetException{Message: new(fmt.Sprintf("The IP address '%s' is not of the target group's address type '%s'", value(d.Id), g.Addresses))}
	}
	return target{IP: ip.String(), Port: cmp.Or(value(d.Port), g.Port), Zone: value(d.AvailabilityZone)}, nil
}

func (t *target) is(o target) bool { return t.IP == o.IP && t.Port == o.Port }

// RegisterTargets implements the operation of that name. A target that is draining is taken up
// again.
func (s *Service) RegisterTargets(ctx context.Context, in *elbv2api.RegisterTargetsInput) (*elbv2api.RegisterTargetsOutput, error) {
	c, g, err := s.ownGroup(ctx)
	if err != nil {
		return nil, err
	}
	for i := range in.Targets {
		t, err := g.address(&in.Targets[i])
		if err != nil {
			return nil, err
		}
		g.Targets = append(slices.DeleteFunc(g.Targets, t.is), t)
	}
	if len(g.Targets) > maxTargets {
		return nil, &elbv2api.TooManyTargetsException{Message: new("You've reached the limit on the number of targets.")}
	}
	return &elbv2api.RegisterTargetsOutput{}, s.saveGroup(c.Txn(), g)
}

// DeregisterTargets implements the operation of that name. A target that is in use finishes what it
// answers, for as long as the group's attribute says. A description without a port means all of the
// address.
func (s *Service) DeregisterTargets(ctx context.Context, in *elbv2api.DeregisterTargetsInput) (*elbv2api.DeregisterTargetsOutput, error) {
	c, g, err := s.ownGroup(ctx)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	users, err := s.tables.users(tx, g.Account, g.Region, g.name().arn())
	if err != nil {
		return nil, err
	}
	delay := time.Duration(number(groupAttributes.get(g.Attributes, "deregistration_delay.timeout_seconds"))) * time.Second
	if len(users) == 0 {
		delay = 0
	}
	until := s.now().Add(delay)
	for i := range in.Targets {
		d := &in.Targets[i]
		t, err := g.address(d)
		if err != nil {
			return nil, err
		}
		found := false
		for j := range g.Targets {
			have := &g.Targets[j]
			if have.IP != t.IP || d.Port != nil && have.Port != t.Port {
				continue
			}
			if found = true; have.Draining.IsZero() {
				have.Draining = until
			}
		}
		if !found && len(g.Targets) == 0 {
			return nil, &elbv2api.InvalidTargetException{Message: new(fmt.Sprintf("The following targets are not registered in target group '%s': '%s'", g.name().arn(), value(d.Id)))}
		}
	}
	if delay == 0 {
		g.Targets = slices.DeleteFunc(g.Targets, func(t target) bool { return !t.Draining.IsZero() && !t.Draining.After(s.now()) })
	} else if err := s.scheduleDrained(tx, g, until); err != nil {
		return nil, err
	}
	return &elbv2api.DeregisterTargetsOutput{}, s.saveGroup(tx, g)
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // attributes are checked when they are set
	return n
}

// drainedGroup says which target group a job is about.
type drainedGroup struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
}

func (s *Service) scheduleDrained(tx store.Txn, g *targetGroupRecord, at time.Time) error {
	payload, err := json.Marshal(drainedGroup{g.Account, g.Region, g.Name})
	if err != nil {
		return fmt.Errorf("elbv2: job: %w", err)
	}
	return s.jobs.Schedule(tx, due.Job{Kind: jobDrained, ID: g.Account + "/" + g.Region + "/" + g.Name + "/" + strconv.FormatInt(at.UnixMilli(), 10), At: at, Payload: payload})
}

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{jobDrained: {RunInTxn: s.drained}}
}

// drained takes the targets out whose time to finish is over.
func (s *Service) drained(_ context.Context, tx store.Txn, j due.Job) error {
	var of drainedGroup
	if err := json.Unmarshal(j.Payload, &of); err != nil {
		return fmt.Errorf("elbv2: job: %w", err)
	}
	g, err := s.tables.groups.Get(tx, scope(of.Account, of.Region), parts(of.Name)...)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	before := len(g.Targets)
	g.Targets = slices.DeleteFunc(g.Targets, func(t target) bool { return !t.Draining.IsZero() && !t.Draining.After(s.clock.Now()) })
	if len(g.Targets) == before {
		return nil
	}
	return s.saveGroup(tx, g)
}

// DescribeTargetHealth implements the operation of that name.
func (s *Service) DescribeTargetHealth(ctx context.Context, in *elbv2api.DescribeTargetHealthInput) (*elbv2api.DescribeTargetHealthOutput, error) {
	var g *targetGroupRecord
	var users []string
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		if g, err = s.groupAt(r, call.From(ctx), value(in.TargetGroupArn)); err != nil {
			return err
		}
		users, err = s.tables.users(r, g.Account, g.Region, g.name().arn())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTargetHealthOutput{TargetHealthDescriptions: []elbv2api.TargetHealthDescription{}}
	add := func(t *target) {
		port := g.Health.Port
		if port == trafficPort {
			port = strconv.Itoa(int(t.Port))
		}
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbv2api.TargetHealthDescription{
			Target:          &elbv2api.TargetDescription{Id: &t.IP, Port: &t.Port, AvailabilityZone: some(t.Zone)},
			HealthCheckPort: &port, TargetHealth: s.healthOf(ctx, g, t, len(users) > 0),
		})
	}
	if len(in.Targets) == 0 {
		for i := range g.Targets {
			add(&g.Targets[i])
		}
		return out, nil
	}
	for i := range in.Targets {
		want, err := g.address(&in.Targets[i])
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(g.Targets, want.is); at >= 0 {
			add(&g.Targets[at])
			continue
		}
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbv2api.TargetHealthDescription{
			Target: &elbv2api.TargetDescription{Id: &want.IP, Port: &want.Port}, HealthCheckPort: new(strconv.Itoa(int(want.Port))),
			TargetHealth: health(elbv2api.TargetHealthStateEnumUnused, elbv2api.TargetHealthReasonEnumTargetNotRegistered, "Target is not registered to the target group"),
		})
	}
	return out, nil
}

func health(state elbv2api.TargetHealthStateEnum, reason elbv2api.TargetHealthReasonEnum, text string) *elbv2api.TargetHealth {
	h := &elbv2api.TargetHealth{State: &state, Description: some(text)}
	if reason != "" {
		h.Reason = &reason
	}
	return h
}

// healthOf is the health of a target (Elastic Load Balancing User Guide, "Target health status" and
// "Health check reason codes").
func (s *Service) healthOf(ctx context.Context, g *targetGroupRecord, t *target, used bool) *elbv2api.TargetHealth {
	switch {
	case !t.Draining.IsZero():
		return health(elbv2api.TargetHealthStateEnumDraining, elbv2api.TargetHealthReasonEnumTargetDeregistrationInProgress, "Target deregistration is in progress")
	case !used:
		return health(elbv2api.TargetHealthStateEnumUnused, elbv2api.TargetHealthReasonEnumTargetNotInUse, "Target group is not configured to receive traffic from the load balancer")
	}
	ip, err := netip.ParseAddr(t.IP)
	if err != nil {
		return health(elbv2api.TargetHealthStateEnumUnavailable, elbv2api.TargetHealthReasonEnumElbInternalError, "")
	}
	st := s.health.Target(ctx, g.name().arn(), netip.AddrPortFrom(ip, uint16(t.Port)))
	switch {
	case !st.Known:
		return health(elbv2api.TargetHealthStateEnumInitial, elbv2api.TargetHealthReasonEnumElbRegistrationInProgress, "Target registration is in progress")
	case !st.Checked:
		return health(elbv2api.TargetHealthStateEnumInitial, elbv2api.TargetHealthReasonEnumElbInitialHealthChecking, "Initial health checks in progress")
	case st.Healthy:
		return health(elbv2api.TargetHealthStateEnumHealthy, "", "")
	}
	return health(elbv2api.TargetHealthStateEnumUnhealthy, cmp.Or(st.Reason, elbv2api.TargetHealthReasonEnumTargetFailedHealthChecks), cmp.Or(st.Description, "Health checks failed"))
}
