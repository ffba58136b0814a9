package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/clock"
	"fastness/internal/proxy"
	"fastness/internal/residency"
)

// serveFlags are the flags of serve.
func serveFlags(f *flag.FlagSet, c *app.Config) func() error {
	data := dataFlags(f, c)
	f.StringVar(&c.Listen, "listen", app.DefaultListen, "address to serve, plain HTTP and HTTPS on one port")
	f.StringVar(&c.Account, "account", app.DefaultAccount, "account that the first start creates")
	f.StringVar(&c.Region, "region", "us-east-1", "Region of unsigned calls")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate file (PEM); without one the server's own authority issues one")
	f.StringVar(&c.TLSKey, "tls-key", "", "key file (PEM) of the certificate")
	names := f.String("tls-names", "", "further names and addresses of the server, separated by commas")
	roots := f.String("attestation-roots", "", "certificates (PEM) that sign enclave attestation documents")
	f.BoolVar(&c.Dev, "dev", false, "for tests on a developer's machine only: temporary data, and unknown access keys act WITHOUT A SIGNATURE CHECK as root of the account whose id they are, else of --dev-account")
	f.StringVar(&c.DevAccount, "dev-account", app.DefaultAccount, "account of --dev for access keys that are no account id")
	f.DurationVar(&c.KeyRotation, "key-rotation", app.DefaultKeyRotation, "how often the domain keys under the root key are rotated")
	xks := xksFlags(f, c)
	parameters := f.String("ssm-parameters", "", "Parameter Store: public parameters under /aws/service (JSON, see docs/parameters.md)")
	images := f.String("ssm-images", "", "Parameter Store: AMIs that parameters of the data type aws:ec2:image can name (JSON, see docs/parameters.md)")
	rotation := rotationFlags(f, c)
	f.StringVar(&c.Proxy.Bind, "proxy-bind", app.DefaultProxyBind, "IP address on which the listeners of load balancers listen")
	firewallFlags(f, &c.Firewall)
	f.StringVar(&c.Proxy.Domain, "proxy-domain", "", "domain of the DNS names of load balancers, which resolves to --proxy-bind (default elb.localhost)")
	f.BoolVar(&c.Proxy.Off, "proxy-off", false, "listen for no load balancer here: fastness proxy does, on other hosts")
	buckets := wafLogFlags(f, &c.WAFLogs)
	level := f.String("log-level", "info", "debug, info, warn or error")
	settings(f)
	return func() error {
		if err := data(); err != nil {
			return err
		}
		if err := buckets(); err != nil {
			return err
		}
		if *names != "" {
			c.TLSNames = strings.Split(*names, ",")
		}
		if *roots != "" {
			pem, err := os.ReadFile(*roots)
			if err != nil {
				return fmt.Errorf("attestation roots: %w", err)
			}
			c.AttestationRoots = x509.NewCertPool()
			if !c.AttestationRoots.AppendCertsFromPEM(pem) {
				return errors.New("attestation roots: no certificate in the file")
			}
		}
		if err := xks(); err != nil {
			return err
		}
		if err := c.Parameters.ReadFiles(*parameters, *images); err != nil {
			return err
		}
		if err := rotation(); err != nil {
			return err
		}
		var l slog.Level
		if err := l.UnmarshalText([]byte(*level)); err != nil {
			return fmt.Errorf("%w: --log-level: %w", errUsage, err)
		}
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
		return nil
	}
}

func serve(f *flag.FlagSet) runner {
	var c app.Config
	complete := serveFlags(f, &c)
	return func(ctx context.Context, out *output) (err error) {
		if err := complete(); err != nil {
			return err
		}
		if err := harden(); err != nil {
			c.Log.Warn("the process could not be hardened against memory dumps", "error", err)
		}
		if c.Dev && !f.Changed("data-dir") {
			remove, err := temporary(&c)
			if err != nil {
				return err
			}
			defer func() {
				if rerr := remove(); rerr != nil {
					c.Log.Error("the temporary data could not be removed", "error", rerr)
				}
			}()
		}
		a, err := app.Start(ctx, c)
		if err != nil {
			return err
		}
		// Most of the program was touched by starting it.
		err = residency.ReleaseProgram()
		greet(out, a, &c)
		go staySmall(ctx, err, c.Log)
		select {
		case <-ctx.Done():
		case err = <-a.Failed():
		}
		return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
}

// staySmall keeps pages of the program that an idle server does not need out of its memory,
// until ctx ends. err is of the first attempt.
func staySmall(ctx context.Context, err error, log *slog.Logger) {
	if err == nil {
		err = residency.WhileIdle(ctx, clock.System{})
	}
	if err != nil {
		log.Info("pages of the program stay in memory", "error", err)
	}
}

// temporary gives a development server directories of its own, and returns what removes
// them.
func temporary(c *app.Config) (remove func() error, err error) {
	dir, err := os.MkdirTemp("", "fastness-dev-")
	if err != nil {
		return nil, fmt.Errorf("temporary data: %w", err)
	}
	c.DataDir = filepath.Join(dir, "data")
	if c.SecretsDir == "" {
		c.SecretsDir = filepath.Join(dir, "secrets")
	}
	return func() error { return os.RemoveAll(dir) }, nil
}

// greet prints what the server is and how to point the AWS CLI at it.
func greet(out io.Writer, a *app.App, c *app.Config) {
	fmt.Fprintf(out, "Fastness %s serves http://%s and https://%s\n", version, a.Addr(), a.Addr())
	fmt.Fprintf(out, "  endpoint        http://%s\n", a.Endpoint())
	fmt.Fprintf(out, "  data directory  %s\n", a.DataDir())
	fmt.Fprintf(out, "  secrets         %s\n", a.SecretsDir())
	if c.Dev {
		fmt.Fprint(out, warning(c.DevAccount))
	}
	if a.Sealed() {
		fmt.Fprintf(out, "It is sealed. Unseal it with:  fastness unseal --url http://%s\n", a.Endpoint())
		return
	}
	fmt.Fprintln(out, "Point the AWS CLI and SDKs at it:")
	if c.Dev {
		fmt.Fprintf(out, "  eval \"$(%s env --dev --url http://%s)\"\n", program(), a.Endpoint())
	} else {
		fmt.Fprintf(out, "  eval \"$(%s env --data-dir %s --secrets %s)\"\n", program(), quoteSh(a.DataDir()), quoteSh(a.SecretsDir()))
	}
	fmt.Fprintf(out, "or\n  export AWS_CONFIG_FILE=%s AWS_SHARED_CREDENTIALS_FILE=%s\n", quoteSh(a.ConfigFile()), quoteSh(a.CredentialsFile()))
	if ca := a.CAFile(); ca != "" {
		fmt.Fprintf(out, "For HTTPS:  export AWS_CA_BUNDLE=%s AWS_ENDPOINT_URL=https://%s\n", quoteSh(ca), a.Endpoint())
	}
	if a.Fresh() {
		fmt.Fprintf(out, "First start: account %s was created; the root access key is in %s (it is shown nowhere else).\n", c.Account, a.CredentialsFile())
	}
}

// program is what to call this program by in a shell.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "fastness"
	}
	if found, err := exec.LookPath("fastness"); err == nil && found == self {
		return "fastness"
	}
	return quoteSh(self)
}

// warning says what --dev means.
func warning(account string) string {
	bar := strings.Repeat("*", 72)
	return fmt.Sprintf(`%s
WARNING: --dev. Any program on this machine can do everything: an access key
that this server does not know is accepted WITHOUT A SIGNATURE CHECK, as the
root user of the account whose id it is, else of %s.
POST /_fastness/reset destroys all data. Use it for tests, for nothing else.
%s
`, bar, account, bar)
}

// firewallFlags are the flags of everything that compiles web ACLs.
func firewallFlags(f *flag.FlagSet, c *app.FirewallConfig) {
	f.StringVar(&c.Feeds, "waf-feeds", "", "directory with the addresses that managed rule groups block (docs/waf.md)")
	f.Int64Var(&c.RateMemory, "waf-rate-memory", app.DefaultRateMemory, "most memory of the rate-based rules of all web ACLs together, in bytes")
	f.IntVar(&c.HeldBody, "waf-held-body", proxy.DefaultHeldBody, "most bytes of a body that are held until the managed rule groups have judged them: 65536 to 1048576")
	f.Int64Var(&c.HeldMemory, "waf-held-memory", proxy.DefaultHeldMemory, "most memory of all bodies above 64 KiB that are held, in bytes; when it is used up, longer ones are refused as too long")
	f.StringVar(&c.CoreRuleSet, "waf-crs", "", "directory with an OWASP Core Rule Set in the place of the built-in one (docs/waf.md)")
	f.StringVar(&c.Countries, "country-database", "", "MaxMind database of countries in the place of the built-in table")
	f.StringVar(&c.ASNs, "asn-database", "", "MaxMind database of autonomous systems in the place of the built-in table")
}
