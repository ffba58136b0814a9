package request

import "strings"

// Format is what kind of body it is, by its Content-Type.
type Format uint8

const (
	// FormatNone: there is no body.
	FormatNone Format = iota
	// FormatForm is application/x-www-form-urlencoded.
	FormatForm
	// FormatMultipart is multipart/form-data and its kin.
	FormatMultipart
	// FormatJSON is application/json and whatever ends in +json.
	FormatJSON
	// FormatXML is application/xml, text/xml and whatever ends in +xml.
	FormatXML
	// FormatOther is anything else.
	FormatOther
)

// Format is the format of the body, by the first Content-Type. Where that does not name one of
// those that are taken apart, a body that begins as an object or array does is JSON: many
// applications do not look at the field either.
func (in *Inspection) Format() Format {
	p := &in.parts
	if !p.haveFormat {
		p.haveFormat = true
		p.format = FormatNone
		if len(in.r.Body) > 0 {
			contentType, _ := in.r.Field("Content-Type")
			p.format = formatOf(contentType)
			if p.format == FormatOther && looksLikeJSON(in.r.Body) {
				p.format = FormatJSON
			}
		}
	}
	return p.format
}

// As has the body taken apart as a format, whatever its Content-Type says, until the next Reset. It
// is for rules that choose the format themselves, and is called before the body is asked for;
// Content-Type fields that disagree then count for nothing.
func (in *Inspection) As(f Format) {
	p := &in.parts
	p.haveFormat, p.format, p.chosen = true, f, true
}

// Held is what is held of the body, and whether it goes on.
func (in *Inspection) Held() (body []byte, truncated bool) { return in.r.held() }

// ambiguous tells whether there are Content-Type fields that disagree about the format.
func (in *Inspection) ambiguous() bool {
	found := false
	var first Format
	for i := range in.r.Fields {
		f := &in.r.Fields[i]
		if len(f.Name) != len("content-type") || !strings.EqualFold(f.Name, "content-type") {
			continue
		}
		format := formatOf(f.Value)
		if found && format != first {
			return true
		}
		found, first = true, format
	}
	return false
}

func formatOf(contentType string) Format {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.Trim(media, " \t")
	switch {
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return FormatForm
	case hasFoldedPrefix(media, "multipart/"):
		return FormatMultipart
	case hasFoldedSuffix(media, "/json"), hasFoldedSuffix(media, "+json"), hasFoldedSuffix(media, "/x-json"):
		return FormatJSON
	case hasFoldedSuffix(media, "/xml"), hasFoldedSuffix(media, "+xml"):
		return FormatXML
	}
	return FormatOther
}

func hasFoldedPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func hasFoldedSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

func looksLikeJSON(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
			continue
		}
		return c == '{' || c == '['
	}
	return false
}

// parameter is the value of the first parameter of a name in a field like Content-Type,
// without its quotes and the backslashes in it, and how many of the name there are.
func parameter(value, name string) (first string, times int) {
	_, rest, more := strings.Cut(value, ";")
	for more {
		rest = strings.TrimLeft(rest, " \t;")
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		key = strings.TrimRight(key, " \t")
		var v string
		v, rest, more = parameterValue(strings.TrimLeft(after, " \t"))
		if strings.EqualFold(key, name) {
			if times == 0 {
				first = v
			}
			times++
		}
	}
	return first, times
}

// parameterValue reads a token or quoted string at the beginning of s, and what follows the
// next semicolon.
func parameterValue(s string) (value, rest string, more bool) {
	if s == "" || s[0] != '"' {
		value, rest, more = strings.Cut(s, ";")
		return strings.TrimRight(value, " \t"), rest, more
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			_, rest, more = strings.Cut(s[i+1:], ";")
			value = s[1:i]
			if strings.IndexByte(value, '\\') >= 0 {
				value = unquote(value)
			}
			return value, rest, more
		}
	}
	return s[1:], "", false
}

// unquote removes the backslashes of a quoted string that stand before a quotation mark or another
// backslash. Others are taken for themselves, as most readers do: clients send paths of Windows and
// names with backslashes without doubling them.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
