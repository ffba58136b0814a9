package policy

import "strings"

// ContextKeys lists the condition keys the document asks for, in its Condition
// elements and in the variables of resources and values, as first written, each once
// whatever its case. It answers GetContextKeysForCustomPolicy and
// GetContextKeysForPrincipalPolicy.
func (d *Document) ContextKeys() []string {
	seen := make(map[string]bool)
	var keys []string
	add := func(key string) {
		if folded := strings.ToLower(key); key != "" && !seen[folded] {
			seen[folded] = true
			keys = append(keys, key)
		}
	}
	for _, s := range d.Statements {
		for _, r := range s.Resources {
			d.variableKeys(r, add)
		}
		for _, c := range s.Conditions {
			add(c.Key)
			op, _ := parseOperator(c.Operator)
			switch op.family {
			case stringEquals, stringEqualsFold, stringLike, arnLike:
				for _, v := range c.Values {
					d.variableKeys(v, add)
				}
			}
		}
	}
	return keys
}

// variableKeys calls add for each variable in s.
func (d *Document) variableKeys(s string, add func(string)) {
	if !d.variables() {
		return
	}
	for {
		_, rest, ok := strings.Cut(s, "${")
		if !ok {
			return
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return
		}
		key, _, _ := strings.Cut(name, ",")
		switch key = strings.TrimSpace(key); key {
		case "*", "?", "$":
		default:
			add(key)
		}
		s = after
	}
}
