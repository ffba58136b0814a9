// Apitrim writes models/<name>.json from the models that botocore ships.
//
//	go run ./internal/apigen/cmd/apitrim -botocore DIR -version 1.43.11 -models models
//
// DIR is the package directory of botocore; python3 prints it:
//
//	python3 -c 'import botocore; print(botocore.__path__[0], botocore.__version__)'
//
// It keeps the operations that models/allow.json lists and the shapes they reach, and
// drops every documentation text. Whatever a server needs and the generator does not
// know is an error that names it.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"fastness/internal/apigen/model"
)

func main() {
	botocore := flag.String("botocore", "", "package directory of botocore")
	version := flag.String("version", "", "version of that botocore, stamped into the models")
	models := flag.String("models", "models", "directory of the trimmed models and of allow.json")
	flag.Parse()
	if err := run(*botocore, *version, *models); err != nil {
		fmt.Fprintln(os.Stderr, "apitrim:", err)
		os.Exit(1)
	}
}

func run(botocore, version, models string) error {
	if botocore == "" || version == "" {
		return errors.New("-botocore and -version are required")
	}
	list, err := model.ReadAllowed(filepath.Join(models, "allow.json"))
	if err != nil {
		return err
	}
	for _, a := range list {
		m, err := load(filepath.Join(botocore, "data", a.Source))
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
		fmt.Printf("%s: %d operations, %d shapes, %d bytes\n", a.Name, m.Operations.Len(), m.Shapes.Len(), b.Len())
	}
	return nil
}

// load reads the newest API version under dir, which botocore names by date.
func load(dir string) (*model.Model, error) {
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
	m, err := model.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
