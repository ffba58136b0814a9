// Package filecrypt is the engine of fastness encrypt, decrypt, inspect and encryption-cli:
// it puts files, directories and streams into messages of the AWS Encryption SDK and takes
// them out again. It takes the options of AWS's command line tool (aws-encryption-sdk-cli
// 4.x) and writes the same metadata; docs/encryption-cli.md lists what differs.
//
//	arguments.go   the command line: its grammar is argparse's, not POSIX's
//	parse.go       how words become options and their values
//	argfile.go     @file: arguments from files
//	options.go     what a command line asks for, checked
//	wrapping.go    one group of wrapping keys (-w): its attributes
//	keyfile.go     raw keys, from files and descriptors only
//	keyrings.go    keyrings and the materials manager made of the groups
//	kms.go         clients of KMS, by the AWS SDK's usual environment
//	sources.go     which files: globs, directories, what is left out and why
//	target.go      an output: whole, or not there at all
//	run.go         all files, one after the other; failures do not stop the others
//	file.go        one file
//	base64.go      --encode and --decode, streaming
//	metadata.go    one line of JSON for each file
//	progress.go    the progress line of a terminal
//	inspect.go     what a message says about itself, without a key
//
// Memory does not grow with the length of a file, except that --buffer holds what goes to
// standard output. An output file appears under its name only when it is complete and
// authentic; until then it is a temporary file beside it, which every failure removes.
package filecrypt
