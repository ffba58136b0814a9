// Package awsjson speaks AWS JSON 1.0 and 1.1: the operation is in the X-Amz-Target
// header, input and output are one JSON object each, and an error is an object whose
// __type names it.
//
// An empty body is an empty input, which AWS clients send for operations without
// members. The documents themselves are the business of package jsonbody.
package awsjson
