package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	flag "github.com/spf13/pflag"
)

func TestParseSettings(t *testing.T) {
	known := func(name string) bool { return name == "listen" || name == "data-dir" || name == "seal-kms-key" }
	for _, c := range []struct {
		text string
		want map[string]string // nil: refused
	}{
		{"", map[string]string{}},
		{"# nothing\n\n   \n", map[string]string{}},
		{"listen = 127.0.0.1:1\n\tdata=./x  ", map[string]string{"listen": "127.0.0.1:1", "data-dir": "./x"}},
		{"seal-kms-key = a=b # c", map[string]string{"seal-kms-key": "a=b # c"}},
		{"listen =", map[string]string{"listen": ""}},
		{"listen", nil},
		{"= x", nil},
		{"secret = x", nil},
		{"listen = 1\nlisten = 2", nil},
		{"data = 1\ndata-dir = 2", nil},
		{strings.Repeat("#", maxSettings+1), nil},
	} {
		got, err := parseSettings(c.text, known)
		if (err == nil) != (c.want != nil) || err == nil && !maps.Equal(got, c.want) {
			t.Errorf("%.40q: %v, %v", c.text, got, err)
		}
	}
}

func FuzzParseSettings(f *testing.F) {
	f.Add("listen = 127.0.0.1:4566\n# x\ndata-dir=/d")
	f.Add("=\n==")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSettings(text, func(name string) bool { return name != "" })
		if err != nil {
			return
		}
		for name, value := range got {
			if strings.TrimSpace(name) != name || strings.TrimSpace(value) != value || strings.ContainsAny(name+value, "\n") {
				t.Errorf("%q = %q", name, value)
			}
		}
	})
}

// A flag wins over the environment, that over the file, that over the default.
func TestWhereSettingsComeFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fastness.conf")
	if err := os.WriteFile(file, []byte("region = eu-west-1\naccount = 111122223333\nlisten = 127.0.0.1:1\ndata = /file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FASTNESS_CONFIG", file)
	t.Setenv("FASTNESS_ACCOUNT", "222233334444")
	t.Setenv("FASTNESS_LISTEN", "127.0.0.1:2")
	t.Setenv("FASTNESS_SECRETS", "")
	t.Setenv("FASTNESS_ONCE", "yes") // not a setting
	var got map[string]string
	tried := command{name: "try", define: func(f *flag.FlagSet) runner {
		serve(f)
		f.Bool("once", false, "")
		return func(context.Context, *output) error {
			got = make(map[string]string)
			f.VisitAll(func(g *flag.Flag) { got[g.Name] = g.Value.String() })
			return nil
		}
	}}
	r := root()
	r.AddCommand(tried.cobra())
	r.SetArgs([]string{"try", "--listen", "127.0.0.1:3"})
	if err := r.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"listen": "127.0.0.1:3", "account": "222233334444", "region": "eu-west-1", "data-dir": "/file", "secrets": "",
		"key-rotation": "24h0m0s", "once": "false",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, not %q", name, got[name], want)
		}
	}
}

func TestWrongUse(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "fastness.conf")
	if err := os.WriteFile(bad, []byte("lisen = 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"bogus"}, {"kms", "bogus"}, {"serve", "bogus"}, {"serve", "--bogus"}, {"version", "--output", "yaml"},
		{"kms", "explain"}, {"backup"}, {"kms-plugin"}, {"serve", "--key-rotation", "soon"}, {"serve", "--log-level", "loud"},
		{"env", "--shell", "csh"}, {"env", "--dev", "--https"}, {"fsck", "--config", bad},
	} {
		r := root()
		r.SetArgs(args)
		r.SetOut(new(strings.Builder))
		if err := r.ExecuteContext(t.Context()); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Other flags than settings must be said on the command line: what cannot be undone
// must not lie in wait in the environment.
func TestWhatIsNoSetting(t *testing.T) {
	for name, define := range map[string]func(*flag.FlagSet) runner{
		"new-root": rekey, "threshold": initialize, "reset": unseal, "again": unseal, "to": backup, "from": restore,
	} {
		f := flag.NewFlagSet("", flag.ContinueOnError)
		define(f)
		if g := f.Lookup(name); g == nil || isSetting(g) {
			t.Errorf("--%s is a setting", name)
		}
	}
}
