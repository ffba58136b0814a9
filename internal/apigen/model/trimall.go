package model

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// TrimAll writes <name>.json into the directory models for every API that its
// allow.json lists, from botocore's package directory. version is stamped into them;
// report gets a line for each.
func TrimAll(botocore, version, models string, report io.Writer) error {
	list, err := ReadAllowed(filepath.Join(models, "allow.json"))
	if err != nil {
		return err
	}
	for _, a := range list {
		m, err := readNewest(filepath.Join(botocore, "data", a.Source))
		if err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		if err := m.Trim(a.Operations); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		m.Origin = "botocore " + version
		var b bytes.Buffer
		if err := m.Write(&b); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		if err := os.WriteFile(filepath.Join(models, a.Name+".json"), b.Bytes(), 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(report, "%s: %d operations, %d shapes, %d bytes\n", a.Name, m.Operations.Len(), m.Shapes.Len(), b.Len()); err != nil {
			return err
		}
	}
	return nil
}

// readNewest reads the newest API version under dir, which botocore names by date. The
// file may be compressed.
func readNewest(dir string) (*Model, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "service-2.json*"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no service-2.json under %s", dir)
	}
	path := slices.Max(paths)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if filepath.Ext(path) == ".gz" {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r = z
	}
	m, err := Read(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
