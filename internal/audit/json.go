package audit

import (
	"strconv"
	"strings"

	"fastness/internal/call"
	"fastness/internal/wire/jsonbody"
)

// object writes the members of a JSON object, with its commas.
type object struct {
	b     []byte
	empty bool
}

func openObject(b []byte) object { return object{append(b, '{'), true} }

func (o *object) close() []byte { return append(o.b, '}') }

// name starts a member whose value the caller appends to o.b.
func (o *object) name(n string) {
	o.comma()
	o.b = append(jsonbody.AppendString(o.b, n), ':')
}

// member is name for a modelled name (ASCII letters and digits), which begins in
// lower case here. ARN is arn since February 2024 (AWS Secrets Manager user guide, "AWS
// CloudTrail entries for Secrets Manager").
func (o *object) member(modelled string, st style) {
	o.comma()
	if modelled == "ARN" {
		o.b = append(o.b, `"arn":`...)
		return
	}
	o.b = append(o.b, '"')
	first := len(o.b)
	o.b = append(o.b, modelled...)
	if c := o.b[first]; 'A' <= c && c <= 'Z' && !(st.keepAWS && strings.HasPrefix(modelled, "AWS")) {
		o.b[first] = c + ('a' - 'A')
	}
	o.b = append(o.b, '"', ':')
}

// fixed writes members that are known beforehand, the name of the last one before its value
// included; the object is not empty.
func (o *object) fixed(json string) { o.b = append(o.b, json...) }

// value writes what a name was written for.
func (o *object) value(v string) { o.b = jsonbody.AppendString(o.b, v) }

func (o *object) comma() {
	if !o.empty {
		o.b = append(o.b, ',')
	}
	o.empty = false
}

func (o *object) str(name, value string) {
	o.name(name)
	o.b = jsonbody.AppendString(o.b, value)
}

// optional writes a member unless the value is empty.
func (o *object) optional(name, value string) {
	if value != "" {
		o.str(name, value)
	}
}

// notes writes an object of strings, as much of it as maxAdditional allows, unless there
// are none.
func (o *object) notes(name string, notes []call.Note) {
	if len(notes) == 0 {
		return
	}
	o.name(name)
	start := len(o.b)
	inner := openObject(o.b)
	for _, n := range notes {
		if len(inner.b)-start+len(n.Name)+len(n.Value) <= maxAdditional {
			inner.str(n.Name, n.Value)
		}
	}
	o.b = inner.close()
}

func (o *object) boolean(name string, v bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) raw(name, json string) {
	o.name(name)
	o.b = append(o.b, json...)
}
