package main

import (
	"fmt"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/engine/rotator"
)

// rotationFlags are the flags of serve about the databases in which secrets are rotated.
func rotationFlags(f *flag.FlagSet, c *app.Config) func() error {
	hosts := f.String("rotation-allow-hosts", "", "databases in which secrets may be rotated: name, *.suffix, address or range, each with or without :port, separated by commas (default: none)")
	f.BoolVar(&c.Rotation.AllowPlaintext, "rotation-allow-plaintext", false, "let a rotation do without TLS where the database offers none and the secret does not demand it")
	ca := f.String("rotation-ca", "", "authorities (PEM) of the databases' certificates (default: the machine's)")
	return func() (err error) {
		if *hosts != "" {
			if c.Rotation.Hosts, err = rotator.ParseHosts(strings.Split(*hosts, ",")); err != nil {
				return fmt.Errorf("%w: --rotation-allow-hosts: %w", errUsage, err)
			}
		}
		if *ca != "" {
			if c.Rotation.RootCAs, err = app.ReadAuthorities(*ca); err != nil {
				return fmt.Errorf("--rotation-ca: %w", err)
			}
		}
		return nil
	}
}
