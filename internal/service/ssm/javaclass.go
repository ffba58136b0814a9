package ssm

import (
	"strings"
)

// class is a character class of Java: the union of members and of other expressions for one
// character, intersected with another class, negated.
type class struct {
	negated bool
	// members are in the syntax of both engines.
	members strings.Builder
	// others match one character each.
	others []string
	with   *class
}

// class reads what follows an opening bracket, up to its closing one.
func (t *translator) class() (*class, error) {
	if t.depth++; t.depth > maxPatternDepth {
		return new(class), errPattern
	}
	defer func() { t.depth-- }()
	c := &class{negated: t.skip("^")}
	for first := true; ; first = false {
		switch {
		case !t.more():
			return c, errPattern
		case t.peek() == ']' && !first:
			t.at++
			if c.members.Len() == 0 && len(c.others) == 0 && c.with == nil {
				return c, errPattern
			}
			return c, nil
		case t.skip("["):
			inner, err := t.class()
			if err != nil {
				return c, err
			}
			c.union(inner, t)
		case t.skip("&&"):
			return c, t.intersection(c)
		default:
			if err := t.member(c); err != nil {
				return c, err
			}
		}
	}
}

// intersection reads the right side of &&, up to the bracket that closes the class.
func (t *translator) intersection(c *class) error {
	if t.depth++; t.depth > maxPatternDepth {
		return errPattern
	}
	defer func() { t.depth-- }()
	right := new(class)
	for {
		switch {
		case !t.more():
			return errPattern
		case t.skip("]"):
			c.with = right
			if right.members.Len() == 0 && len(right.others) == 0 && right.with == nil {
				return errPattern
			}
			return nil
		case t.skip("["):
			inner, err := t.class()
			if err != nil {
				return err
			}
			right.union(inner, t)
		case t.skip("&&"):
			c.with = right
			return t.intersection(right)
		default:
			if err := t.member(right); err != nil {
				return err
			}
		}
	}
}

// union adds a class to another.
func (c *class) union(inner *class, t *translator) {
	if !inner.negated && inner.with == nil {
		c.members.WriteString(inner.members.String())
		c.others = append(c.others, inner.others...)
		return
	}
	c.others = append(c.others, inner.expression(t))
}

// member reads a character, a range or a shorthand.
func (t *translator) member(c *class) error {
	if t.skip(`\Q`) {
		quoted, _, closed := strings.Cut(t.in[t.at:], `\E`)
		t.at += len(quoted)
		if closed {
			t.at += len(`\E`)
		}
		for _, r := range quoted {
			c.members.WriteString(classChar(r))
		}
		return nil
	}
	low, shorthand, err := t.classRune(c)
	if err != nil || shorthand {
		return err
	}
	if t.peek() != '-' || t.at+1 >= len(t.in) || strings.ContainsRune("][", rune(t.in[t.at+1])) || strings.HasPrefix(t.in[t.at+1:], "&&") {
		c.members.WriteString(classChar(low))
		return nil
	}
	t.at++
	high, shorthand, err := t.classRune(c)
	switch {
	case err != nil:
		return err
	case shorthand: // the hyphen is a character
		c.members.WriteString(classChar(low) + classChar('-'))
		return nil
	case high < low:
		return errPattern
	}
	c.members.WriteString(classChar(low) + "-" + classChar(high))
	return nil
}

// classRune reads one character of a class, or adds a shorthand to it.
func (t *translator) classRune(c *class) (r rune, shorthand bool, err error) {
	if !t.skip(`\`) {
		r, err = t.char()
		return r, false, err
	}
	members, negated, r, err := t.escaped()
	switch {
	case err != nil || members == "":
		return r, false, err
	case negated:
		c.others = append(c.others, "[^"+members+"]")
	default:
		c.members.WriteString(members)
	}
	return 0, true, nil
}

// classChar is a character as both engines take it in a class.
func classChar(r rune) string {
	if strings.ContainsRune(`\]^[-&`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// expression is the class as an expression that matches one character.
func (c *class) expression(t *translator) string {
	simple := ""
	if c.members.Len() > 0 {
		simple = "[" + c.members.String() + "]"
	}
	out := simple
	switch {
	case len(c.others) > 0 && simple != "":
		out = "(?:" + simple + "|" + strings.Join(c.others, "|") + ")"
	case len(c.others) > 0:
		out = "(?:" + strings.Join(c.others, "|") + ")"
	case c.with == nil && c.negated:
		return "[^" + c.members.String() + "]"
	}
	if c.with != nil {
		t.linear = false
		right := c.with.expression(t)
		if out == "" { // nothing stands to the left of &&
			out = right
		} else {
			out = "(?:(?=" + right + ")" + out + ")"
		}
	}
	if c.negated {
		t.linear = false
		out = "(?:(?!" + out + ")" + anything + ")"
	}
	return out
}
