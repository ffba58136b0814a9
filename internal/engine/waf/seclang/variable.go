package seclang

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// source is a place in a request that values come from. A variable is made of one source or of
// several.
type source uint8

const (
	queryValues source = iota
	queryNames
	bodyValues
	bodyNames
	cookieValues
	cookieNames
	headerValues
	headerNames
	fileNames  // of multipart files
	fileFields // the names of their fields
	partHeaders
	xmlTexts
	xmlAttributes
	fileName // the path, decoded
	baseName
	requestURI
	requestURIRaw
	requestLine
	queryString
	requestBody
	requestMethod
	requestProtocol
	remoteAddress
	bodyProcessor
	bodyLength
	argumentsSize
	filesSize
	bodyError
	bodyErrorText
	multipartError
	uriError
	uniqueID
	serverName

	sources
)

// variable is a variable of SecLang.
type variable struct {
	name    string
	sources []source
	keyed   bool
	kind    variableKind
}

// variableKind says where the values of a variable are.
type variableKind uint8

const (
	ofRequest variableKind = iota
	ofTX
	ofMatch      // MATCHED_VAR
	ofMatchName  // MATCHED_VAR_NAME
	ofMatches    // MATCHED_VARS
	ofMatchNames // MATCHED_VARS_NAMES
	ofRule       // RULE, in macros
)

// variables are those that are known. ARGS_PATH, GEO, IP, GLOBAL, SESSION and their like are not.
var variables = []variable{
	{name: "ARGS", sources: []source{queryValues, bodyValues}, keyed: true},
	{name: "ARGS_NAMES", sources: []source{queryNames, bodyNames}, keyed: true},
	{name: "ARGS_GET", sources: []source{queryValues}, keyed: true},
	{name: "ARGS_GET_NAMES", sources: []source{queryNames}, keyed: true},
	{name: "ARGS_POST", sources: []source{bodyValues}, keyed: true},
	{name: "ARGS_POST_NAMES", sources: []source{bodyNames}, keyed: true},
	{name: "ARGS_COMBINED_SIZE", sources: []source{argumentsSize}},
	{name: "REQUEST_COOKIES", sources: []source{cookieValues}, keyed: true},
	{name: "REQUEST_COOKIES_NAMES", sources: []source{cookieNames}, keyed: true},
	{name: "REQUEST_HEADERS", sources: []source{headerValues}, keyed: true},
	{name: "REQUEST_HEADERS_NAMES", sources: []source{headerNames}, keyed: true},
	{name: "FILES", sources: []source{fileNames}, keyed: true},
	{name: "FILES_NAMES", sources: []source{fileFields}, keyed: true},
	{name: "FILES_COMBINED_SIZE", sources: []source{filesSize}},
	{name: "MULTIPART_FILENAME", sources: []source{fileNames}, keyed: true},
	{name: "MULTIPART_NAME", sources: []source{fileFields}, keyed: true},
	{name: "MULTIPART_PART_HEADERS", sources: []source{partHeaders}, keyed: true},
	{name: "MULTIPART_STRICT_ERROR", sources: []source{multipartError}},
	{name: "XML", keyed: true}, // XML:/* and XML://@* alone
	{name: "REQUEST_FILENAME", sources: []source{fileName}},
	{name: "REQUEST_BASENAME", sources: []source{baseName}},
	{name: "REQUEST_URI", sources: []source{requestURI}},
	{name: "REQUEST_URI_RAW", sources: []source{requestURIRaw}},
	{name: "REQUEST_LINE", sources: []source{requestLine}},
	{name: "QUERY_STRING", sources: []source{queryString}},
	{name: "REQUEST_BODY", sources: []source{requestBody}},
	{name: "REQUEST_BODY_LENGTH", sources: []source{bodyLength}},
	{name: "REQUEST_METHOD", sources: []source{requestMethod}},
	{name: "REQUEST_PROTOCOL", sources: []source{requestProtocol}},
	{name: "REMOTE_ADDR", sources: []source{remoteAddress}},
	{name: "REMOTE_HOST", sources: []source{remoteAddress}},
	{name: "REQBODY_PROCESSOR", sources: []source{bodyProcessor}},
	{name: "REQBODY_ERROR", sources: []source{bodyError}},
	{name: "REQBODY_ERROR_MSG", sources: []source{bodyErrorText}},
	{name: "REQBODY_PROCESSOR_ERROR", sources: []source{bodyError}},
	{name: "URI_PARSE_ERROR", sources: []source{uriError}},
	{name: "UNIQUE_ID", sources: []source{uniqueID}},
	{name: "SERVER_NAME", sources: []source{serverName}},
	{name: "TX", keyed: true, kind: ofTX},
	{name: "MATCHED_VAR", kind: ofMatch},
	{name: "MATCHED_VAR_NAME", kind: ofMatchName},
	{name: "MATCHED_VARS", kind: ofMatches},
	{name: "MATCHED_VARS_NAMES", kind: ofMatchNames},
	{name: "RULE", keyed: true, kind: ofRule},
}

func findVariable(name string) *variable {
	for i := range variables {
		if strings.EqualFold(variables[i].name, name) {
			return &variables[i]
		}
	}
	return nil
}

// selection is what stands behind the colon of a variable: a name, in lower case, or an
// expression for names.
type selection struct {
	key     string
	pattern *regexp.Regexp
	literal []byte // what stands in every name that the expression matches
}

func (s *selection) has(lowered []byte) bool {
	if s.pattern != nil {
		return bytes.Contains(lowered, s.literal) && s.pattern.Match(lowered)
	}
	return string(lowered) == s.key
}

// compileSelection makes a selection of an expression. Names are in lower case when they are compared.
func compileSelection(text string) (*selection, error) {
	if len(text) > maxSelector {
		return nil, fmt.Errorf("an expression for names of more than %d bytes", maxSelector)
	}
	re, err := regexp.Compile("(?is)" + text)
	if err != nil {
		return nil, err
	}
	s := &selection{key: text, pattern: re}
	// In lower case it has a meaning of its own only where there are escapes.
	if lowered := strings.ToLower(text); lowered == text || !strings.Contains(text, `\\`) {
		if same, err := regexp.Compile("(?s)" + lowered); err == nil {
			prefix, _ := same.LiteralPrefix()
			s.literal = []byte(prefix)
		}
	}
	return s, nil
}

// target is a variable of a rule.
type target struct {
	variable *variable
	sources  []source
	count    bool
	exclude  bool       // only while it is parsed: takes away from the others
	only     *selection // nil: all
	except   []selection

	counters []int32 // of a target that counts values, in Scratch.counts; nil: they are gone over

	slot    int32 // of TX:name
	members int32 // of TX otherwise: in Program.members
}

// parseTargets reads ARGS|!ARGS:id|&REQUEST_HEADERS:/^x-/ and merges exclusions into what they
// exclude from.
func parseTargets(s string) ([]target, error) {
	list, err := listTargets(s)
	return mergeTargets(nil, list), err
}

// listTargets reads targets and exclusions one by one.
func listTargets(s string) ([]target, error) {
	var list []target
	for rest := strings.TrimSpace(s); rest != ""; {
		var t target
		for ; rest != "" && (rest[0] == '!' || rest[0] == '&'); rest = rest[1:] {
			if rest[0] == '!' {
				t.exclude = true
			} else {
				t.count = true
			}
		}
		end := strings.IndexAny(rest, ":|")
		name := rest
		if end >= 0 {
			name = rest[:end]
		}
		if t.variable = findVariable(strings.TrimSpace(name)); t.variable == nil || t.variable.kind == ofRule {
			return nil, fmt.Errorf("the variable %q is not supported", name)
		}
		t.sources = t.variable.sources
		rest = rest[len(name):]
		if strings.HasPrefix(rest, ":") {
			var err error
			if rest, err = t.selector(rest[1:]); err != nil {
				return nil, err
			}
		}
		if t.variable.name == "XML" && t.sources == nil {
			return nil, errors.New("XML needs /* or //@*")
		}
		rest = strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(rest, " \t"), "|"), " \t")
		if list = append(list, t); len(list) > maxTargets {
			return nil, fmt.Errorf("more than %d variables", maxTargets)
		}
	}
	return list, nil
}

// maxTargets bounds the variables of a rule.
const maxTargets = 256

// selector reads what stands behind a colon.
func (t *target) selector(s string) (rest string, err error) {
	if t.variable.name == "XML" {
		end := strings.IndexByte(s, '|')
		if end < 0 {
			end = len(s)
		}
		switch strings.TrimSpace(s[:end]) {
		case "/*":
			t.sources = []source{xmlTexts}
		case "//@*":
			t.sources = []source{xmlAttributes}
		default:
			return "", fmt.Errorf("of XPath only /* and //@* are supported, not %q", s[:end])
		}
		return s[end:], nil
	}
	if !t.variable.keyed {
		return "", fmt.Errorf("%s has no members", t.variable.name)
	}
	quoted := strings.HasPrefix(s, "'")
	s = strings.TrimPrefix(s, "'")
	if strings.HasPrefix(s, "/") {
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '/'; i++ {
			if s[i] == '\\' && i+1 < len(s) {
				if s[i+1] != '/' {
					b.WriteByte('\\')
				}
				i++
			}
			b.WriteByte(s[i])
		}
		if i == len(s) {
			return "", fmt.Errorf("the expression %q does not end", s)
		}
		text := b.String()
		sel, err := compileSelection(text)
		if err != nil {
			return "", err
		}
		t.only = sel
		rest = s[i+1:]
		if quoted {
			rest = strings.TrimPrefix(rest, "'")
		}
		return rest, nil
	}
	end := strings.IndexByte(s, '|')
	if end < 0 {
		end = len(s)
	}
	key := strings.TrimSpace(s[:end])
	if quoted {
		key = strings.TrimSuffix(key, "'")
	}
	if key == "" {
		return "", fmt.Errorf("%s: a name is missing after the colon", t.variable.name)
	}
	t.only = &selection{key: strings.ToLower(key)}
	return s[end:], nil
}

// maxSelector bounds an expression for names.
const maxSelector = 1024

// mergeTargets adds targets to a list; an exclusion is noted with all targets of its
// variable. The targets of the list are not changed in place.
func mergeTargets(list, added []target) []target {
	out := append([]target(nil), list...)
	for _, t := range added {
		if !t.exclude {
			out = append(out, t)
		}
	}
	for _, t := range added {
		if !t.exclude {
			continue
		}
		kept := out[:0]
		for _, o := range out {
			if o.variable == t.variable {
				if t.only == nil {
					continue // the whole variable is taken away
				}
				o.except = append(o.except[:len(o.except):len(o.except)], *t.only)
			}
			kept = append(kept, o)
		}
		out = kept
	}
	return out
}

// wants tells whether a member of the name, in lower case, is one of the target's.
func (t *target) wants(lowered []byte) bool {
	if t.only != nil && !t.only.has(lowered) {
		return false
	}
	for i := range t.except {
		if t.except[i].has(lowered) {
			return false
		}
	}
	return true
}
