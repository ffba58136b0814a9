package iam

import (
	"embed"
	"encoding/json"
	"fmt"
	"time"
)

// AWS managed policies: those for job functions and for the services that Fastness has
// or will have, as AWS publishes them. index.json says where they were read and names
// them; each document has a file of its own, read and compiled when somebody first uses it.
//
//go:embed awspolicies
var awsPolicyFiles embed.FS

// awsPolicyIndex is index.json. Descriptions are there where they are known.
type awsPolicyIndex struct {
	Policies []struct {
		Name        string    `json:"name"`
		Path        string    `json:"path"`
		ID          string    `json:"id"`
		Description string    `json:"description"`
		Created     time.Time `json:"created"`
		Updated     time.Time `json:"updated"`
		Version     int       `json:"version"`
	} `json:"policies"`
}

// awsPolicies are the embedded policies by ARN.
func awsPolicies() (map[string]*managed, error) {
	raw, err := awsPolicyFiles.ReadFile("awspolicies/index.json")
	if err != nil {
		return nil, fmt.Errorf("iam: AWS managed policies: %w", err)
	}
	var index awsPolicyIndex
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("iam: AWS managed policies: %w", err)
	}
	policies := make(map[string]*managed, len(index.Policies))
	for _, p := range index.Policies {
		m := &managed{
			head:        head{ID: p.ID, Account: awsAccount, Name: p.Name, Path: p.Path, Created: p.Created},
			Description: p.Description, Updated: p.Updated,
			Versions: []version{{Number: p.Version, Created: p.Updated, Doc: &document{file: "awspolicies/" + p.Name + ".json"}}},
			Default:  p.Version, Next: p.Version + 1,
		}
		policies[arnOf(m)] = m
	}
	return policies, nil
}
