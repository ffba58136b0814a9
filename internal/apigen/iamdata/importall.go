package iamdata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fastness/internal/apigen/model"
)

// ImportAll writes iam/<prefix>.json below the directory models for every service prefix
// that its allow.json names, from the unpacked npm package in dir. report gets a line
// for each.
func ImportAll(dir, models string, report io.Writer) error {
	list, err := model.ReadAllowed(filepath.Join(models, "allow.json"))
	if err != nil {
		return err
	}
	out := filepath.Join(models, "iam")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, a := range list {
		if done[a.IAMPrefix] {
			continue
		}
		done[a.IAMPrefix] = true
		s, err := Import(dir, a.IAMPrefix)
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
		if err := os.WriteFile(filepath.Join(out, a.IAMPrefix+".json"), b.Bytes(), 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(report, "%s: %d actions, %d resource types\n", a.IAMPrefix, len(s.Actions), len(s.Resources)); err != nil {
			return err
		}
	}
	return nil
}
