// Apitrim writes models/<name>.json from the models that botocore ships.
//
//	go run ./internal/apigen/cmd/apitrim -botocore DIR -version 1.43.11 -models models
//
// DIR is the package directory of botocore; python3 prints it:
//
//	python3 -c 'import botocore; print(botocore.__path__[0], botocore.__version__)'
//
// It keeps the operations that models/allow.json lists and the shapes they reach, and
// drops every documentation text. Whatever a server needs and the generator does not
// know is an error that names it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"fastness/internal/apigen/model"
)

func main() {
	botocore := flag.String("botocore", "", "package directory of botocore")
	version := flag.String("version", "", "version of that botocore, stamped into the models")
	models := flag.String("models", "models", "directory of the trimmed models and of allow.json")
	flag.Parse()
	if err := run(*botocore, *version, *models); err != nil {
		fmt.Fprintln(os.Stderr, "apitrim:", err)
		os.Exit(1)
	}
}

func run(botocore, version, models string) error {
	if botocore == "" || version == "" {
		return errors.New("-botocore and -version are required")
	}
	return model.TrimAll(botocore, version, models, os.Stdout)
}
