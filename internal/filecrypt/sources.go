package filecrypt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// job is one input and where its output goes.
type job struct {
	// source and output are names for people and for metadata: absolute paths, <stdin>,
	// <stdout>.
	source, output string
	// open opens the input; nil for standard input.
	open func() (*os.File, error)
	// dir and name are the output file. Without dir the output is a device or a pipe
	// called name, or standard output if there is no name either.
	dir  *os.Root
	name string
}

// plan is what a run is going to do.
type plan struct {
	jobs  []job
	roots []*os.Root // to close at the end
	// failed counts inputs that cannot be read at all; they have been complained about.
	failed int
}

func (p *plan) close() {
	for _, r := range p.roots {
		_ = r.Close() // directories, opened for reading
	}
}

func (p *plan) root(dir string) (*os.Root, error) {
	r, err := os.OpenRoot(dir)
	if err == nil {
		p.roots = append(p.roots, r)
	}
	return r, err
}

// makePlan lists all jobs before the first is done, so that outputs never become inputs.
// What is wrong with the options is an error; what is wrong with single files is counted.
func makePlan(o *Options, log *journal) (p *plan, err error) {
	p = new(plan)
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	outputIsDir := o.Output != stream && isDir(o.Output)
	if o.Input == stream {
		if outputIsDir {
			return p, usage("the output of standard input cannot be a directory")
		}
		j := job{source: "<stdin>"}
		p.jobs = []job{j}
		return p, p.toFile(&p.jobs[0], o.Output)
	}
	matches, literal, err := expand(o.Input)
	if err != nil {
		return p, usage("--input: %w", err)
	}
	if len(matches) == 0 {
		return p, usage("--input: there is no file %s", printable(o.Input))
	}
	if !outputIsDir && len(matches) > 1 {
		return p, usage("%d files match the input, so the output has to be a directory that exists", len(matches))
	}
	if err := notTheSame(o); err != nil {
		return p, err
	}
	var out *os.Root
	if outputIsDir {
		if out, err = p.root(o.Output); err != nil {
			return p, usage("--output: %w", err)
		}
	}
	for _, m := range matches {
		st, err := os.Stat(m)
		switch {
		case err != nil:
			p.failed++
			log.failure(m, err)
		case st.IsDir():
			if !outputIsDir {
				return p, usage("%s is a directory, so the output has to be a directory that exists", printable(m))
			}
			if !o.Recursive {
				if literal {
					return p, usage("%s is a directory: --recursive takes it", printable(m))
				}
				log.warn("skipping %s: a directory, and --recursive is not given", m)
				continue
			}
			if err := p.addTree(o, m, out, log); err != nil {
				return p, err
			}
		case !st.Mode().IsRegular() && !literal:
			log.warn("skipping %s: not a file", m)
		default:
			j := job{source: absolute(m), open: func() (*os.File, error) { return os.Open(m) }}
			if out != nil {
				p.toDirectory(&j, o, out, filepath.Base(m))
			} else if err := p.toFile(&j, o.Output); err != nil {
				return p, err
			}
			p.jobs = append(p.jobs, j)
		}
	}
	return p, nil
}

// toFile directs a job to a single output.
func (p *plan) toFile(j *job, output string) error {
	if output == stream {
		j.output = "<stdout>"
		return nil
	}
	j.output = absolute(output)
	st, err := os.Stat(output)
	switch {
	case err == nil && !st.Mode().IsRegular():
		j.name = output // a device or a pipe: there is nothing to replace
		return nil
	case err == nil:
		// Through links, as cp writes: the file is replaced and the link stays.
		if output, err = filepath.EvalSymlinks(output); err != nil {
			return usage("--output: %w", err)
		}
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(output); err == nil {
			return usage("--output: %s is a link to nothing", printable(output))
		}
	default:
		return usage("--output: %w", err)
	}
	dir, err := p.root(filepath.Dir(output))
	if err != nil {
		return usage("--output: %w", err)
	}
	j.dir, j.name = dir, filepath.Base(output)
	return nil
}

// toDirectory directs a job into the output directory; rel is where, without the suffix.
func (p *plan) toDirectory(j *job, o *Options, out *os.Root, rel string) {
	suffix := o.Mode.suffix()
	if o.Suffix != nil {
		suffix = *o.Suffix
	}
	j.dir, j.name = out, rel+suffix
	j.output = filepath.Join(absolute(o.Output), j.name)
}

// addTree adds all files of a directory. Links to files are followed as long as they stay
// inside it; links to directories, devices, pipes and sockets are left out; a link that
// leads outside or nowhere is a failure. The output directory is left out if it is inside.
func (p *plan) addTree(o *Options, dir string, out *os.Root, log *journal) error {
	in, err := p.root(dir)
	if err != nil {
		p.failed++
		log.failure(dir, err)
		return nil
	}
	own, err := out.Stat(".")
	if err != nil {
		return err
	}
	return fs.WalkDir(in.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		shown := filepath.Join(dir, name)
		if err != nil {
			p.failed++
			log.failure(shown, err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			if st, err := d.Info(); err == nil && os.SameFile(st, own) {
				log.warn("skipping %s: the output directory", shown)
				return fs.SkipDir
			}
			return nil
		}
		kind := d.Type()
		if kind == fs.ModeSymlink {
			st, err := in.Stat(name)
			if err != nil {
				p.failed++
				log.failure(shown, fmt.Errorf("the link is not followed: %w", err))
				return nil
			}
			kind = st.Mode().Type()
		}
		switch {
		case kind.IsDir():
			log.warn("skipping %s: a link to a directory", shown)
			return nil
		case kind != 0:
			log.warn("skipping %s: not a file", shown)
			return nil
		}
		j := job{source: absolute(shown), open: func() (*os.File, error) { return in.Open(name) }}
		p.toDirectory(&j, o, out, name)
		p.jobs = append(p.jobs, j)
		return nil
	})
}

// notTheSame refuses a path as its own output.
func notTheSame(o *Options) error {
	if o.Output == stream {
		return nil
	}
	in, err := os.Stat(o.Input)
	if err != nil {
		return nil // a pattern
	}
	if out, err := os.Stat(o.Output); err == nil && os.SameFile(in, out) {
		return usage("input and output are the same")
	}
	return nil
}

// expand lists the paths that an input stands for: itself if it exists, else what it
// matches as a pattern. As in AWS's tool, ! negates a class of characters, a backslash is
// a character like any other, and * does not match the dot that hides a file.
func expand(input string) (paths []string, literal bool, err error) {
	if _, err := os.Lstat(input); err == nil {
		return []string{input}, true, nil
	}
	if !strings.ContainsAny(input, "*?[") {
		return nil, true, nil
	}
	pattern := strings.ReplaceAll(input, "[!", "[^")
	if filepath.Separator == '/' {
		pattern = strings.ReplaceAll(pattern, `\`, `\\`)
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, false, err
	}
	for _, f := range found {
		if !hidden(input, f) {
			paths = append(paths, f)
		}
	}
	return paths, false, nil
}

// hidden tells whether a wildcard of the pattern has matched a leading dot.
func hidden(pattern, match string) bool {
	patterns, names := strings.Split(filepath.ToSlash(pattern), "/"), strings.Split(filepath.ToSlash(match), "/")
	if len(patterns) != len(names) {
		return false
	}
	for i, n := range names {
		if strings.HasPrefix(n, ".") && patterns[i] != n && !strings.HasPrefix(patterns[i], ".") {
			return true
		}
	}
	return false
}

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// parentOf is the directory part of a name below a root, with its slash.
func parentOf(name string) string {
	dir, _ := path.Split(filepath.ToSlash(name))
	return dir
}
