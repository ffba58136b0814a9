package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/clock"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
	"fastness/internal/proxy/upstream"
	"fastness/internal/sigv4"
	"fastness/internal/waflog"
)

// proxyFlags are the flags of the proxy.
type proxyFlags struct {
	file         string
	firewall     app.FirewallConfig
	controlPlane string
	region       string
	caFile       string
	keep         string
	name         string
	logLevel     string
	maxConns     int
	perClient    int
	drain        time.Duration
}

// runProxy is the data plane on a host of its own.
func runProxy(f *flag.FlagSet) runner {
	p := &proxyFlags{}
	host, _ := os.Hostname()
	f.StringVar(&p.file, "file", "", "file of the configuration (JSON, mode 0600); it is read again when it changes")
	f.StringVar(&p.controlPlane, "control-plane", "", "address of the server whose load balancers to serve: https://HOST:PORT (or http:// on loopback), with credentials from the environment or a profile as AWS's tools take them")
	f.StringVar(&p.region, "region", "", "Region whose load balancers to serve (default: the environment's)")
	f.StringVar(&p.caFile, "ca", "", "file of the certificate authority of the control plane (PEM)")
	f.StringVar(&p.keep, "keep", "", "file in which the last configuration is kept, sealed, for starts without the control plane")
	f.StringVar(&p.name, "name", host, "name under which the proxy reports")
	firewallFlags(f, &p.firewall)
	f.StringVar(&p.logLevel, "log-level", "info", "debug, info, warn or error")
	f.IntVar(&p.maxConns, "max-connections", 20000, "most connections of clients")
	f.IntVar(&p.perClient, "max-connections-per-client", 1000, "most connections from one address, or one /64 of IPv6")
	f.DurationVar(&p.drain, "drain-timeout", time.Minute, "how long requests may go on after the signal to end")
	return func(ctx context.Context, out *output) error {
		if (p.file == "") == (p.controlPlane == "") {
			return fmt.Errorf("%w: exactly one of --file and --control-plane", errUsage)
		}
		return p.run(ctx, out)
	}
}

func (p *proxyFlags) run(ctx context.Context, out *output) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.logLevel)); err != nil {
		return fmt.Errorf("%w: --log-level: %w", errUsage, err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	groups, err := app.ManagedGroups(p.firewall, log)
	if err != nil {
		return err
	}
	// Its keys come with the configuration.
	gate, err := proxy.NewGate(challenge.Options{}, log)
	if err != nil {
		return err
	}
	client, err := p.connect(ctx, log)
	if err != nil {
		return err
	}
	reporter := app.NewReporter(clock.System{}, log)
	defer reporter.Close()
	var records *waflog.Recorder
	options := proxy.Options{
		Clock: clock.System{}, Log: log, Compile: app.NewFirewall(p.firewall, groups, gate), Interstitial: gate,
		MaxConns: p.maxConns, MaxConnsPerClient: p.perClient, DrainTimeout: p.drain,
		HeldBody: p.firewall.HeldBody, HeldMemory: p.firewall.HeldMemory,
		HealthChanged: func(group, addr string, h upstream.Health) {
			log.Info("a target's health has changed", "group", group, "target", addr, "state", h.State, "reason", h.Description)
			reporter.Changed()
		},
	}
	if client != nil { // otherwise there is nobody to tell
		defer client.Close()
		records = app.NewActivityRecorder(client, clock.System{}, log, gate)
		options.Recorder = app.Recorders{reporter.Recorder(), records}
	}
	served := proxy.New(options)
	recorded := record(ctx, records)
	err = p.follow(ctx, out, log, client, served, records, reporter)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.drain)
	defer cancel()
	if errors.Is(err, context.Canceled) {
		err = nil // the signal to end
	}
	err = errors.Join(err, served.Shutdown(drain))
	recorded()
	return err
}

// lastRecords is the time that the last records of requests have.
const lastRecords = 10 * time.Second

// record runs a recorder until the returned function is called, which waits for its last batch.
func record(ctx context.Context, records *waflog.Recorder) (end func()) {
	if records == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = records.Run(ctx, lastRecords) // ends with ctx
	}()
	return func() {
		cancel()
		<-ended
	}
}

// follow serves until ctx is done.
func (p *proxyFlags) follow(ctx context.Context, out *output, log *slog.Logger, client *follow.Client, served *proxy.Proxy, records *waflog.Recorder, reporter *app.Reporter) error {
	if client == nil {
		fmt.Fprintf(out, "Fastness %s proxies as %s says\n", version, p.file)
		return served.Run(ctx, proxy.NewFile(p.file, clock.System{}))
	}
	fmt.Fprintf(out, "Fastness %s proxies as %s says\n", version, p.controlPlane)
	reporting := make(chan struct{})
	go func() {
		defer close(reporting)
		reporter.Run(ctx, client, served, p.name)
	}()
	err := served.Run(ctx, records.Source(client))
	<-reporting
	return err
}

// connect makes the client of the control plane; nil for a proxy that has its configuration from a
// file.
func (p *proxyFlags) connect(ctx context.Context, log *slog.Logger) (*follow.Client, error) {
	if p.controlPlane == "" {
		return nil, nil
	}
	config, err := awsconfig.LoadDefaultConfig(ctx, func(o *awsconfig.LoadOptions) error {
		o.Region = p.region
		return nil
	})
	if err != nil {
		return nil, err
	}
	if config.Region == "" {
		return nil, fmt.Errorf("%w: no Region: --region or AWS_REGION", errUsage)
	}
	o := follow.Options{
		Endpoint: p.controlPlane, Region: config.Region, File: p.keep, Clock: clock.System{}, Log: log,
		Credentials: func(ctx context.Context) (sigv4.Credentials, error) {
			c, err := config.Credentials.Retrieve(ctx)
			if err != nil {
				return sigv4.Credentials{}, err
			}
			return sigv4.Credentials{AccessKeyID: c.AccessKeyID, Secret: []byte(c.SecretAccessKey), SecurityToken: c.SessionToken}, nil
		},
	}
	if p.caFile != "" {
		const most = 1 << 20
		pem, err := readBounded(p.caFile, most)
		if err != nil {
			return nil, err
		}
		o.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: --ca: no certificate in %s", errUsage, p.caFile)
		}
	}
	return follow.New(o)
}
