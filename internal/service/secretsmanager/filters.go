package secretsmanager

import (
	"strings"
	"unicode"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/wire"
)

// Filters of ListSecrets and BatchGetSecretValue (AWS Secrets Manager API reference,
// Filter). All filters must hold; of the values of one, any. A value behind an exclamation
// mark holds where the rest of it does not.

// filter is a checked filter.
type filter struct {
	key    string
	values []filterValue
}

type filterValue struct {
	not   bool
	text  string
	words []string // of text, in lower case
}

// newFilters checks filters.
func newFilters(in []secretsmanagerapi.Filter) ([]filter, error) {
	var filters []filter
	for _, f := range in {
		if f.Key == nil {
			return nil, invalidParameter("Invalid filter key")
		}
		key := string(wire.Value(f.Key))
		if len(f.Values) == 0 {
			return nil, invalidParameter("Invalid filter values for key: " + key)
		}
		checked := filter{key: key}
		for _, v := range f.Values {
			value := filterValue{text: v}
			value.text, value.not = strings.CutPrefix(v, "!")
			value.words = words(value.text)
			checked.values = append(checked.values, value)
		}
		filters = append(filters, checked)
	}
	return filters, nil
}

// matches tells whether all filters hold for a secret.
func matches(filters []filter, s *secretRecord) bool {
	for i := range filters {
		if !filters[i].matches(s) {
			return false
		}
	}
	return true
}

func (f *filter) matches(s *secretRecord) bool {
	for i := range f.values {
		if v := &f.values[i]; v.matches(f.key, s) != v.not {
			return true
		}
	}
	return false
}

func (v *filterValue) matches(key string, s *secretRecord) bool {
	switch secretsmanagerapi.FilterNameStringType(key) {
	case secretsmanagerapi.FilterNameStringTypeName:
		return strings.HasPrefix(s.Name, v.text)
	case secretsmanagerapi.FilterNameStringTypeDescription:
		return v.inWords(s.Description)
	case secretsmanagerapi.FilterNameStringTypeTagKey:
		return anyTag(s, func(t *tag) bool { return strings.HasPrefix(t.Key, v.text) })
	case secretsmanagerapi.FilterNameStringTypeTagValue:
		return anyTag(s, func(t *tag) bool { return strings.HasPrefix(t.Value, v.text) })
	case secretsmanagerapi.FilterNameStringTypePrimaryRegion:
		return s.PrimaryRegion != "" && strings.HasPrefix(s.PrimaryRegion, v.text)
	case secretsmanagerapi.FilterNameStringTypeOwningService:
		return false // no service owns a secret here
	}
	return v.inWords(s.Name) || v.inWords(s.Description) || v.inWords(s.PrimaryRegion) ||
		anyTag(s, func(t *tag) bool { return v.inWords(t.Key) || v.inWords(t.Value) })
}

func anyTag(s *secretRecord, f func(*tag) bool) bool {
	for i := range s.Tags {
		if f(&s.Tags[i]) {
			return true
		}
	}
	return false
}

// inWords tells whether every word of the value begins a word of an attribute, without
// regard to case. A value without words is in none.
func (v *filterValue) inWords(attribute string) bool {
	if len(v.words) == 0 || attribute == "" {
		return false
	}
	have := words(attribute)
	for _, want := range v.words {
		found := false
		for _, w := range have {
			if found = strings.HasPrefix(w, want); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// words are the words of a text in lower case. Whatever is no letter or digit separates
// words; a digit behind a letter begins one, and so do capitals: one behind a small letter or
// a digit, and the last of several that are followed by a small letter (COMPANYthings has the
// words COMPAN and Ythings, as on AWS). Source: AWS Secrets Manager user guide, "Find secrets".
func words(text string) []string {
	var all []string
	runes := []rune(text)
	start := -1
	end := func(i int) {
		if start >= 0 {
			all = append(all, strings.ToLower(string(runes[start:i])))
		}
		start = -1
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end(i)
			continue
		}
		if start >= 0 && beginsWord(runes, i) {
			end(i)
		}
		if start < 0 {
			start = i
		}
	}
	end(len(runes))
	return all
}

// beginsWord tells whether a letter or digit begins a word behind another one.
func beginsWord(runes []rune, i int) bool {
	switch r, before := runes[i], runes[i-1]; {
	case unicode.IsDigit(r):
		return unicode.IsLetter(before)
	case unicode.IsUpper(r):
		return !unicode.IsUpper(before) || i+1 < len(runes) && unicode.IsLower(runes[i+1])
	}
	return false
}
