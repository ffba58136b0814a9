package apigen

import (
	"fmt"
	"slices"
	"strings"

	"fastness/internal/wire"
)

// authorize fills in the IAM actions and the read-only flag of an operation. An
// operation whose action nobody knows is an error: the front door would have nothing
// to authorize.
func (p *plan) authorize(op *operation) error {
	if p.cfg.Actions == nil {
		return nil
	}
	names, mapped := p.cfg.Rules.Actions[op.name]
	if !mapped {
		names = []string{p.cfg.IAMPrefix + ":" + op.name}
	}
	for _, full := range names {
		prefix, name, _ := strings.Cut(full, ":")
		service, err := p.cfg.Actions(prefix)
		if err != nil {
			return err
		}
		a, err := service.Action(name)
		if err != nil {
			return fmt.Errorf("%w: map the operation in internal/apigen/rules.json", err)
		}
		op.actions = append(op.actions, a)
	}
	op.readOnly = len(op.actions) > 0 && !slices.ContainsFunc(op.actions, func(a wire.Action) bool {
		return a.AccessLevel != "Read" && a.AccessLevel != "List"
	})
	r := p.cfg.Rules
	if slices.Contains(r.ReadOnly, op.name) || slices.Contains(r.ReadOnly, "*") {
		op.readOnly = true
	}
	if slices.Contains(r.NotReadOnly, op.name) {
		op.readOnly = false
	}
	op.dataEvent = slices.Contains(r.DataEvents, op.name) || slices.Contains(r.DataEvents, "*")
	return nil
}

// checkRules refuses rules about operations and shapes that do not exist.
func (p *plan) checkRules() error {
	r := p.cfg.Rules
	names := slices.Concat(r.ReadOnly, r.NotReadOnly, r.DataEvents)
	for n := range r.Actions {
		names = append(names, n)
	}
	for _, n := range names {
		if _, ok := p.model.Operations.Get(n); !ok && n != "*" {
			return fmt.Errorf("rules.json names operation %s, which is not offered", n)
		}
	}
	for _, n := range r.OwnChecks {
		if p.byName[n] == nil {
			return fmt.Errorf("rules.json names shape %s, which is not reached", n)
		}
	}
	for n, order := range r.EnumOrder {
		sh := p.byName[n]
		if sh == nil || !slices.Equal(slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(sh.src.Enum))) {
			return fmt.Errorf("rules.json orders %s, which is not an enumeration of these values", n)
		}
	}
	return nil
}

func (p *plan) emitActions(s *source, op *operation) {
	if len(op.actions) == 0 {
		return
	}
	s.p("Actions: []wire.Action{")
	for _, a := range op.actions {
		s.p("{\nName: %q, AccessLevel: %q,", a.Name, a.AccessLevel)
		if len(a.Resources) > 0 {
			s.p("Resources: []wire.Resource{")
			for _, r := range a.Resources {
				if r.Required {
					s.p("{Type: %q, ARN: %q, Required: true},", r.Type, r.ARN)
				} else {
					s.p("{Type: %q, ARN: %q},", r.Type, r.ARN)
				}
			}
			s.p("},")
		}
		if len(a.ConditionKeys) > 0 {
			s.p("ConditionKeys: []string{")
			for _, k := range a.ConditionKeys {
				s.p("%q,", k)
			}
			s.p("},")
		}
		s.p("},")
	}
	s.p("},")
}
