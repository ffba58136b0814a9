//go:build unix

package filecrypt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tree makes files (with their names as contents) and directories (names that end in /).
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		writeFile(t, full, []byte(name), 0o644)
	}
	return dir
}

func link(t *testing.T, dir, name, to string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// planned makes a plan below dir; jobs are "source > output", both below dir.
func planned(t *testing.T, dir string, o Options) (jobs []string, failed int, log string, err error) {
	t.Helper()
	t.Chdir(dir)
	if o.Mode == "" {
		o.Mode = Encrypt
	}
	var out bytes.Buffer
	p, err := makePlan(&o, &journal{out: &out})
	if err != nil {
		return nil, 0, out.String(), err
	}
	defer p.close()
	for _, j := range p.jobs {
		jobs = append(jobs, strings.ReplaceAll(j.source+" > "+j.output, dir+"/", ""))
	}
	return jobs, p.failed, out.String(), nil
}

func TestPlans(t *testing.T) {
	dir := tree(t, "a.txt", "b.txt", ".c.txt", "[d].txt", "d.txt", "sub/e.txt", "sub/.f", "sub/deep/g.txt", "sub/empty/", "out/")
	link(t, dir, "link.txt", "a.txt")
	link(t, dir, "linkdir", "sub")
	for name, c := range map[string]struct {
		o    Options
		want []string
	}{
		"streams":                     {Options{Input: "-", Output: "-"}, []string{"<stdin> > <stdout>"}},
		"to a file":                   {Options{Input: "-", Output: "new"}, []string{"<stdin> > new"}},
		"file to file":                {Options{Input: "a.txt", Output: "b.txt"}, []string{"a.txt > b.txt"}},
		"file to stdout":              {Options{Input: "a.txt", Output: "-"}, []string{"a.txt > <stdout>"}},
		"into a directory":            {Options{Input: "a.txt", Output: "out"}, []string{"a.txt > out/a.txt.encrypted"}},
		"decrypted":                   {Options{Mode: DecryptUnsigned, Input: "a.txt", Output: "out"}, []string{"a.txt > out/a.txt.decrypted"}},
		"own suffix":                  {Options{Input: "a.txt", Output: "out", Suffix: new(".x")}, []string{"a.txt > out/a.txt.x"}},
		"no suffix":                   {Options{Input: "a.txt", Output: "out", Suffix: new("")}, []string{"a.txt > out/a.txt"}},
		"pattern":                     {Options{Input: "?.txt", Output: "out"}, []string{"a.txt > out/a.txt.encrypted", "b.txt > out/b.txt.encrypted", "d.txt > out/d.txt.encrypted"}},
		"negated class":               {Options{Input: "[!a].txt", Output: "out"}, []string{"b.txt > out/b.txt.encrypted", "d.txt > out/d.txt.encrypted"}},
		"a name with a [":             {Options{Input: "[d].txt", Output: "out"}, []string{"[d].txt > out/[d].txt.encrypted"}},
		"hidden on request":           {Options{Input: ".*.txt", Output: "out"}, []string{".c.txt > out/.c.txt.encrypted"}},
		"a link":                      {Options{Input: "link.txt", Output: "out"}, []string{"link.txt > out/link.txt.encrypted"}},
		"directories match a pattern": {Options{Input: "su*", Output: "out"}, nil},
		"recursive": {Options{Input: "sub", Output: "out", Recursive: true}, []string{
			"sub/.f > out/.f.encrypted", "sub/deep/g.txt > out/deep/g.txt.encrypted", "sub/e.txt > out/e.txt.encrypted",
		}},
		"recursive through a link": {Options{Input: "linkdir", Output: "out", Recursive: true}, []string{
			"linkdir/.f > out/.f.encrypted", "linkdir/deep/g.txt > out/deep/g.txt.encrypted", "linkdir/e.txt > out/e.txt.encrypted",
		}},
	} {
		got, failed, log, err := planned(t, dir, c.o)
		if err != nil || failed > 0 || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q; %d failed, %v\n%s", name, got, c.want, failed, err, log)
		}
	}
	for name, c := range map[string]struct {
		o       Options
		message string
	}{
		"nothing there":          {Options{Input: "nothing", Output: "out"}, "there is no file"},
		"nothing matches":        {Options{Input: "n*", Output: "out"}, "there is no file"},
		"directory of stdin":     {Options{Input: "-", Output: "out"}, "cannot be a directory"},
		"same":                   {Options{Input: "a.txt", Output: "a.txt"}, "the same"},
		"same by a link":         {Options{Input: "a.txt", Output: "link.txt"}, "the same"},
		"same directory":         {Options{Input: "sub", Output: "linkdir", Recursive: true}, "the same"},
		"many to a file":         {Options{Input: "?.txt", Output: "new"}, "has to be a directory"},
		"directory to a file":    {Options{Input: "sub", Output: "new", Recursive: true}, "has to be a directory"},
		"directory without -r":   {Options{Input: "sub", Output: "out"}, "--recursive"},
		"no parent":              {Options{Input: "a.txt", Output: "no/new"}, "no such file"},
		"a file is no directory": {Options{Input: "a.txt", Output: "b.txt/new"}, "not a directory"},
	} {
		if _, _, _, err := planned(t, dir, c.o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v, without %q", name, err, c.message)
		}
	}
}

func TestATreeWithOddThingsInIt(t *testing.T) {
	dir := tree(t, "in/file", "in/nested/out/old", "in/dir/x", "outside")
	link(t, dir, "in/inside", "file")
	link(t, dir, "in/escape", "../outside")
	link(t, dir, "in/absolute", filepath.Join(dir, "in/file"))
	link(t, dir, "in/nowhere", "nothing")
	link(t, dir, "in/todir", "dir")
	if err := syscall.Mkfifo(filepath.Join(dir, "in/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	jobs, failed, log, err := planned(t, dir, Options{Input: "in", Output: "in/nested/out", Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"in/dir/x > in/nested/out/dir/x.encrypted", "in/file > in/nested/out/file.encrypted", "in/inside > in/nested/out/inside.encrypted"}
	if !slices.Equal(jobs, want) {
		t.Errorf("%q", jobs)
	}
	// Links out of the tree and to nothing fail; an absolute one leads out, wherever it ends.
	if failed != 3 {
		t.Errorf("%d failed\n%s", failed, log)
	}
	for _, told := range []string{"in/escape", "in/absolute", "in/nowhere", "skipping in/todir", "skipping in/pipe", "skipping in/nested/out: the output directory"} {
		if !strings.Contains(log, told) {
			t.Errorf("%s is not mentioned:\n%s", told, log)
		}
	}
}

func TestMetadataIsApart(t *testing.T) {
	dir := tree(t, "in/a", "out/", "b", "c")
	t.Chdir(dir)
	for name, c := range map[string]struct {
		o       Options
		message string
	}{
		"stdout twice":  {Options{Input: "b", Output: "-", Metadata: "-"}, "both"},
		"a directory":   {Options{Input: "b", Output: "c", Metadata: "out"}, "is a directory"},
		"the input":     {Options{Input: "b", Output: "c", Metadata: "b"}, "cannot be the input"},
		"the output":    {Options{Input: "b", Output: "new", Metadata: "./new"}, "cannot be the output"},
		"in the input":  {Options{Input: "in", Output: "out", Metadata: "in/m"}, "in the input directory"},
		"in the output": {Options{Input: "in", Output: "out", Metadata: "out/m"}, "in the output directory"},
		"no parent":     {Options{Input: "b", Output: "c", Metadata: "no/m"}, "no such file"},
	} {
		if _, err := newMetadata(&c.o, nil); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v, without %q", name, err, c.message)
		}
	}
	if _, err := newMetadata(&Options{Input: "in", Output: "out", Metadata: "outer"}, nil); err != nil {
		t.Errorf("a neighbour of the output: %v", err)
	}
}
