package corpus

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sorted gives the fields of a header in a fixed order.
func sorted(m map[string]string) [][2]string {
	var all [][2]string
	for _, k := range sortedKeys(m) {
		all = append(all, [2]string{k, m[k]})
	}
	return all
}

// sentences reads the sentences of a treebank in the format CoNLL-U.
func sentences(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		if text, found := strings.CutPrefix(l, "# text = "); found {
			add("", text, false)
		}
	})
}

// file takes a whole file for one value, if it is text of a length that people paste.
func file(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(b) > 0 && len(b) < 8000 && utf8.Valid(b) {
		add("", string(b), false)
	}
	return nil
}

var encoded = regexp.MustCompile(`(?s)<content:encoded><!\[CDATA\[(.*?)\]\]></content:encoded>`)

// posts reads what authors wrote in an export of WordPress: posts as a whole, and their paragraphs.
func posts(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range encoded.FindAllStringSubmatch(string(b), -1) {
		add("", m[1], false)
		for p := range strings.SplitSeq(m[1], "\n\n") {
			add("", p, false)
		}
	}
	return nil
}

// vectors reads the strings in fields named "code" or "vector" of documents.
func vectors(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return err
	}
	members(doc, func(k string, v any) {
		if s, ok := v.(string); ok && (k == "code" || k == "vector") {
			add("", s, false)
		}
	})
	return nil
}

// members calls f for each member of each object in a document of JSON, by their order.
func members(doc any, f func(key string, value any)) {
	switch v := doc.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			f(k, v[k])
			members(v[k], f)
		}
	case []any:
		for _, x := range v {
			members(x, f)
		}
	}
}

// recorded reads the addresses, bodies and answers' texts in cassettes of VCR in YAML, as far as they stand in a line.
func recorded(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		l = strings.TrimSpace(l)
		if u, found := strings.CutPrefix(l, "uri: https://"); found {
			if _, target, found := strings.Cut(u, "/"); found {
				add(OrdinaryRq, "/"+target, true)
			}
			return
		}
		text, found := strings.CutPrefix(l, "string: ")
		if !found {
			return
		}
		text = strings.Trim(text, `'"`)
		var doc any
		if json.Unmarshal([]byte(text), &doc) == nil {
			leaves(doc, func(s string) { add(Ordinary, s, false) })
		} else if strings.Contains(text, "=") {
			for p := range strings.SplitSeq(text, "&") {
				if _, v, found := strings.Cut(p, "="); found {
					add(Ordinary, decodeForm(v), false)
				}
			}
		}
	})
}

func decodeForm(v string) string {
	if d, err := url.QueryUnescape(v); err == nil {
		return d
	}
	return v
}

// xmlDocuments reads documents that stand one after another: each begins with its declaration or type.
func xmlDocuments(path string, add func(Class, string, bool)) error {
	var doc strings.Builder
	declared := false
	flush := func() {
		if strings.Contains(doc.String(), "<!") {
			add("", strings.TrimSpace(doc.String()), false)
		}
		doc.Reset()
	}
	err := eachLine(path, func(l string) {
		begins := strings.HasPrefix(l, "<?xml")
		if begins || strings.HasPrefix(l, "<!DOCTYPE") && !declared {
			flush()
		}
		declared = begins
		doc.WriteString(l + "\n")
	})
	flush()
	return err
}
