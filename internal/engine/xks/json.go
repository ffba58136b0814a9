package xks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Bounds on the JSON of either side. No message of the protocol needs more.
const (
	maxJSONDepth    = 4
	maxJSONElements = 64 // members of one object, or elements of one array
)

var errJSON = errors.New("malformed JSON")

// object is a decoded JSON object. Member names are compared exactly: unlike
// encoding/json into a struct, "Plaintext" is not "plaintext".
type object map[string]any

// parseObject decodes one JSON object and nothing after it, refusing invalid
// UTF-8, duplicate names, and nesting or counts beyond the bounds.
func parseObject(data []byte) (object, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: invalid UTF-8", errJSON)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	value, err := parseValue(dec, 0)
	if err != nil {
		return nil, err
	}
	obj, ok := value.(object)
	if !ok {
		return nil, fmt.Errorf("%w: not an object", errJSON)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: data after the object", errJSON)
	}
	return obj, nil
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errJSON, err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxJSONDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", errJSON, maxJSONDepth)
	}
	if delim == '[' {
		return parseArray(dec, depth)
	}
	return parseMembers(dec, depth)
}

func parseArray(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		if len(list) == maxJSONElements {
			return nil, fmt.Errorf("%w: more than %d elements", errJSON, maxJSONElements)
		}
		value, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errJSON, err)
	}
	return list, nil
}

func parseMembers(dec *json.Decoder, depth int) (any, error) {
	obj := object{}
	for dec.More() {
		if len(obj) == maxJSONElements {
			return nil, fmt.Errorf("%w: more than %d members", errJSON, maxJSONElements)
		}
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errJSON, err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("%w: member name is not a string", errJSON)
		}
		if _, twice := obj[name]; twice {
			return nil, fmt.Errorf("%w: duplicate member", errJSON)
		}
		if obj[name], err = parseValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("%w: %w", errJSON, err)
	}
	return obj, nil
}

// text reads a string member. A missing or null one is absent, not an error.
func (o object) text(name string, longest int) (value string, present bool, err error) {
	member, ok := o[name]
	if !ok || member == nil {
		return "", false, nil
	}
	s, ok := member.(string)
	if !ok {
		return "", false, fmt.Errorf("%s is not a string", name)
	}
	if len(s) > longest {
		return "", false, fmt.Errorf("%s has %d bytes, at most %d", name, len(s), longest)
	}
	return s, true, nil
}

// requiredText is text for a member that must be there and not be empty.
func (o object) requiredText(name string, longest int) (string, error) {
	s, _, err := o.text(name, longest)
	if err == nil && s == "" {
		err = fmt.Errorf("%s is missing", name)
	}
	return s, err
}

// blob reads a Base64 member (RFC 4648, section 4, padded, without line breaks).
func (o object) blob(name string) (value []byte, present bool, err error) {
	s, present, err := o.text(name, MaxRequestBytes)
	if err != nil || !present {
		return nil, false, err
	}
	// The decoder skips line breaks, so one in the text would go unnoticed.
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' || s[i] == '\r' {
			return nil, false, fmt.Errorf("%s is not Base64", name)
		}
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, false, fmt.Errorf("%s is not Base64", name)
	}
	return b, true, nil
}

func (o object) requiredBlob(name string) ([]byte, error) {
	b, present, err := o.blob(name)
	if err == nil && !present {
		err = fmt.Errorf("%s is missing", name)
	}
	return b, err
}
