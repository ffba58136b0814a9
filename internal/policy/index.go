package policy

import "strings"

// node is a node of a radix tree over lower-case action names. An action walks from
// the root to its last letter and meets, on the way, every statement that could
// apply to it: "kms:*" hangs at "kms:", "kms:Get*" at "kms:get", "kms:Decrypt" at the
// end of its name, and "*" at the root. A pattern with more after its first wildcard
// hangs at the letters before it, in a second tree over the letters after its last
// wildcard read backwards: "kms:*Tag*Resource" is met by actions that begin with
// "kms:" and end with "resource", and then verified.
type node struct {
	label  string // letters between the parent and this node
	kids   []*node
	prefix []entry // apply to every action that reaches this node
	exact  []entry // apply to the action that ends here
	tails  *node   // to be walked with the reversed action
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
		if text[head:] == wildAnyS {
			at.prefix = append(at.prefix, entry{i, verified})
			continue
		}
		tail := len(text)
		for text[tail-1] != wildAny && text[tail-1] != wildOne {
			tail--
		}
		if at.tails == nil {
			at.tails = &node{}
		}
		at = at.tails.descend(reverse(text[tail:], nil))
		at.prefix = append(at.prefix, entry{i, int32(j)})
	}
}

// reverse is s backwards, byte by byte, in buf if it fits.
func reverse(s string, buf []byte) string {
	for i := len(s) - 1; i >= 0; i-- {
		buf = append(buf, s[i])
	}
	return view(buf)
}

// walk visits the lists of entries an action meets. It holds lengths and not strings
// so that the action can stay on the stack.
type walk struct {
	node  *node
	depth int // letters of the action up to and with node
	tail  *node
	back  int   // letters of the reversed action up to and with tail
	stage uint8 // what of node comes next
}

// next is the next list that is not empty, or nil at the end.
func (w *walk) next(action, reversed string) []entry {
	for w.node != nil {
		switch w.stage {
		case 0:
			w.stage = 1
			if len(w.node.prefix) > 0 {
				return w.node.prefix
			}
		case 1:
			w.stage = 2
			w.tail, w.back = w.node.tails, 0
			if w.depth == len(action) && len(w.node.exact) > 0 {
				return w.node.exact
			}
		default:
			for w.tail != nil {
				list := w.tail.prefix
				w.tail = w.tail.next(reversed[w.back:])
				if w.tail != nil {
					w.back += len(w.tail.label)
				}
				if len(list) > 0 {
					return list
				}
			}
			w.stage = 0
			w.node = w.node.next(action[w.depth:])
			if w.node != nil {
				w.depth += len(w.node.label)
			}
		}
	}
	return nil
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

// next is the node one edge further on the way, or nil.
func (n *node) next(rest string) *node {
	if rest == "" {
		return nil
	}
	kid := n.kid(rest[0])
	if kid == nil || !strings.HasPrefix(rest, kid.label) {
		return nil
	}
	return kid
}
