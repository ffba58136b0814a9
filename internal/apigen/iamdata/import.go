package iamdata

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// The forms of the npm package: data/actions/<prefix>.json and so on are objects whose
// keys are the names in lower case.
type (
	packageAction struct {
		Name          string            `json:"name"`
		AccessLevel   string            `json:"accessLevel"`
		ResourceTypes []packageResource `json:"resourceTypes"`
		ConditionKeys []string          `json:"conditionKeys"`
	}
	packageResource struct {
		Name          string   `json:"name"`
		Required      bool     `json:"required"`
		ConditionKeys []string `json:"conditionKeys"`
	}
	packageType struct {
		Key           string   `json:"key"`
		ARN           string   `json:"arn"`
		ConditionKeys []string `json:"conditionKeys"`
	}
	packageKey struct {
		Key  string `json:"key"`
		Type string `json:"type"`
	}
)

// Import reads one service from the unpacked npm package in dir and drops the prose.
func Import(dir, prefix string) (*Service, error) {
	var meta struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	if err := load(filepath.Join(dir, "package.json"), &meta); err != nil {
		return nil, err
	}
	var actions map[string]packageAction
	if err := load(filepath.Join(dir, "data", "actions", prefix+".json"), &actions); err != nil {
		return nil, err
	}
	var types map[string]packageType
	if err := load(filepath.Join(dir, "data", "resourceTypes", prefix+".json"), &types); err != nil {
		return nil, err
	}
	var keys map[string]packageKey
	if err := load(filepath.Join(dir, "data", "conditionKeys", prefix+".json"), &keys); err != nil {
		return nil, err
	}
	s := &Service{
		Origin: meta.Name + " " + meta.Version, Prefix: prefix,
		Actions: map[string]Action{}, Resources: map[string]Resource{}, ConditionKeys: map[string]string{},
	}
	for _, a := range actions {
		out := Action{AccessLevel: a.AccessLevel, ConditionKeys: sorted(a.ConditionKeys)}
		for _, r := range a.ResourceTypes {
			out.Resources = append(out.Resources, Target{r.Name, r.Required, sorted(r.ConditionKeys)})
		}
		s.Actions[a.Name] = out
	}
	for _, t := range types {
		s.Resources[t.Key] = Resource{t.ARN, sorted(t.ConditionKeys)}
	}
	for _, k := range keys {
		s.ConditionKeys[k.Key] = k.Type
	}
	return s, nil
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func load(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
