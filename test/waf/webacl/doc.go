// Package webacl makes the web ACL that the measuring tools send requests to: all managed rule groups, or some, with their
// default actions.
package webacl
