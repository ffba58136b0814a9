package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// assignment sets an environment variable; an empty value removes it.
type assignment struct{ name, value string }

// env prints what a shell runs to point AWS clients at a server.
func env(f *flag.FlagSet) runner {
	var c app.Config
	complete := dataFlags(f, &c)
	url := urlFlag(f)
	shell := f.String("shell", "", "sh or fish (default: by $SHELL)")
	https := f.Bool("https", false, "use HTTPS, and trust the server's own authority")
	dev := f.Bool("dev", false, "for a server that runs under --dev, at --url: as the root user of its development account")
	return func(_ context.Context, out *output) error {
		if *shell == "" {
			*shell = "sh"
			if strings.HasSuffix(os.Getenv("SHELL"), "/fish") {
				*shell = "fish"
			}
		}
		if *shell != "sh" && *shell != "fish" {
			return fmt.Errorf("%w: --shell is sh or fish, not %q", errUsage, *shell)
		}
		if err := complete(); err != nil {
			return err
		}
		if *dev {
			if *https {
				return fmt.Errorf("%w: --dev goes without --https", errUsage)
			}
			return printEnv(out, *shell, developmentEnv(*url))
		}
		list, err := installationEnv(c, *https)
		if err != nil {
			return err
		}
		return printEnv(out, *shell, list)
	}
}

// developmentEnv is for any server under --dev: no file of it is needed.
func developmentEnv(url string) []assignment {
	return []assignment{
		{"AWS_PROFILE", ""}, {"AWS_SESSION_TOKEN", ""},
		{"AWS_ACCESS_KEY_ID", "development"}, {"AWS_SECRET_ACCESS_KEY", "development"},
		// SDKs read the one, the first major version of the AWS CLI reads the other.
		{"AWS_REGION", "us-east-1"}, {"AWS_DEFAULT_REGION", "us-east-1"}, {"AWS_ENDPOINT_URL", url},
	}
}

// installationEnv is for the server whose files c names. Credentials in the environment
// would win over those of the file, so they are removed.
func installationEnv(c app.Config, https bool) ([]assignment, error) {
	places, err := app.PlacesOf(c)
	if err != nil {
		return nil, err
	}
	endpoint, err := places.Endpoint()
	if err != nil {
		return nil, err
	}
	list := []assignment{
		{"AWS_PROFILE", ""}, {"AWS_ACCESS_KEY_ID", ""}, {"AWS_SECRET_ACCESS_KEY", ""}, {"AWS_SESSION_TOKEN", ""},
		{"AWS_CONFIG_FILE", places.ConfigFile}, {"AWS_SHARED_CREDENTIALS_FILE", places.CredentialsFile},
	}
	switch _, err := os.Stat(places.CAFile); {
	case err == nil:
		list = append(list, assignment{"AWS_CA_BUNDLE", places.CAFile})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if https {
		endpoint = "https://" + strings.TrimPrefix(endpoint, "http://")
	}
	return append(list, assignment{"AWS_ENDPOINT_URL", endpoint}), nil
}

// printEnv prints commands of a shell.
func printEnv(out *output, shell string, list []assignment) error {
	for _, a := range list {
		var line string
		switch {
		case shell == "fish" && a.value == "":
			line = "set -e " + a.name + ";"
		case shell == "fish":
			line = "set -gx " + a.name + " " + quoteFish(a.value) + ";"
		case a.value == "":
			line = "unset " + a.name
		default:
			line = "export " + a.name + "=" + quoteSh(a.value)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// quoteSh makes a word of POSIX shells: nothing is special between single quotes.
func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFish makes a word of fish, where \ and ' are special between single quotes.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
