package model

import (
	"encoding/json"
	"fmt"
	"os"
)

// Allowed is one API that we offer: an entry of models/allow.json.
type Allowed struct {
	// Name is ours: the package is Name + "api", the model models/<Name>.json.
	Name string `json:"name"`
	// Source is the directory of botocore's data; Name when empty.
	Source string `json:"source,omitempty"`
	// Operations we offer; "*" means all.
	Operations []string `json:"operations"`
	// IAMPrefix is the prefix of its IAM actions; Name when empty.
	IAMPrefix string `json:"iamPrefix,omitempty"`
	// EventSource in CloudTrail; the endpoint prefix + ".amazonaws.com" when empty.
	EventSource string `json:"eventSource,omitempty"`
	// Global APIs have one endpoint for all Regions.
	Global bool `json:"global,omitempty"`
}

// ReadAllowed reads an allow list and fills in its defaults.
func ReadAllowed(path string) ([]Allowed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read allow list: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	var list []Allowed
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("read allow list %s: %w", path, err)
	}
	seen := map[string]bool{}
	for i := range list {
		a := &list[i]
		if a.Name == "" || seen[a.Name] || len(a.Operations) == 0 {
			return nil, fmt.Errorf("allow list %s: entry %d (%q) has no name, a name that occurs twice, or no operations", path, i+1, a.Name)
		}
		seen[a.Name] = true
		if a.Source == "" {
			a.Source = a.Name
		}
		if a.IAMPrefix == "" {
			a.IAMPrefix = a.Name
		}
	}
	return list, nil
}
