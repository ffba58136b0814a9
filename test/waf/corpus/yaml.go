package corpus

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
)

// errYAML is a document that yamlDocuments does not understand.
var errYAML = errors.New("not the YAML that is understood here")

// yamlFile reads the documents of a file. One that is not of the YAML that is read here has none.
func yamlFile(path string) ([]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	docs, err := yamlDocuments(string(b))
	if err != nil {
		return nil, nil
	}
	return docs, nil
}

// yamlDocuments reads what recorders of calls write as YAML: mappings and lists by indentation, scalars of all styles, short
// flow collections. It knows no aliases, tags but !binary, or mappings as keys, which recorders do not write.
func yamlDocuments(text string) ([]any, error) {
	var all []any
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for doc := range strings.SplitSeq("\n"+text, "\n---") {
		p := yamlReader{lines: strings.Split(doc, "\n")}
		if !p.seek() {
			continue
		}
		v, err := p.block(p.indent())
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// yamlReader is at the line at of a document.
type yamlReader struct {
	lines []string
	at    int
}

// seek goes to the next line that has something in it.
func (p *yamlReader) seek() bool {
	for ; p.at < len(p.lines); p.at++ {
		if l := strings.TrimSpace(p.lines[p.at]); l != "" && l[0] != '#' && l != "..." {
			return true
		}
	}
	return false
}

func indentOf(l string) int { return len(l) - len(strings.TrimLeft(l, " ")) }

func (p *yamlReader) indent() int { return indentOf(p.lines[p.at]) }

// block reads the collection whose entries stand at an indentation.
func (p *yamlReader) block(indent int) (any, error) {
	l := p.lines[p.at][indent:]
	if l == "-" || strings.HasPrefix(l, "- ") {
		var list []any
		for p.seek() && p.indent() == indent {
			l := p.lines[p.at][indent:]
			if l != "-" && !strings.HasPrefix(l, "- ") {
				break
			}
			rest := strings.TrimPrefix(l, "-")
			inner := indent + 1 + indentOf(rest)
			rest = strings.TrimSpace(rest)
			var v any
			var err error
			if _, _, isKey := yamlKey(rest); isKey || strings.HasPrefix(rest, "- ") {
				p.lines[p.at] = strings.Repeat(" ", inner) + rest
				v, err = p.block(inner)
			} else {
				v, err = p.value(rest, indent)
			}
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	doc := map[string]any{}
	for p.seek() && p.indent() == indent {
		key, rest, isKey := yamlKey(p.lines[p.at][indent:])
		if !isKey {
			break
		}
		v, err := p.value(rest, indent)
		if err != nil {
			return nil, err
		}
		doc[key] = v
	}
	if len(doc) == 0 {
		return nil, errYAML
	}
	return doc, nil
}

// yamlKey takes a key off the beginning of a line.
func yamlKey(l string) (key, rest string, ok bool) {
	if l == "" {
		return
	}
	if q := l[0]; q == '"' || q == '\'' {
		end := strings.IndexByte(l[1:], q)
		if end < 0 {
			return
		}
		key, rest = l[1:1+end], l[end+2:]
		if rest != ":" && !strings.HasPrefix(rest, ": ") {
			return
		}
		return key, strings.TrimSpace(rest[1:]), true
	}
	if strings.ContainsRune("[{|>#&*!%@`", rune(l[0])) {
		return
	}
	if before, after, found := strings.Cut(l, ": "); found {
		return before, strings.TrimSpace(after), true
	}
	if before, found := strings.CutSuffix(strings.TrimRight(l, " "), ":"); found {
		return before, "", true
	}
	return
}

// value reads what stands behind a key or a dash, whose line is at an indentation, and goes on behind it.
func (p *yamlReader) value(rest string, indent int) (any, error) {
	binary := false
	for strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "&") {
		binary = binary || strings.HasPrefix(rest, "!binary") || strings.HasPrefix(rest, "!!binary")
		_, rest, _ = strings.Cut(rest, " ")
	}
	p.at++
	if rest == "" || rest[0] == '#' {
		if !p.seek() {
			return nil, nil
		}
		next := p.indent()
		if l := p.lines[p.at][next:]; next > indent || next == indent && strings.HasPrefix(l, "-") {
			if _, _, isKey := yamlKey(l); isKey || strings.HasPrefix(l, "-") {
				return p.block(next)
			}
			return p.value(l, indent)
		}
		return nil, nil
	}
	switch rest[0] {
	case '|', '>':
		text := p.literal(rest, indent)
		if binary {
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			return string(b), err
		}
		return text, nil
	case '"', '\'':
		return p.quoted(rest)
	case '[', '{':
		for !balanced(rest) && p.at < len(p.lines) {
			rest += " " + strings.TrimSpace(p.lines[p.at])
			p.at++
		}
		v, _, err := flow(rest)
		return v, err
	}
	text, _, _ := strings.Cut(rest, " #")
	text = strings.TrimSpace(text)
	plain := true
	for blank := 0; p.at < len(p.lines); p.at++ {
		l := p.lines[p.at]
		if strings.TrimSpace(l) == "" {
			blank++
			continue
		}
		if indentOf(l) <= indent {
			break
		}
		plain = false
		text += fold(blank) + strings.TrimSpace(l)
		blank = 0
	}
	if plain {
		return yamlPlain(text), nil
	}
	return text, nil
}

// fold is what breaks of lines in a folded scalar stand for.
func fold(blank int) string {
	if blank > 0 {
		return strings.Repeat("\n", blank)
	}
	return " "
}

// yamlPlain gives a scalar without quotation marks its type.
func yamlPlain(s string) any {
	switch s {
	case "null", "~", "Null", "NULL":
		return nil
	case "true", "false":
		return s == "true"
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && json.Valid([]byte(s)) {
		return json.Number(s)
	}
	return s
}

// literal reads the lines of a scalar in the style | or >.
func (p *yamlReader) literal(head string, indent int) string {
	var lines []string
	inner := -1
	for ; p.at < len(p.lines); p.at++ {
		l := p.lines[p.at]
		if strings.TrimSpace(l) == "" {
			lines = append(lines, "")
			continue
		}
		if n := indentOf(l); n <= indent {
			break
		} else if inner < 0 {
			inner = n
			if d := strings.IndexAny(head, "123456789"); d >= 0 {
				inner = indent + int(head[d]-'0')
			}
		}
		lines = append(lines, l[min(inner, len(l)):])
	}
	end := "\n"
	if strings.Contains(head, "-") {
		end = ""
	}
	if head[0] == '|' {
		return strings.TrimRight(strings.Join(lines, "\n"), "\n") + end
	}
	return strings.TrimSpace(strings.Join(lines, " ")) + end
}

// quoted reads a scalar in quotation marks that begins with rest.
func (p *yamlReader) quoted(rest string) (any, error) {
	quote := rest[0]
	var text strings.Builder
	rest = rest[1:]
	for {
		for i := 0; i < len(rest); i++ {
			switch c := rest[i]; {
			case c == quote && quote == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
				text.WriteByte('\'')
				i++
			case c == quote:
				return text.String(), nil
			case c == '\\' && quote == '"' && i+1 < len(rest):
				n := 1
				switch rest[i+1] {
				case 'x':
					n = 3
				case 'u':
					n = 5
				case 'U':
					n = 9
				}
				if i+n >= len(rest) {
					return nil, errYAML
				}
				text.WriteString(yamlEscape(rest[i+1 : i+1+n]))
				i += n
			case c == '\\' && quote == '"':
				// The end of a line that is no space.
			default:
				text.WriteByte(c)
			}
		}
		joined := quote == '"' && strings.HasSuffix(rest, `\`) && !strings.HasSuffix(rest, `\\`)
		blank := 0
		for p.at < len(p.lines) && strings.TrimSpace(p.lines[p.at]) == "" {
			p.at++
			blank++
		}
		if p.at == len(p.lines) {
			return nil, errYAML
		}
		if !joined || blank > 0 {
			text.WriteString(fold(blank))
		}
		rest = strings.TrimLeft(p.lines[p.at], " ")
		p.at++
	}
}

// yamlEscape is the character of an escape without its backslash.
func yamlEscape(e string) string {
	if len(e) > 1 {
		r, err := strconv.ParseUint(e[1:], 16, 32)
		if err != nil {
			return e
		}
		return string(rune(r))
	}
	switch e[0] {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '0':
		return "\x00"
	case 'e':
		return "\x1b"
	}
	return e
}

// balanced tells whether all brackets of a flow collection are closed.
func balanced(s string) bool {
	depth, quote := 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" [{,:", s[i-1]) >= 0):
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
	}
	return depth <= 0
}

// flow reads a flow collection, or a scalar in one, off the beginning of s.
func flow(s string) (v any, rest string, err error) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return nil, "", errYAML
	}
	switch c := s[0]; c {
	case '[', '{':
		var list []any
		doc := map[string]any{}
		for rest = strings.TrimLeft(s[1:], " ,"); rest != "" && rest[0] != ']' && rest[0] != '}'; rest = strings.TrimLeft(rest, " ,") {
			if v, rest, err = flow(rest); err != nil {
				return nil, "", err
			}
			if c == '[' {
				list = append(list, v)
				continue
			}
			key, _ := v.(string)
			after, found := strings.CutPrefix(strings.TrimLeft(rest, " "), ":")
			if !found {
				return nil, "", errYAML
			}
			if v, rest, err = flow(after); err != nil {
				return nil, "", err
			}
			doc[key] = v
		}
		if rest == "" {
			return nil, "", errYAML
		}
		if c == '[' {
			return list, rest[1:], nil
		}
		return doc, rest[1:], nil
	case '"', '\'':
		end := 1
		for end < len(s) && s[end] != c {
			if s[end] == '\\' && c == '"' {
				end++
			}
			end++
		}
		if end >= len(s) {
			return nil, "", errYAML
		}
		p := yamlReader{}
		v, err = p.quoted(s[:end+1])
		return v, s[end+1:], err
	}
	end := strings.IndexAny(s, ",]}")
	if colon := strings.Index(s, ": "); colon >= 0 && (end < 0 || colon < end) {
		end = colon
	}
	if end <= 0 {
		return nil, "", errYAML
	}
	return yamlPlain(strings.TrimSpace(s[:end])), s[end:], nil
}
