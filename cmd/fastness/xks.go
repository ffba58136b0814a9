package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/engine/xks"
)

// xksFlags are the flags of serve about keys that are elsewhere, keys that are for
// elsewhere, and how much KMS does at a time.
func xksFlags(f *flag.FlagSet, c *app.Config) func() error {
	var s app.KeyStoreSettings
	f.StringVar(&s.CA, "key-store-ca", "", "external key stores: authorities (PEM) of the proxies' certificates (default: the machine's)")
	f.StringVar(&s.Cert, "key-store-cert", "", "external key stores: certificate (PEM) that is shown to proxies")
	f.StringVar(&s.Key, "key-store-key", "", "external key stores: key file (PEM) of that certificate")
	f.StringVar(&s.Proxies, "key-store-proxies", "", "external key stores: proxies that may be at private addresses: host, host=address:port or host=http://127.0.0.1:port, separated by commas")
	f.StringVar(&s.EndpointServices, "key-store-endpoint-services", "", "external key stores: VPC endpoint services, NAME=ACCOUNT/DNSNAME[@address:port], separated by commas")
	timeout := f.Duration("key-store-timeout", xks.CallTimeout, "external key stores: how long a proxy may take to answer")
	clientCA := f.String("xks-client-ca", "", "external key store proxy: require client certificates of these authorities (PEM)")
	f.StringVar(&c.XKSProxy.ClientName, "xks-client-cn", "", "external key store proxy: common name of the client certificate (default: cks.kms.REGION.amazonaws.com of --region)")
	f.IntVar(&c.RSAPool, "rsa-pool", app.DefaultRSAPool, "RSA keys kept ready of each size that is in use; 0 keeps none")
	quotas := f.String("kms-quotas", app.QuotasOff, "request quotas of KMS for each account and Region: off, aws, or a JSON file, which may set resource quotas too")
	return func() (err error) {
		if c.KeyStores, err = s.KeyStores(); err != nil {
			return err
		}
		if *timeout <= 0 {
			return fmt.Errorf("%w: --key-store-timeout must be positive", errUsage)
		}
		c.KeyStores.Timeout = *timeout
		if *clientCA != "" {
			if c.XKSProxy.ClientCAs, err = app.ReadAuthorities(*clientCA); err != nil {
				return fmt.Errorf("--xks-client-ca: %w", err)
			}
		}
		c.KMSQuotas, err = app.ReadKMSQuotas(*quotas)
		return err
	}
}

// xksSubcommand is one of `fastness xks`. Its name is that of the request, too.
type xksSubcommand struct {
	name, summary string
	flags         string // names of the flags it needs, separated by spaces
	answers       bool
}

func xksSubcommands() []xksSubcommand {
	return []xksSubcommand{
		{"create-prefix", "make a prefix; prints its credential, this once", "prefix account region rules", true},
		{"set-rules", "replace what callers of a prefix must say of themselves", "prefix rules", false},
		{"rotate-credential", "give a prefix a second credential; prints it, this once", "prefix", true},
		{"retire-credential", "remove a credential of a prefix", "prefix access-key-id", false},
		{"delete-prefix", "remove a prefix without keys", "prefix", false},
		{"add-key", "export a key that a KMS key protects", "prefix key kms-key usages", false},
		{"rotate-key", "encrypt with a new key from now on", "prefix key", false},
		{"enable-key", "enable a key", "prefix key", false},
		{"disable-key", "disable a key", "prefix key", false},
		{"delete-key", "destroy a key and with it all that it encrypted", "prefix key", false},
		{"list", "show prefixes and keys", "", true},
	}
}

// xksCommands set up the external key store proxy of a running server, through the
// operator's socket.
func xksCommands() []command {
	var all []command
	for _, s := range xksSubcommands() {
		all = append(all, command{name: s.name, summary: s.summary, define: s.runner})
	}
	return all
}

func (s *xksSubcommand) runner(f *flag.FlagSet) runner {
	var c app.Config
	var in app.XKSRequest
	complete := dataFlags(f, &c)
	check := s.define(f, &in)
	return func(ctx context.Context, out *output) error {
		_ = harden()
		if err := check(); err != nil {
			return err
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		if !s.answers {
			return operator.XKS(ctx, s.name, in, nil)
		}
		var answer json.RawMessage
		if err := operator.XKS(ctx, s.name, in, &answer); err != nil {
			return err
		}
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(answer)
	}
}

// define makes the flags of a subcommand and returns the check of what was given.
func (s *xksSubcommand) define(f *flag.FlagSet, in *app.XKSRequest) func() error {
	wanted := strings.Fields(s.flags)
	usages := "encrypt,decrypt"
	for _, name := range wanted {
		switch name {
		case "prefix":
			f.StringVar(&in.Prefix, name, "", "path before /kms/xks/v1: empty, or begins with a slash")
		case "account":
			f.StringVar(&in.Account, name, app.DefaultAccount, "account of the KMS keys")
		case "region":
			f.StringVar(&in.Region, name, "us-east-1", "Region of the KMS keys")
		case "access-key-id":
			f.StringVar(&in.AccessKeyID, name, "", "the credential to remove")
		case "key":
			f.StringVar(&in.KeyID, name, "", "external key id")
		case "kms-key":
			f.StringVar(&in.KMSKey, name, "", "ARN of the KMS key that protects it; its policy must allow the proxy to use it")
		case "usages":
			f.StringVar(&usages, name, usages, "encrypt and decrypt, separated by a comma, or none")
		case "rules":
			list := func(name, what string, to *[]string) {
				f.Func(name, what+"; may be given several times, * at the end stands for anything", func(v string) error {
					*to = append(*to, v)
					return nil
				})
			}
			list("allow-principal", "ARN of a principal that the calling KMS may work for", &in.Rules.Principals)
			list("allow-kms-key", "ARN of a key of the calling KMS", &in.Rules.KMSKeys)
			list("allow-operation", "operation of the calling KMS", &in.Rules.Operations)
			list("allow-via-service", "service that may have called the calling KMS", &in.Rules.ViaServices)
		}
	}
	return func() error {
		for name, value := range map[string]string{"access-key-id": in.AccessKeyID, "key": in.KeyID, "kms-key": in.KMSKey} {
			if value == "" && slices.Contains(wanted, name) {
				return fmt.Errorf("%w: xks %s needs --%s", errUsage, s.name, name)
			}
		}
		in.Usages = []string{}
		if usages != "none" {
			in.Usages = strings.Split(strings.ToUpper(usages), ",")
		}
		return nil
	}
}
