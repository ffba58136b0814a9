// Package rpccbor speaks Smithy RPC v2 CBOR: POST /service/{service}/operation/{name}
// with the smithy-protocol header, input and output one CBOR map each (package
// cborbody).
package rpccbor
