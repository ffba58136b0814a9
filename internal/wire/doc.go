// Package wire describes AWS APIs as data and is what generated code, the codecs
// of the seven AWS protocols and the front door share.
//
// A generated package (internal/api/<name>api) holds plain Go structs and one API
// value: the table of its operations and shapes. A codec (internal/wire/awsjson,
// awsquery, ec2query, restjson, restxml, rpccbor) walks that table to turn bytes into
// the structs and back. Neither needs reflection: a Member knows the byte offset of
// its field, and lists and maps carry a small generic accessor for their Go type.
//
// How modelled shapes look in Go (the same everywhere; absent is always nil):
//
//	structure, union   *T in a member, T as an element of a list or map
//	string, enum       *string or *Enum; string or Enum as an element
//	boolean            *bool
//	integer, long      *int32, *int64
//	float, double      *float32, *float64
//	timestamp          *time.Time (UTC, at most nanosecond precision)
//	blob               []byte (nil absent, empty present)
//	streaming blob     io.ReadCloser
//	list               []E (nil absent, empty present); sparse: []*E
//	map                map[string]V; sparse: map[string]*V
//	document           any, as encoding/json decodes it with json.Number
//
// Below the codecs are the rooms they share: jsonbody, xmlbody and cborbody read and
// write documents, form reads query parameters, scalar and timefmt hold the text forms
// of single values, binding carries the members of REST operations that travel in
// headers, query and path, uritemplate routes REST requests.
//
// Errors come in two forms. A modelled error is a generated struct that implements
// APIError. A CommonError is one that every API can raise (access denied, a bad
// signature, throttling); its code and status differ by protocol, and the codec
// picks them.
package wire
