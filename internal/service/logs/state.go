package logs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// groupRecord is a log group.
type groupRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	// ID is random and new for every creation; streams and events lie under it.
	ID      string `json:"id"`
	Created int64  `json:"created"` // milliseconds since 1970
	// Retention is in days; 0: events are kept forever.
	Retention int32             `json:"retention,omitempty"`
	Protected bool              `json:"protected,omitempty"` // against deletion
	Tags      map[string]string `json:"tags,omitempty"`
}

func (g *groupRecord) scope() table.Scope { return table.Scope{Account: g.Account, Region: g.Region} }

// streamRecord is a stream of a group.
type streamRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Group   string `json:"group"` // the group's id
	Name    string `json:"name"`
	ID      string `json:"id"` // as that of a group
	Created int64  `json:"created"`
}

// policyRecord is a resource policy.
type policyRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	// Resource is the ARN of the log group that the policy is for; empty for the account's policies.
	Resource string `json:"resource,omitempty"`
	Document string `json:"document"`
	Updated  int64  `json:"updated"`
	Revision string `json:"revision,omitempty"`
}

const tableService = "logs"

// tables are the room's records in the store.
type tables struct {
	groups   *table.Table[groupRecord]
	streams  *table.Table[streamRecord]
	policies *table.Table[policyRecord]
}

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.groups, table.Def[groupRecord]{
			Kind:  "group",
			Scope: func(g *groupRecord) table.Scope { return g.scope() },
			ID:    func(g *groupRecord) []table.Part { return parts(g.Name) },
		}),
		register(reg, &t.streams, table.Def[streamRecord]{
			Kind:  "stream",
			Scope: func(s *streamRecord) table.Scope { return table.Scope{Account: s.Account, Region: s.Region} },
			ID:    func(s *streamRecord) []table.Part { return parts(s.Group, s.Name) },
		}),
		register(reg, &t.policies, table.Def[policyRecord]{
			Kind:  "policy",
			Scope: func(p *policyRecord) table.Scope { return table.Scope{Account: p.Account, Region: p.Region} },
			ID:    func(p *policyRecord) []table.Part { return parts(p.Resource, p.Name) },
		}),
		reg.Reserve(tableService, kindBlock, checkBlock),
		reg.Reserve(tableService, kindPart, checkBlock),
		reg.Reserve(tableService, kindHour, checkHour),
	)
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = tableService
	*place, err = table.Register(reg, def)
	return err
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// newID makes the id of a group or a stream.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// group reads a group; the error is ResourceNotFoundException if there is none.
func (t *tables) group(r store.Reader, account, region, name string) (*groupRecord, error) {
	g, err := t.groups.Get(r, table.Scope{Account: account, Region: region}, parts(name)...)
	if isNotFound(err) {
		return nil, noGroup()
	}
	return g, err
}

// stream reads a stream; the error is ResourceNotFoundException if there is none.
func (t *tables) stream(r store.Reader, g *groupRecord, name string) (*streamRecord, error) {
	s, err := t.streams.Get(r, g.scope(), parts(g.ID, name)...)
	if isNotFound(err) {
		return nil, noStream()
	}
	return s, err
}
