package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// settingMark annotates flags that may come from the environment and the file. What a
// command does once, like replacing a key, must be said on the command line.
const settingMark = "setting"

// settings makes all flags that f has so far settings.
func settings(f *flag.FlagSet) {
	f.VisitAll(func(g *flag.Flag) {
		if g.Annotations == nil {
			g.Annotations = make(map[string][]string)
		}
		g.Annotations[settingMark] = []string{}
	})
}

func isSetting(g *flag.Flag) bool { _, ok := g.Annotations[settingMark]; return ok }

// ownFileMark annotates a --config that is a command's own: no file of settings.
const ownFileMark = "own file"

// variable is the environment variable of a flag: FASTNESS_DATA_DIR for --data-dir.
func variable(name string) string {
	return "FASTNESS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// complete gives flags that the command line leaves out the value of the environment,
// else of the file. An empty variable counts as unset.
func complete(f *flag.FlagSet) error {
	config, file := f.Lookup("config"), ""
	if _, own := config.Annotations[ownFileMark]; !own {
		if file = config.Value.String(); file == "" {
			file = os.Getenv(variable("config"))
		}
	}
	var given map[string]string
	if file != "" {
		var err error
		if given, err = readSettings(file, f); err != nil {
			return err
		}
	}
	var errs []error
	set := func(g *flag.Flag, value, from string) {
		if err := f.Set(g.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%w: %s: %w", errUsage, from, err))
		}
	}
	f.VisitAll(func(g *flag.Flag) {
		if g.Changed || !isSetting(g) {
			return
		}
		if v := os.Getenv(variable(g.Name)); v != "" {
			set(g, v, variable(g.Name))
		} else if v, ok := given[g.Name]; ok {
			set(g, v, file)
		}
	})
	return errors.Join(errs...)
}

// maxSettings bounds a file of settings, in bytes.
const maxSettings = 64 << 10

// readSettings reads a file of settings. One file serves all commands, so the names are
// those of the settings of serve and of f.
func readSettings(name string, f *flag.FlagSet) (map[string]string, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxSettings+1))
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	all := flag.NewFlagSet("", flag.ContinueOnError)
	serveFlags(all, new(app.Config))
	known := func(key string) bool {
		for _, s := range []*flag.FlagSet{all, f} {
			if g := s.Lookup(key); g != nil && isSetting(g) {
				return true
			}
		}
		return false
	}
	given, err := parseSettings(string(text), known)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUsage, name, err)
	}
	return given, nil
}

// parseSettings reads lines of NAME = VALUE. Empty lines and lines that begin with # say
// nothing. Space around names and values does not count; nothing is quoted.
func parseSettings(text string, known func(name string) bool) (map[string]string, error) {
	if len(text) > maxSettings {
		return nil, fmt.Errorf("longer than %d bytes", maxSettings)
	}
	given := make(map[string]string)
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if name == "data" {
			name = "data-dir"
		}
		switch _, twice := given[name]; {
		case !ok:
			return nil, fmt.Errorf("line %d: not NAME = VALUE", n)
		case !known(name):
			return nil, fmt.Errorf("line %d: there is no setting %q", n, name)
		case twice:
			return nil, fmt.Errorf("line %d: %s is given twice", n, name)
		}
		given[name] = value
	}
	return given, nil
}
