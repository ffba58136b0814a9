// Apigen generates internal/api/<name>api from models/<name>.json.
//
//	go run ./internal/apigen/cmd/apigen -models models -out internal/api
//	go run ./internal/apigen/cmd/apigen -models models -out internal/api -check
//
//	go run ./internal/apigen/cmd/apigen -protocol-tests $FASTNESS_VECTORS/protocols \
//		-out test/conformance/protocols/generated \
//		-import-prefix fastness/test/conformance/protocols/generated
//
// With -check it writes nothing, lists the files that differ and exits with status 1
// if there are any. With -protocol-tests it generates the models inside botocore's
// protocol tests instead; that output is not committed.
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
	tests := flag.String("protocol-tests", "", "directory of botocore's protocol tests, to be generated instead")
	prefix := flag.String("import-prefix", "", "import path of -out, for -protocol-tests")
	flag.Parse()
	generate := func() (apigen.Tree, error) { return apigen.GenerateAll(*models) }
	if *tests != "" {
		generate = func() (apigen.Tree, error) { return protocolTests(*tests, *prefix) }
	}
	if err := run(generate, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func protocolTests(dir, prefix string) (apigen.Tree, error) {
	if prefix == "" {
		return nil, errors.New("-protocol-tests needs -import-prefix")
	}
	tree, skipped, err := apigen.GenerateProtocolTests(dir, prefix)
	for _, s := range skipped {
		fmt.Println("skipped:", s)
	}
	return tree, err
}

func run(generate func() (apigen.Tree, error), out string, check bool) error {
	tree, err := generate()
	if err != nil {
		return err
	}
	if !check {
		return tree.Write(out)
	}
	return tree.Check(out, os.Stdout)
}
