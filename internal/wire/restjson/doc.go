// Package restjson speaks restJson1: operations are told apart by method and path
// (package uritemplate), some members travel in path, query and headers (package
// binding), the rest in a JSON document or as the raw body (package jsonbody).
//
// An error's code is in the x-amzn-ErrorType header and, for clients that look there,
// in __type.
package restjson
