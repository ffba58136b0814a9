// Package ec2query speaks the EC2 Query protocol: AWS Query with capitalised parameter
// names, lists that are always flattened, no result wrapper around the output, and an
// error document of its own whose request id is spelled RequestID.
package ec2query
