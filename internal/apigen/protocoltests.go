package apigen

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"fastness/internal/apigen/model"
)

// suite is one element of a protocol-test file: a small model and its cases. Every
// case carries the operation it is about; within a suite it is always the same one.
type suite struct {
	Metadata model.Metadata                    `json:"metadata"`
	Shapes   model.Ordered[*model.Shape]       `json:"shapes"`
	Cases    []struct{ Given json.RawMessage } `json:"cases"`
}

// GenerateProtocolTests turns the models inside botocore's protocol tests into Go: for
// each file DIR/{input,output}/<name>.json a package "<direction>_<name>", in it one
// file and one set of names for each suite, prefixed S000, S001 and so on, and a list
// of all suites. importPrefix is the import path of the output directory.
//
// What the generator does not support is returned as skipped, with the reason.
func GenerateProtocolTests(dir, importPrefix string) (tree Tree, skipped []string, err error) {
	tree = Tree{}
	var index []string
	for _, direction := range []string{"input", "output"} {
		paths, err := filepath.Glob(filepath.Join(dir, direction, "*.json"))
		if err != nil {
			return nil, nil, err
		}
		slices.Sort(paths)
		for _, file := range paths {
			base := strings.TrimSuffix(filepath.Base(file), ".json")
			pkg := direction + "_" + strings.NewReplacer("-", "", "_", "").Replace(base)
			from := direction + "/" + base + ".json"
			skips, err := tree.protocolFile(file, pkg, from)
			if err != nil {
				return nil, nil, err
			}
			skipped = append(skipped, skips...)
			index = append(index, fmt.Sprintf("%q: %s.APIs,", direction+"/"+base, pkg))
		}
	}
	if len(index) == 0 {
		return nil, nil, errors.New("no protocol tests in " + dir)
	}
	var src source
	src.p("// APIs are the APIs of all suites: the key names the file, the index is that of the\n// suite in it. A suite that could not be generated is nil.")
	src.p("var APIs = map[string][]*wire.API{")
	var imports []string
	for _, line := range index {
		src.p("%s", line)
		_, pkg, _ := strings.Cut(line, ": ")
		imports = append(imports, importPrefix+"/"+strings.TrimSuffix(pkg, ".APIs,"))
	}
	src.p("}")
	src.doc = "// Package generated holds the models of the protocol tests as Go.\n"
	src.imports = imports
	data, err := src.file(Config{Package: path.Base(importPrefix), From: "the protocol tests"}, "apis.go")
	if err != nil {
		return nil, nil, err
	}
	tree["apis.go"] = data
	return tree, skipped, nil
}

func (t Tree) protocolFile(file, pkg, from string) (skipped []string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var suites []suite
	if err := json.Unmarshal(data, &suites); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var src source
	src.doc = fmt.Sprintf("// Package %s holds the models of the protocol tests in %s.\n", pkg, from)
	src.p("// APIs has one API for each suite, in the order of the file.")
	src.p("var APIs = []*wire.API{")
	for i, s := range suites {
		prefix := fmt.Sprintf("S%03d", i)
		m, err := s.model()
		if err != nil {
			return nil, fmt.Errorf("%s: suite %d: %w", file, i, err)
		}
		cfg := Config{Package: pkg, From: from, Prefix: prefix}
		cfg.Name = fmt.Sprintf("%s_%03d", pkg, i)
		f, err := generateOne(m, cfg, strings.ToLower(prefix)+".go")
		if err != nil {
			skipped = append(skipped, fmt.Sprintf("%s suite %d: %v", from, i, err))
			src.p("nil,")
			continue
		}
		t[path.Join(pkg, f.Name)] = f.Data
		src.p("%sAPI,", prefix)
	}
	src.p("}")
	out, err := src.file(Config{Package: pkg, From: from}, "apis.go")
	if err != nil {
		return nil, err
	}
	t[path.Join(pkg, "apis.go")] = out
	return skipped, nil
}

// model makes a service model of a suite.
func (s *suite) model() (*model.Model, error) {
	m := &model.Model{Metadata: s.Metadata, Shapes: s.Shapes}
	for i, c := range s.Cases {
		op := new(model.Operation)
		if err := json.Unmarshal(c.Given, op); err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
		m.Operations.Set(op.Name, op)
	}
	return m, nil
}
