// Package api is the parent of the generated API packages, one per AWS API:
// internal/api/kmsapi, iamapi, stsapi and so on. It holds no code, only the command
// that regenerates them from models/.
package api

//go:generate go run fastness/internal/apigen/cmd/apigen -models ../../models -out .
