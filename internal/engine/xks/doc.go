// Package xks speaks the external key store (XKS) proxy protocol, both sides.
//
// An external key store keeps AES-256 keys outside the key service. The key
// service calls a proxy, over HTTPS with SigV4 (service name "kms-xks-proxy"), by
// four JSON operations: GetHealthStatus, GetKeyMetadata, Encrypt and Decrypt. The
// protocol is AWS's "External Key Store Proxy API Specification", version 1.0.3
// (github.com/aws/aws-kms-xksproxy-api-spec).
//
// Client is the key service's side: one proxy, a pool of kept connections, 250
// milliseconds for each call, every byte of the answer checked. Its errors say
// what went wrong in the terms of the specification (ProxyError, CallError),
// ScenarioOf turns them into the exception and message the specification
// prescribes for each kind of KMS call, and ConnectionErrorCodeOf into the code
// that DescribeCustomKeyStores shows.
//
// Server is the proxy's side, an http.Handler for any number of isolated tenants,
// each behind its own path prefix with its own credentials and keys. It knows no
// key material: a Keys implementation seals and opens, for which Seal and Open are
// ready to use.
//
// Signing and verifying requests, time and authorization are handed in, so that
// the package stays free of everything but the protocol.
//
// # Order of checks in the server
//
// URI path and tenant (404 InvalidUriPathException), method (405), body size,
// signature (401), request quota (429), JSON and fields (400), secondary
// authorization (403), key (404), its state and usage (400), then the operation.
package xks
