// Apigen generates internal/api/<name>api from models/<name>.json.
//
//	go run ./internal/apigen/cmd/apigen -models models -out internal/api
//	go run ./internal/apigen/cmd/apigen -models models -out internal/api -check
//
// With -check it writes nothing, lists the files that differ and exits with status 1
// if there are any.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"fastness/internal/apigen"
)

func main() {
	models := flag.String("models", "models", "directory of the trimmed models")
	out := flag.String("out", "internal/api", "directory of the generated packages")
	check := flag.Bool("check", false, "write nothing; fail if a file would change")
	flag.Parse()
	if err := run(*models, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(models, out string, check bool) error {
	tree, err := apigen.GenerateAll(models)
	if err != nil {
		return err
	}
	if !check {
		return tree.Write(out)
	}
	diff, err := tree.Diff(out)
	if err != nil {
		return err
	}
	for _, d := range diff {
		fmt.Println(d)
	}
	if len(diff) > 0 {
		return errors.New("generated code is out of date: run go generate ./internal/api")
	}
	return nil
}
