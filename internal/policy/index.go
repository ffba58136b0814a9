package policy

import "strings"

// node is a node of a radix tree over lower-case action names. An action walks from
// the root to its last letter and meets, on the way, every statement that could
// apply to it: "kms:*" hangs at "kms:", "kms:Get*" at "kms:get", "kms:Decrypt" at the
// end of its name, and "*" at the root. Patterns with a wildcard in the middle hang
// at the letters before it and are verified when met.
type node struct {
	label  string // letters between the parent and this node
	kids   []*node
	prefix []entry // apply to every action that reaches this node
	exact  []entry // apply to the action that ends here
}

// entry points to a statement and says what is left to verify.
type entry struct {
	statement int32
	pattern   int32 // index of the action pattern to match, or verified or unlisted
}

const (
	verified = -1 // the tree has matched the action
	unlisted = -2 // a NotAction statement: the action must match none of its patterns
)

func (n *node) addStatement(i int32, s *statement) {
	if s.doc.NotAction {
		n.prefix = append(n.prefix, entry{i, unlisted})
		return
	}
	for j := range s.actions {
		text := s.actions[j].text
		head := indexWild(text)
		if head < 0 {
			at := n.descend(text)
			at.exact = append(at.exact, entry{i, verified})
			continue
		}
		at := n.descend(text[:head])
		e := entry{i, int32(j)}
		if text[head:] == wildAnyS {
			e.pattern = verified
		}
		at.prefix = append(at.prefix, e)
	}
}

// indexWild is the place of the first wildcard, or -1.
func indexWild(text string) int {
	for i := range len(text) {
		if text[i] == wildAny || text[i] == wildOne {
			return i
		}
	}
	return -1
}

// descend finds or makes the node at the end of name.
func (n *node) descend(name string) *node {
	for name != "" {
		kid := n.kid(name[0])
		if kid == nil {
			kid = &node{label: name}
			n.kids = append(n.kids, kid)
			return kid
		}
		common := 0
		for common < len(name) && common < len(kid.label) && name[common] == kid.label[common] {
			common++
		}
		if common < len(kid.label) { // split the edge
			lower := *kid
			lower.label = kid.label[common:]
			*kid = node{label: kid.label[:common], kids: []*node{&lower}}
		}
		n, name = kid, name[common:]
	}
	return n
}

func (n *node) kid(c byte) *node {
	for _, k := range n.kids {
		if k.label[0] == c {
			return k
		}
	}
	return nil
}

// next is the node one edge further on the way to action, and the rest of the way.
func (n *node) next(action string) (*node, string) {
	if action == "" {
		return nil, ""
	}
	kid := n.kid(action[0])
	if kid == nil || !strings.HasPrefix(action, kid.label) {
		return nil, ""
	}
	return kid, action[len(kid.label):]
}
