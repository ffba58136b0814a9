// Package model reads, trims and writes AWS API models in the form that botocore
// ships them (service-2.json), as far as a server needs them.
//
// Every key of the format is either declared here or refused: a model that carries
// something this package does not know fails to load instead of losing it silently.
// Documentation is declared and dropped. The order of operations, shapes and members
// is kept, because the order of members decides the order of violations and fields.
package model
