package seclang

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Config says how the Core Rule Set is run.
type Config struct {
	// Paranoia is the level up to which rules count towards the score, 1 to 4; 1 by default.
	// DetectionParanoia is the level up to which rules run at all, at least Paranoia.
	Paranoia, DetectionParanoia int
	// Threshold is the anomaly score from which on a request is denied; 5 by default, which is
	// that of one critical rule.
	Threshold int
	// Variables are other settings of crs-setup.conf, by their names without "tx.":
	// "allowed_methods", "max_num_args" ….
	Variables map[string]string
	// Removed are the ids of rules that are left out.
	Removed []int
	// Detect runs all rules even after the request was denied.
	Detect bool
}

// prelude does what a configuration of ModSecurity does around the Core Rule Set: rules that match
// add to the score and let the request pass, and bodies are taken apart by their content type.
const prelude = `
SecDefaultAction "phase:1,log,pass"
SecDefaultAction "phase:2,log,pass"
SecRule REQUEST_HEADERS:Content-Type "@rx (?i)^\s*(?:text|application)/(?:[a-z0-9.+-]+\+)?xml\b" "id:100001,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx (?i)^\s*application/(?:[a-z0-9.+-]+\+)?json\b" "id:100002,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
`

// CoreRuleSet finds the rules of a Core Rule Set (version 4): a directory as it is released, with
// rules/*.conf and, if the operator has one, crs-setup.conf; or with the rules in the directory
// itself, or in @owasp_crs, as the Go module coraza-coreruleset has them. Rules for responses are left
// out.
func CoreRuleSet(fsys fs.FS, c Config) ([]Source, Options, error) {
	if c.Paranoia == 0 {
		c.Paranoia = 1
	}
	c.DetectionParanoia = max(c.DetectionParanoia, c.Paranoia)
	if c.Threshold == 0 {
		c.Threshold = 5
	}
	if c.Paranoia < 1 || c.DetectionParanoia > 4 || c.Threshold < 1 {
		return nil, Options{}, fmt.Errorf("seclang: paranoia levels are 1 to 4, and the threshold is at least 1")
	}
	dir, files := "", []string(nil)
	for _, dir = range []string{"rules", "@owasp_crs", "."} {
		files, _ = fs.Glob(fsys, path.Join(dir, "REQUEST-*.conf"))
		if len(files) > 0 {
			break
		}
	}
	if len(files) == 0 {
		return nil, Options{}, errors.New("seclang: there are no files REQUEST-*.conf of a Core Rule Set")
	}
	sources := []Source{{Name: "prelude", Text: prelude}}
	read := func(name string) error {
		b, err := fs.ReadFile(fsys, name)
		if err == nil {
			sources = append(sources, Source{Name: name, Text: string(b)})
		}
		return err
	}
	if err := read("crs-setup.conf"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Options{}, err
	}
	slices.Sort(files)
	for _, name := range files {
		if err := read(name); err != nil {
			return nil, Options{}, err
		}
	}
	if len(c.Removed) > 0 {
		text := "SecRuleRemoveById"
		for _, id := range c.Removed {
			text += " " + strconv.Itoa(id)
		}
		sources = append(sources, Source{Name: "removed", Text: text})
	}
	vars := map[string]string{
		"crs_setup_version":               "4000",
		"blocking_paranoia_level":         strconv.Itoa(c.Paranoia),
		"detection_paranoia_level":        strconv.Itoa(c.DetectionParanoia),
		"inbound_anomaly_score_threshold": strconv.Itoa(c.Threshold),
	}
	maps.Copy(vars, c.Variables)
	return sources, Options{
		Variables: vars,
		Detect:    c.Detect,
		ReadFile:  func(name string) ([]byte, error) { return fs.ReadFile(fsys, path.Join(dir, name)) },
	}, nil
}

var signature = regexp.MustCompile(`OWASP_CRS/([0-9]+\.[0-9]+\.[0-9]+)`)

// Version is the version of a Core Rule Set, empty if its files do not say.
func Version(sources []Source) string {
	for _, s := range sources {
		if strings.Contains(s.Text, "SecComponentSignature") {
			if m := signature.FindStringSubmatch(s.Text); m != nil {
				return m[1]
			}
		}
	}
	return ""
}
