package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"fastness/internal/app"
)

// serveFlags are the flags of serve.
func serveFlags(f *flag.FlagSet, c *app.Config) func() error {
	data := dataFlags(f, c)
	f.StringVar(&c.Listen, "listen", envOr("FASTNESS_LISTEN", app.DefaultListen), "address to serve, plain HTTP and HTTPS on one port")
	f.StringVar(&c.Account, "account", envOr("FASTNESS_ACCOUNT", app.DefaultAccount), "account that the first start creates")
	f.StringVar(&c.Region, "region", envOr("FASTNESS_REGION", "us-east-1"), "Region of unsigned calls")
	f.StringVar(&c.TLSCert, "tls-cert", os.Getenv("FASTNESS_TLS_CERT"), "certificate file (PEM); without one the server's own authority issues one")
	f.StringVar(&c.TLSKey, "tls-key", os.Getenv("FASTNESS_TLS_KEY"), "key file (PEM) of the certificate")
	names := f.String("tls-names", os.Getenv("FASTNESS_TLS_NAMES"), "further names and addresses of the server, separated by commas")
	roots := f.String("attestation-roots", os.Getenv("FASTNESS_ATTESTATION_ROOTS"), "certificates (PEM) that sign enclave attestation documents")
	f.BoolVar(&c.Dev, "dev", false, "accept ANY credentials as the root user of --dev-account; for tests on a developer's machine only")
	f.StringVar(&c.DevAccount, "dev-account", "", "account of --dev (default: --account)")
	f.DurationVar(&c.KeyRotation, "key-rotation", envDuration("FASTNESS_KEY_ROTATION", app.DefaultKeyRotation), "how often the domain keys under the root key are rotated")
	xks := xksFlags(f, c)
	level := f.String("log-level", envOr("FASTNESS_LOG_LEVEL", "info"), "debug, info, warn or error")
	return func() error {
		if err := data(); err != nil {
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
		var l slog.Level
		if err := l.UnmarshalText([]byte(*level)); err != nil {
			return fmt.Errorf("%w: --log-level: %w", errUsage, err)
		}
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
		return nil
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// envDuration is a duration of the environment; one that cannot be read is reported as
// if it were too short.
func envDuration(name string, otherwise time.Duration) time.Duration {
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		return -1
	}
	return d
}

func serve(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("serve")
	complete := serveFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		c.Log.Warn("the process could not be hardened against memory dumps", "error", err)
	}
	if c.Dev {
		c.Log.Warn("--dev: any credentials are accepted as the root user of the development account")
	}
	a, err := app.Start(ctx, c)
	if err != nil {
		return err
	}
	greet(out, a, &c)
	select {
	case <-ctx.Done():
	case err = <-a.Failed():
	}
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

// greet prints how to point the AWS CLI at the server.
func greet(out io.Writer, a *app.App, c *app.Config) {
	fmt.Fprintf(out, "Fastness %s serves http://%s and https://%s\n", version, a.Addr(), a.Addr())
	fmt.Fprintf(out, "Data directory: %s\n", c.DataDir)
	if a.Sealed() {
		fmt.Fprintf(out, "It is sealed. Unseal it with:  fastness unseal --url http://%s\n", a.Endpoint())
		return
	}
	fmt.Fprintln(out, "Point the AWS CLI and SDKs at it:")
	fmt.Fprintf(out, "  export AWS_CONFIG_FILE=%s AWS_SHARED_CREDENTIALS_FILE=%s\n", a.ConfigFile(), a.CredentialsFile())
	if ca := a.CAFile(); ca != "" {
		fmt.Fprintf(out, "For HTTPS:  export AWS_CA_BUNDLE=%s AWS_ENDPOINT_URL=https://%s\n", ca, a.Endpoint())
	}
	if a.Fresh() {
		fmt.Fprintf(out, "First start: account %s was created; the root access key is in %s (it is shown nowhere else).\n", c.Account, a.CredentialsFile())
	}
}
