package iam

import (
	"embed"
	"encoding/json"
	"fmt"
	"time"
)

// AWS managed policies: a small set, with the documents of the "AWS Managed Policy
// Reference Guide". The guide does not state policy ids; ours are made from the name
// and stay the same for ever.
//
//go:embed awspolicies.json
var awsPolicyFiles embed.FS

type awsPolicyFile struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	ID          string          `json:"id"`
	Description string          `json:"description"`
	Created     time.Time       `json:"created"`
	Updated     time.Time       `json:"updated"`
	Version     int             `json:"version"`
	Document    json.RawMessage `json:"document"`
}

// awsPolicies are the embedded policies by ARN.
func awsPolicies() (map[string]*managed, error) {
	raw, err := awsPolicyFiles.ReadFile("awspolicies.json")
	if err != nil {
		return nil, fmt.Errorf("iam: AWS managed policies: %w", err)
	}
	var files []awsPolicyFile
	if err := json.Unmarshal(raw, &files); err != nil {
		return nil, fmt.Errorf("iam: AWS managed policies: %w", err)
	}
	policies := make(map[string]*managed, len(files))
	for _, f := range files {
		m := &managed{
			head:        head{ID: f.ID, Account: awsAccount, Name: f.Name, Path: f.Path, Created: f.Created},
			Description: f.Description, Updated: f.Updated,
			Versions: []version{{Number: f.Version, Created: f.Updated, Doc: newDocument(string(f.Document))}},
			Default:  f.Version, Next: f.Version + 1,
		}
		policies[arnOf(m)] = m
	}
	return policies, nil
}
