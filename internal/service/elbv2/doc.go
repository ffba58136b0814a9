// Package elbv2 is Elastic Load Balancing, version 2, as far as Application Load Balancers need it:
// load balancers, target groups with targets of the type ip, listeners and their rules.
//
// # What AWS promises here
//
// A load balancer has listeners, each on a port. A request that comes to a listener meets its rules
// in the order of their priorities and is forwarded to a target group, redirected, or answered; the
// default action is for those that no rule is for. A target group has targets, whose health is
// checked. Making what is there already, with the same settings, is no error.
//
// Limits: names of 32 characters; 50 load balancers in a Region, 50 listeners and 100 rules of a
// load balancer, 5 target groups of an action, 25 certificates besides the default one, 3000 target
// groups in a Region, 1000 targets of one; 50 tags.
//
// # What differs
//
// A listener binds its port on the address that proxies listen on (--proxy-bind). Ports of a
// machine are there once, so a port is one listener's, whatever load balancer and account it
// belongs to: another one is refused with InvalidConfigurationRequest. The DNS name of a load balancer
// is NAME-NUMBER.REGION.elb.localhost, which resolves to the loopback address without configuration
// (RFC 6761 §6.3; systemd-resolved, curl and browsers do so), unless the operator names another
// domain, which has to resolve to the proxies then.
//
// There is no VPC room: subnets, security groups and VPCs are taken as they are given, and may be left
// out; nothing is filtered by security groups. Load balancers of the types network and gateway,
// targets that are instances, functions or load balancers, actions that authenticate, transforms,
// mutual TLS and access logs are refused with InvalidConfigurationRequest. Every listener is as strict
// about malformed requests as the desync mitigation mode "strictest". No listener speaks TLS 1.0 or
// 1.1, whatever the security policy: DescribeSSLPolicies lists what policies come to.
//
// # How it is kept
//
// Load balancers, target groups, listeners and rules are records by name and id; a port is a record
// too. A target that is deregistered stays, draining, until a job takes it out.
//
// # Where to look
//
//	state.go, tables.go, arn.go   records and names
//	resolve.go                    what a call touches, for authorization
//	loadbalancer.go, network.go   load balancers
//	targetgroup.go, health.go, targets.go
//	                              target groups and targets
//	listener.go, certificate.go, sslpolicy.go
//	                              listeners
//	rule.go, condition.go, action.go
//	                              rules
//	attribute.go                  the attributes of all of them
//	tags.go, limits.go            the other operations
//	published.go                  what proxies are told
package elbv2
