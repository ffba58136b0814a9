package iamdata

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// npm makes an unpacked npm package with the services x and y, of which y is damaged.
func npm(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json":              `{"name": "p", "version": "1.2.3"}`,
		"data/actions/x.json":       `{"puttag": {"name": "PutTag", "description": "prose", "accessLevel": "Tagging, Write", "resourceTypes": [{"name": "box", "required": true, "conditionKeys": ["x:B"]}], "conditionKeys": ["x:C", "x:A"]}}`,
		"data/resourceTypes/x.json": `{"box": {"key": "box", "arn": "arn:${Partition}:x:::box/${Id}", "conditionKeys": ["x:A", "x:D"]}}`,
		"data/conditionKeys/x.json": `{"x:a": {"key": "x:A", "description": "prose", "type": "String"}}`,
		"data/actions/y.json":       `{"go": {"name": "Go", "accessLevel": "Read", "resourceTypes": [{"name": "gone"}]}}`,
		"data/resourceTypes/y.json": `{}`,
		"data/conditionKeys/y.json": `{}`,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestImportAll(t *testing.T) {
	dir, models := npm(t), t.TempDir()
	allow := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(models, "allow.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	allow(`[{"name": "x", "operations": ["*"]}, {"name": "x2", "iamPrefix": "x", "operations": ["*"]}]`)
	var report bytes.Buffer
	if err := ImportAll(dir, models, &report); err != nil {
		t.Fatal(err)
	}
	if report.String() != "x: 1 actions, 1 resource types\n" {
		t.Errorf("reported %q", report.String())
	}
	want, err := Import(dir, "x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(filepath.Join(models, "iam"), "x")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read again: %+v, %v", got, err)
	}
	allow(`[{"name": "z", "operations": ["*"]}]`)
	if err := ImportAll(dir, models, &report); err == nil {
		t.Error("a service that does not exist")
	}
}

func TestImport(t *testing.T) {
	dir := npm(t)
	s, err := Import(dir, "x")
	if err != nil {
		t.Fatal(err)
	}
	if s.Origin != "p 1.2.3" || s.ConditionKeys["x:A"] != "String" {
		t.Errorf("%+v", s)
	}
	a, err := s.Action("PutTag")
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "x:PutTag" || a.AccessLevel != "Tagging" || !slices.Equal(a.ConditionKeys, []string{"x:A", "x:B", "x:C", "x:D"}) {
		t.Errorf("%+v", a)
	}
	if len(a.Resources) != 1 || a.Resources[0].ARN != "arn:${Partition}:x:::box/${Id}" || !a.Resources[0].Required {
		t.Errorf("%+v", a.Resources)
	}
	if _, err := s.Action("Nope"); err == nil {
		t.Error("an action that does not exist")
	}
	if s, err = Import(dir, "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Action("Go"); err == nil {
		t.Error("a resource type that does not exist")
	}
	if _, err := Import(dir, "z"); err == nil {
		t.Error("a service that does not exist")
	}
}

// The committed data is readable and complete in itself.
func TestCommittedData(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "models", "iam")
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no data", err)
	}
	for _, p := range paths {
		prefix := filepath.Base(p[:len(p)-len(".json")])
		s, err := Read(dir, prefix)
		if err != nil {
			t.Error(err)
			continue
		}
		for name := range s.Actions {
			if _, err := s.Action(name); err != nil {
				t.Error(err)
			}
		}
	}
}
