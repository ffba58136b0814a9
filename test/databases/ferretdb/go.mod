// The source of FerretDB, a server of MongoDB's protocol, for package databases, which
// builds it with the dependencies of its own go.mod. Nothing here is in the product.
module fastness/test/databases/ferretdb

go 1.26.4

require github.com/FerretDB/FerretDB v1.24.2
