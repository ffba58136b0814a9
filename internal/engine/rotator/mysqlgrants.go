package rotator

import "strings"

// retarget turns a line of SHOW GRANTS into the statement that gives the same to
// another account. It fails on what it does not understand: a grant too few is repaired
// by a person, one too many is not noticed.
func retarget(line string, from, to account) (string, error) {
	odd := fail(Refused, "a grant of the user is written in a way that is not known")
	var keyword string
	switch {
	case strings.HasPrefix(line, "GRANT "):
		keyword = "TO"
	case strings.HasPrefix(line, "REVOKE "): // partial revokes of MySQL
		keyword = "FROM"
	case strings.HasPrefix(line, "SET DEFAULT ROLE "): // MariaDB
		keyword = "FOR"
	default:
		return "", odd
	}
	words, ok := lexGrant(line)
	if !ok {
		return "", odd
	}
	for i, w := range words {
		if w.quoted || line[w.from:w.to] != keyword {
			continue
		}
		// `user`@`host`, or with single quotes in MySQL 5.7.
		rest := words[i+1:]
		if len(rest) < 3 || !rest[0].quoted || !rest[2].quoted || line[rest[1].from:rest[1].to] != "@" ||
			rest[0].value != from.user || rest[2].value != from.host ||
			rest[0].to != rest[1].from || rest[1].to != rest[2].from {
			return "", odd
		}
		return line[:rest[0].from] + to.String() + grantOption(line, rest[3:]), nil
	}
	return "", odd
}

// grantOption keeps, of what follows the account, the right to hand the grant on. The
// rest (IDENTIFIED, REQUIRE, limits) belongs to the account and is copied elsewhere.
func grantOption(line string, words []grantWord) string {
	for i := 1; i < len(words); i++ {
		first, second := words[i-1], words[i]
		if first.quoted || second.quoted || line[second.from:second.to] != "OPTION" {
			continue
		}
		switch what := line[first.from:first.to]; what {
		case "GRANT", "ADMIN":
			return " WITH " + what + " OPTION"
		}
	}
	return ""
}

// grantWord is a word, a quoted string or a sign of a statement.
type grantWord struct {
	from, to int
	quoted   bool
	value    string // without quotes, if quoted
}

// lexGrant splits a statement of a session with NO_BACKSLASH_ESCAPES, in which a quote
// is doubled within quotes and nothing else is special.
func lexGrant(line string) ([]grantWord, bool) {
	var words []grantWord
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ':
			i++
		case c == '`' || c == '\'' || c == '"':
			w := grantWord{from: i, quoted: true}
			var value strings.Builder
			closed := false
			for i++; i < len(line); i++ {
				if line[i] != c {
					value.WriteByte(line[i])
					continue
				}
				if i+1 < len(line) && line[i+1] == c {
					value.WriteByte(c)
					i++
					continue
				}
				closed = true
				i++
				break
			}
			if !closed {
				return nil, false
			}
			w.to, w.value = i, value.String()
			words = append(words, w)
		case wordByte(c):
			from := i
			for i < len(line) && wordByte(line[i]) {
				i++
			}
			words = append(words, grantWord{from: from, to: i})
		default:
			words = append(words, grantWord{from: i, to: i + 1})
			i++
		}
	}
	return words, true
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// pluginOf finds the authentication plugin in what SHOW CREATE USER says.
func pluginOf(definition string) (string, error) {
	words, ok := lexGrant(definition)
	for i := 0; ok && i+2 < len(words); i++ {
		if words[i].quoted || definition[words[i].from:words[i].to] != "IDENTIFIED" {
			continue
		}
		next, plugin := words[i+1], words[i+2]
		switch definition[next.from:next.to] {
		case "BY": // IDENTIFIED BY PASSWORD '*…': MariaDB's short form
			return pluginNative, nil
		case "WITH", "VIA":
			if plugin.quoted {
				return plugin.value, nil
			}
			return definition[plugin.from:plugin.to], nil
		}
	}
	return "", fail(Refused, "the account has no authentication plugin that is known")
}
