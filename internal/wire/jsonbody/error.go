package jsonbody

import "strconv"

// Error says why a body cannot be read. Message is what AWS tells a caller, and is
// empty where AWS says nothing (any error of syntax); Detail is for logs and never
// quotes the body.
type Error struct {
	Message string
	Detail  string
	Offset  int // byte offset in the body, where known
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Detail + " at offset " + strconv.Itoa(e.Offset)
}

// The texts for a list or an object where the model has neither. The full stop of
// the second is AWS's.
const (
	errList   = "Start of list found where not expected"
	errObject = "Start of structure or map found where not expected."
)

func mismatch(message string) error { return &Error{Message: message} }

func (d *decoder) syntax(want string) error {
	return &Error{Detail: "invalid JSON: expected " + want, Offset: d.i}
}

// wrong is the error for a value that begins with c where target is expected.
func (d *decoder) wrong(c byte, target string) error {
	switch c {
	case '[':
		return mismatch(errList)
	case '{':
		return mismatch(errObject)
	}
	return d.checked(c, token(c)+" can not be converted to "+target)
}

// wrongContainer is the error for a value that begins with c where a structure, list
// or map is expected; scalar is AWS's text when it is a scalar.
func (d *decoder) wrongContainer(c byte, scalar string) error {
	switch c {
	case '[':
		return mismatch(errList)
	case '{':
		return mismatch(errObject)
	}
	return d.checked(c, scalar)
}

// checked gives message if a value really begins with c, else an error of syntax.
func (d *decoder) checked(c byte, message string) error {
	if token(c) == "" {
		return d.syntax("a value")
	}
	return mismatch(message)
}

// token is the name AWS's parser has for the value that begins with c.
func token(c byte) string {
	switch {
	case c == '"':
		return "STRING_VALUE"
	case c == 't':
		return "TRUE_VALUE"
	case c == 'f':
		return "FALSE_VALUE"
	case c == '-' || c >= '0' && c <= '9':
		return "NUMBER_VALUE"
	}
	return ""
}
