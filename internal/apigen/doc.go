// Package apigen generates the Go packages of AWS APIs from trimmed models.
package apigen
