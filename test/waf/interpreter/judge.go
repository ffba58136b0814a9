package interpreter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

// Judge tells what a value does. It is for one goroutine.
type Judge interface {
	Judge(ctx context.Context, value string) (Judgement, error)
	Close() error
}

// Judgement is what was found out about a value.
type Judgement struct {
	Verdict verdict.Verdict
	// Kind names the place and what was seen there, without anything of the value: totals may be made of it.
	Kind string
	// How says at which place in which reading, and what was seen.
	How string
}

// rank orders verdicts.
func rank(v verdict.Verdict) int {
	return slices.Index([]verdict.Verdict{verdict.Neither, verdict.Possible, verdict.Active, verdict.Shown}, v)
}

// take takes what is stronger.
func (j *Judgement) take(v verdict.Verdict, kind, format string, args ...any) {
	if j.Verdict == "" {
		j.Verdict = verdict.Neither
	}
	if rank(v) > rank(j.Verdict) {
		*j = Judgement{v, kind, fmt.Sprintf(format, args...)}
	}
}

// part is something that a judge needs: one of files, of a package of Debian.
type part struct {
	of    string
	files []string
}

// need tells which packages are missing.
func need(parts ...part) error {
	var missing []string
	for _, p := range parts {
		there := false
		for _, f := range p.files {
			if found, _ := filepath.Glob(f); len(found) > 0 { // the pattern is right
				there = true
			}
		}
		if !there {
			missing = append(missing, p.of)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: %s (apt-get install --no-install-recommends %s)", strings.Join(missing, ", "), strings.Join(missing, " "))
	}
	return nil
}

var (
	python = part{"python3", []string{"/usr/bin/python3"}}
	node   = part{"nodejs", []string{"/usr/bin/node"}}
	phpCLI = part{"php-cli", []string{"/usr/bin/php"}}
	ruby   = part{"ruby", []string{"/usr/bin/ruby"}}
	perl   = part{"perl", []string{"/usr/bin/perl"}}
	curl   = part{"curl", []string{"/usr/bin/curl"}}
	java   = part{"default-jdk-headless", []string{"/usr/bin/javac"}}
)

// debian is a box with Debian's programs and further files.
func debian(files map[string]string, writable ...string) sandbox.Spec {
	s := sandbox.Spec{
		Files: files, Links: map[string]string{"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"},
		Shown: map[string]string{"/usr": "/usr"}, Writable: append([]string{"/tmp"}, writable...), Work: "/tmp",
		Environment: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "LANG=C.UTF-8"},
	}
	for _, d := range []string{"/etc/alternatives", "/etc/java-17-openjdk", "/etc/ssl/openssl.cnf"} {
		if _, err := os.Stat(d); err == nil {
			s.Shown[d] = d
		}
	}
	return s
}

// Verify tries whether a box holds. It is to be asked before any judge is made, and [Main] is to be called before.
func Verify(ctx context.Context) error { return sandbox.Verify(ctx) }

// closeAll closes workers and their box.
func closeAll(box *sandbox.Box, workers ...*sandbox.Worker) error {
	for _, w := range workers {
		if w != nil {
			w.Close()
		}
	}
	if box == nil {
		return nil
	}
	return box.Close()
}

// ended tells whether err is of a program that ended on a value, which is an answer, and no error of the judge.
func ended(err error) bool { return errors.Is(err, sandbox.ErrEnded) }
