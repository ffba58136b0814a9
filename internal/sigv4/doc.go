// Package sigv4 verifies AWS Signature Version 4: who signed a request, and that
// what arrived is what was signed. It knows header and presigned signatures, session
// tokens, AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256 (SigV4A), bodies signed whole,
// unsigned, or in chunks with trailing checksums.
//
// Verification has two phases, because the router stands between them:
//
//	sig, err := sigv4.Parse(sigv4.FromHTTP(r))  // form only, no key
//	…route by sig.Service and the operation, look up the secret of sig.AccessKeyID…
//	err = verifier.Verify(sig, secret, rules, body)          // body in memory
//	body, err := verifier.VerifyStream(sig, secret, rules, r.Body)  // body to come
//
// If nobody has the access key, the caller still calls VerifyUnknown: it refuses
// after the same work, so that timing tells nothing. Nothing in a Signature may be
// trusted before Verify has returned nil.
//
// What is signed is the wire: the raw request target (never a decoded or cleaned
// path), the header fields that net/http moves elsewhere, and the bytes of the body.
// The rules, stricter than AWS's where AWS leaves a choice:
//
//   - one signature: header or query, never both; no repeated Authorization header or
//     X-Amz-* query parameter; one spelling of a signature (lower-case hexadecimal);
//   - SignedHeaders sorted, unique, lower case, with host, with every X-Amz-* header of
//     the request and with Content-Type (see Rules.AllowUnsignedContentType); a signed
//     header that is absent refuses the request;
//   - the scope names the day of X-Amz-Date (or Date), the routed Region and service;
//   - the time is within Rules' skew, or within a presigned URL's life;
//   - a plus sign in a query means a space, as it does to every form decoder.
//
// Sources: IAM user guide, "AWS Signature Version 4 for API requests"; S3 API
// reference, "Authenticating Requests"; the test suite of aws-c-auth.
package sigv4
