package rotator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDocumentBytes is Secrets Manager's bound on a secret value.
const maxDocumentBytes = 65536

// maxNameBytes bounds user names, hosts and database names: more than any server takes.
const maxNameBytes = 255

// tlsWish is what the "ssl" key of a secret asks for.
type tlsWish int

const (
	tlsPreferred tlsWish = iota // no key, or one without meaning: TLS, then plaintext
	tlsRequired                 // true or "true"
	tlsOff                      // false or "false"
)

// document is a secret's JSON, as AWS's rotation templates expect it.
type document struct {
	raw       []byte
	values    map[string]span // where the value of each key is in raw
	end       int             // where the closing brace is
	engine    string
	host      string
	username  string
	dbname    string
	masterARN string
	port      int // 0 if there is none
	ssl       tlsWish
	password  []byte
}

type span struct{ from, to int }

func (d *document) has(key string) bool {
	_, ok := d.values[key]
	return ok
}

// wipe erases the password. The bytes the caller gave are the caller's.
func (d *document) wipe() {
	if d != nil {
		clear(d.password)
	}
}

var errNoObject = fail(Misconfigured, "the secret value is not a JSON object")

// parseDocument reads a secret. A key that occurs twice is an error: what a guard
// compared would not be certain to be what is used.
func parseDocument(raw []byte) (*document, error) {
	if len(raw) > maxDocumentBytes || !utf8.Valid(raw) {
		return nil, errNoObject
	}
	d := &document{raw: raw, values: map[string]span{}}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	for decoder.More() {
		token, err := decoder.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errNoObject
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errNoObject
		}
		if d.has(key) {
			return nil, fail(Misconfigured, "a key occurs twice in the secret JSON")
		}
		to := int(decoder.InputOffset())
		d.values[key] = span{to - len(value), to}
		if err := d.take(key, value); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNoObject
	}
	d.end = int(decoder.InputOffset()) - 1
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return d, nil
}

// take notes one key that means something to a rotation.
func (d *document) take(key string, value json.RawMessage) error {
	switch key {
	case "engine":
		return takeName(key, value, &d.engine)
	case "host":
		return takeName(key, value, &d.host)
	case "username":
		return takeName(key, value, &d.username)
	case "masterarn":
		return takeName(key, value, &d.masterARN)
	case "dbname":
		if string(value) == "null" { // the console writes it so
			return nil
		}
		return takeName(key, value, &d.dbname)
	case "password":
		var text string
		if value[0] != '"' || json.Unmarshal(value, &text) != nil {
			return fail(Misconfigured, "password must be a string")
		}
		d.password = []byte(text)
	case "port":
		text := strings.Trim(string(value), `"`)
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > math.MaxUint16 {
			return fail(Misconfigured, "port must be a number from 1 to 65535")
		}
		d.port = port
	case "ssl":
		switch strings.ToLower(strings.Trim(string(value), `"`)) {
		case "true":
			d.ssl = tlsRequired
		case "false":
			d.ssl = tlsOff
		}
	}
	return nil
}

func takeName(key string, value json.RawMessage, to *string) error {
	// ARNs are the longest: 2048 bytes by AWS's models.
	limit := maxNameBytes
	if key == "masterarn" {
		limit = 2048
	}
	if value[0] != '"' || json.Unmarshal(value, to) != nil {
		return fail(Misconfigured, "%s must be a string", key)
	}
	if *to == "" || len(*to) > limit || strings.ContainsFunc(*to, unicode.IsControl) {
		return fail(Misconfigured, "%s must have 1 to %d bytes and no control characters", key, limit)
	}
	return nil
}

// replaced is the document with other values for some keys, and every other byte as it
// was: order, spaces, keys that mean nothing to us. A key that is not there is added.
func (d *document) replaced(changes ...change) []byte {
	var out []byte
	at := 0
	var added []change
	for _, c := range inOrder(d, changes, &added) {
		where := d.values[c.key]
		out = append(out, d.raw[at:where.from]...)
		out = appendJSONString(out, c.value)
		at = where.to
	}
	out = append(out, d.raw[at:d.end]...)
	for i, c := range added {
		if len(d.values) > 0 || i > 0 {
			out = append(out, ", "...)
		}
		out = appendJSONString(out, []byte(c.key))
		out = append(out, ": "...)
		out = appendJSONString(out, c.value)
	}
	return append(out, d.raw[d.end:]...)
}

// change is a new value of a key.
type change struct {
	key   string
	value []byte
}

// inOrder sorts changes by their place in the document; those without one go to added.
func inOrder(d *document, changes []change, added *[]change) []change {
	var there []change
	for _, c := range changes {
		if !d.has(c.key) {
			*added = append(*added, c)
			continue
		}
		i := len(there)
		for i > 0 && d.values[there[i-1].key].from > d.values[c.key].from {
			i--
		}
		there = append(there[:i], append([]change{c}, there[i:]...)...)
	}
	return there
}

// appendJSONString writes valid UTF-8 as a JSON string. It does not go through the
// encoder of the standard library, whose buffers cannot be erased.
func appendJSONString(out, text []byte) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
