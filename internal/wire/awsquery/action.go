package awsquery

import (
	"bytes"
	"errors"
	"net/url"
)

// errRepeated: two operations in one request would let authorization see another one
// than the one that runs.
var errRepeated = errors.New("the parameters Action and Version must not be repeated")

// HasAction tells whether a form (a body or a raw query string) names an Action. It
// does not allocate.
func HasAction(form []byte) bool {
	for len(form) > 0 {
		var pair []byte
		pair, form = cutPair(form)
		if bytes.HasPrefix(pair, []byte("Action=")) {
			return true
		}
	}
	return false
}

// Action returns the parameters Action and Version of a form, empty where absent. A
// repeated one is an error, whatever its escapes.
func Action(form []byte) (action, version string, err error) {
	var seen [2]bool
	for len(form) > 0 {
		var pair []byte
		pair, form = cutPair(form)
		rawName, rawValue, _ := bytes.Cut(pair, []byte("="))
		name, err := url.QueryUnescape(string(rawName))
		if err != nil {
			return "", "", errors.New("a parameter name is not percent-encoded")
		}
		if name != "Action" && name != "Version" {
			continue
		}
		value, err := url.QueryUnescape(string(rawValue))
		if err != nil {
			return "", "", errors.New("the parameter " + name + " is not percent-encoded")
		}
		which := 0
		if name == "Action" {
			action = value
		} else {
			which, version = 1, value
		}
		if seen[which] {
			return "", "", errRepeated
		}
		seen[which] = true
	}
	return action, version, nil
}

func cutPair(form []byte) (pair, rest []byte) {
	pair, rest, _ = bytes.Cut(form, []byte("&"))
	return pair, rest
}
