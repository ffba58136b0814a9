package model

import (
	"fmt"
	"slices"
)

// Trim keeps the named operations ("*" means all) and the shapes they reach. What is
// named but missing from the model is an error, as is a reference that leads nowhere.
func (m *Model) Trim(operations []string) error {
	all := slices.Contains(operations, "*")
	for _, name := range operations {
		if _, ok := m.Operations.Get(name); !ok && name != "*" {
			return fmt.Errorf("operation %s is not in the model", name)
		}
	}
	reached := map[string]bool{}
	var ops Ordered[*Operation]
	for name, op := range m.Operations.All() {
		if !all && !slices.Contains(operations, name) {
			continue
		}
		ops.Set(name, op)
		for _, ref := range append([]*IORef{op.Input, op.Output}, op.Errors...) {
			if ref == nil {
				continue
			}
			if err := m.reach(ref.Shape, reached); err != nil {
				return fmt.Errorf("operation %s: %w", name, err)
			}
		}
	}
	var shapes Ordered[*Shape]
	for name, s := range m.Shapes.All() {
		if reached[name] {
			shapes.Set(name, s)
		}
	}
	m.Operations, m.Shapes = ops, shapes
	return nil
}

func (m *Model) reach(name string, reached map[string]bool) error {
	if reached[name] {
		return nil
	}
	s, ok := m.Shapes.Get(name)
	if !ok {
		return fmt.Errorf("shape %s is not in the model", name)
	}
	reached[name] = true
	for _, ref := range s.Refs() {
		if err := m.reach(ref.Shape, reached); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Refs are the members of a structure, or the element, key and value of a collection.
func (s *Shape) Refs() []*Member {
	var refs []*Member
	for _, m := range s.Members.All() {
		refs = append(refs, m)
	}
	for _, m := range []*Member{s.Member, s.Key, s.Value} {
		if m != nil {
			refs = append(refs, m)
		}
	}
	return refs
}
