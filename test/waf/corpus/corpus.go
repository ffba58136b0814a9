package corpus

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Class is what a sample does.
type Class string

// The classes of attacks, and ordinary traffic.
const (
	SQL       Class = "sql injection"
	XSS       Class = "cross-site scripting"
	Traversal Class = "path traversal, file inclusion"
	Command   Class = "command injection"
	Template  Class = "template and expression injection"
	NoSQL     Class = "nosql injection"
	LDAP      Class = "ldap and xpath injection"
	XML       Class = "xml external entities"
	Include   Class = "server-side includes"
	Fetch     Class = "request forgery, redirects"
	Splitting Class = "header splitting"
	// Redirect is an address of another site, in lists for those who look for redirects. Links look the same, so it
	// counts as neither.
	Redirect   Class = "redirects"
	Code       Class = "code injection"
	Probe      Class = "probes of scanners"
	Mixed      Class = "mixed attacks"
	Holes      Class = "requests for known holes"
	Ordinary   Class = "ordinary values"
	OrdinaryRq Class = "ordinary requests"
	Text       Class = "technical text"
	// Program is source code that somebody pastes: ordinary where code is what is talked about, and what an attack
	// sends where it is not. It counts as neither.
	Program Class = "source code"
)

// Benign tells whether the class is of ordinary traffic.
func (c Class) Benign() bool { return c == Ordinary || c == OrdinaryRq || c == Text || c == Program }

// Counted tells whether the class is one of those that the totals are made of.
func (c Class) Counted() bool { return c != Program && c != Redirect }

// Half is the half of the corpus that a collection is in.
type Half bool

// The halves.
const (
	Tuning Half = false
	Test   Half = true
)

// Sample is one value that somebody sends.
type Sample struct {
	// Source is the collection, Class its class.
	Source string
	Class  Class
	// Value is the value as an application is to receive it; for Target samples it is a request
	// target as it was sent.
	Value  string
	Target bool
	// Fields and Body are those of a whole request whose target is Value.
	Method string
	Fields [][2]string
	Body   string
}

// source is one collection: the files that match globs below a checkout.
type source struct {
	half  Half
	repo  string
	class Class
	globs []string // with ** for any depth
	read  func(path string, add func(class Class, value string, target bool)) error
	// whole, if set, reads whole requests instead.
	whole func(path string, add func(Sample)) error
}

// Load reads all samples of one half, in a fixed order and without duplicates. What is in the tuning half is
// not in the test half: collections copy each other.
func Load(dir string, half Half) ([]Sample, error) {
	known := map[string]bool{}
	if half == Test {
		tuning, err := Load(dir, Tuning)
		if err != nil {
			return nil, err
		}
		for i := range tuning {
			known[tuning[i].Value] = true
		}
	}
	var all []Sample
	seen := map[string]bool{}
	for _, s := range sources {
		if s.half != half {
			continue
		}
		files, err := s.files(dir)
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("corpus: %s has no file that matches %s", filepath.Join(dir, s.repo), strings.Join(s.globs, ", "))
		}
		for _, f := range files {
			if s.whole != nil {
				err := s.whole(f, func(x Sample) {
					key := fmt.Sprint(x.Method, x.Value, x.Fields, x.Body)
					if seen[key] {
						return
					}
					seen[key] = true
					if x.Class == "" {
						x.Class = s.class
					}
					x.Source, x.Target = s.repo, true
					all = append(all, x)
				})
				if err != nil {
					return nil, fmt.Errorf("corpus: %s: %w", f, err)
				}
				continue
			}
			err := s.read(f, func(class Class, value string, target bool) {
				if class == "" {
					class = s.class
				}
				key := string(class) + "\x00" + value
				if seen[key] || noise(class, value) || known[value] && !class.Benign() {
					return
				}
				seen[key] = true
				all = append(all, Sample{Source: s.repo, Class: class, Value: value, Target: target})
			})
			if err != nil {
				return nil, fmt.Errorf("corpus: %s: %w", f, err)
			}
		}
	}
	return all, nil
}

func (s source) files(dir string) ([]string, error) {
	root := filepath.Join(dir, s.repo)
	var found []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, _ := filepath.Rel(root, p)
		for _, g := range s.globs {
			if globs(g, filepath.ToSlash(rel)) {
				found = append(found, p)
				break
			}
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// globs is path.Match with ** for any number of folders at the beginning.
func globs(pattern, name string) bool {
	rest, deep := strings.CutPrefix(pattern, "**/")
	if !deep {
		ok, _ := filepath.Match(pattern, name)
		return ok
	}
	for {
		if ok, _ := filepath.Match(rest, name); ok {
			return true
		}
		_, after, more := strings.Cut(name, "/")
		if !more {
			return false
		}
		name = after
	}
}

// lines reads a value a line.
func lines(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) { add("", l, false) })
}

// targets reads a request target a line.
func targets(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) { add("", l, true) })
}

func eachLine(path string, f func(string)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		l := strings.TrimRight(sc.Text(), "\r")
		if l != "" && utf8.ValidString(l) {
			f(l)
		}
	}
	return nil // a line over 1 MiB ends the file
}

// labelled reads the CSV files of HttpParamsDataset: payload, length, attack_type, label.
func labelled(path string, add func(Class, string, bool)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	classes := map[string]Class{"norm": Ordinary, "sqli": SQL, "xss": XSS, "cmdi": Command, "path-traversal": Traversal}
	for _, row := range rows {
		if len(row) >= 4 && classes[row[2]] != "" {
			add(classes[row[2]], row[0], false)
		}
	}
	return nil
}

// fenced reads a value a line from the fenced blocks of a Markdown page, whose markup is HTML's.
func fenced(path string, add func(Class, string, bool)) error {
	inside := false
	return eachLine(path, func(l string) {
		if strings.HasPrefix(l, "```") {
			inside = !inside
		} else if inside {
			add("", html.UnescapeString(l), false)
		}
	})
}
