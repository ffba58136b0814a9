package elbv2

import (
	"errors"
	"fmt"
	"slices"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's records in the store.
type tables struct {
	balancers *table.Table[loadBalancerRecord]
	groups    *table.Table[targetGroupRecord]
	listeners *table.Table[listenerRecord]
	ports     *table.Table[portRecord]
}

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.balancers, table.Def[loadBalancerRecord]{
			Kind:  "loadbalancer",
			Scope: func(l *loadBalancerRecord) table.Scope { return scope(l.Account, l.Region) },
			ID:    func(l *loadBalancerRecord) []table.Part { return parts(l.Name) },
		}),
		register(reg, &t.groups, table.Def[targetGroupRecord]{
			Kind:  "targetgroup",
			Scope: func(g *targetGroupRecord) table.Scope { return scope(g.Account, g.Region) },
			ID:    func(g *targetGroupRecord) []table.Part { return parts(g.Name) },
		}),
		register(reg, &t.listeners, table.Def[listenerRecord]{
			Kind:  "listener",
			Scope: func(l *listenerRecord) table.Scope { return scope(l.Account, l.Region) },
			ID:    func(l *listenerRecord) []table.Part { return parts(l.LoadBalancer, l.ID) },
		}),
		register(reg, &t.ports, table.Def[portRecord]{
			Kind:  "port",
			Scope: func(*portRecord) table.Scope { return table.Scope{} },
			ID:    func(p *portRecord) []table.Part { return []table.Part{table.Uint(uint64(p.Port))} },
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("elbv2: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = "elbv2"
	*place, err = table.Register(reg, def)
	return err
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func scope(account, region string) table.Scope { return table.Scope{Account: account, Region: region} }

func (n name) scope() table.Scope { return scope(n.account, n.region) }

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// balancer returns the load balancer of a name, or LoadBalancerNotFound.
func (t *tables) balancer(r store.Reader, n name) (*loadBalancerRecord, error) {
	l, err := t.balancers.Get(r, n.scope(), parts(n.short())...)
	if isNotFound(err) || err == nil && l.ID != n.id() {
		return nil, noLoadBalancer()
	}
	return l, err
}

// group returns the target group of a name, or TargetGroupNotFound.
func (t *tables) group(r store.Reader, n name) (*targetGroupRecord, error) {
	g, err := t.groups.Get(r, n.scope(), parts(n.short())...)
	if isNotFound(err) || err == nil && g.ID != n.id() {
		return nil, noTargetGroup()
	}
	return g, err
}

// listener returns the listener of a name, or ListenerNotFound.
func (t *tables) listener(r store.Reader, n name) (*listenerRecord, error) {
	l, err := t.listeners.Get(r, n.scope(), parts(n.of, n.listener)...)
	if isNotFound(err) {
		return nil, noListener()
	}
	return l, err
}

// rule returns the rule of a name and its listener, or RuleNotFound. The rule is a part of the
// listener.
func (t *tables) rule(r store.Reader, n name) (*listenerRecord, *rule, error) {
	of := n
	of.kind, of.rule = kindListener, ""
	l, err := t.listener(r, of)
	if isAbsent(err) {
		return nil, nil, noRule()
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range l.Rules {
		if l.Rules[i].ID == n.rule {
			return l, &l.Rules[i], nil
		}
	}
	return nil, nil, noRule()
}

// listenersOf are the listeners of a load balancer, in the order of their ports.
func (t *tables) listenersOf(r store.Reader, n name) (all []*listenerRecord, err error) {
	for row, err := range t.listeners.Scan(r, n.scope(), table.Page{Prefix: parts(n.of)}) {
		if err != nil {
			return nil, err
		}
		all = append(all, row.Record)
	}
	return all, nil
}

// uses are the load balancers that use target groups and certificates, by the ARN of what is used,
// each once.
func (t *tables) uses(r store.Reader, account, region string) (map[string][]string, error) {
	all := make(map[string][]string)
	for row, err := range t.listeners.Scan(r, scope(account, region), table.Page{}) {
		if err != nil {
			return nil, err
		}
		l := row.Record
		by := l.balancer().arn()
		for _, used := range l.used() {
			if !slices.Contains(all[used], by) {
				all[used] = append(all[used], by)
			}
		}
	}
	return all, nil
}

// used are the target groups and certificates of a listener.
func (l *listenerRecord) used() []string {
	all := append(groupsOf(l.Default), l.Certificates...)
	for i := range l.Rules {
		all = append(all, groupsOf(l.Rules[i].Actions)...)
	}
	return all
}

// users are the load balancers that use one target group or certificate.
func (t *tables) users(r store.Reader, account, region, used string) ([]string, error) {
	all, err := t.uses(r, account, region)
	return all[used], err
}
