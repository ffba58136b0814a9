package sigv4

// Kind says why a request was refused. The front door maps it to the error code of
// the protocol the client speaks.
type Kind uint8

// The reasons for a refusal.
const (
	// KindMissing: the request carries no signature at all.
	KindMissing Kind = iota + 1
	// KindIncomplete: a part of the signature is absent or not readable
	// (IncompleteSignature; S3: AuthorizationHeaderMalformed or, when Presigned,
	// AuthorizationQueryParametersError).
	KindIncomplete
	// KindConflict: two mechanisms at once, a repeated Authorization header or a
	// repeated X-Amz-* query parameter (IncompleteSignature; S3: InvalidArgument).
	KindConflict
	// KindScope: the credential scope names another date, Region, service or
	// terminator (InvalidSignatureException or SignatureDoesNotMatch; S3:
	// AuthorizationHeaderMalformed with Expected as the Region).
	KindScope
	// KindUnsignedHeader: a header that must be signed is not (as KindMismatch; S3:
	// AccessDenied).
	KindUnsignedHeader
	// KindExpired: signed too long ago, or a presigned URL past its end (as
	// KindMismatch; S3: RequestTimeTooSkewed or, when Presigned, AccessDenied).
	KindExpired
	// KindNotYetValid: signed in the future (as KindExpired).
	KindNotYetValid
	// KindUnknownAccessKey: nobody has this access key id
	// (UnrecognizedClientException, InvalidClientTokenId, InvalidAccessKeyId).
	KindUnknownAccessKey
	// KindMismatch: the signature is not the one the key gives
	// (InvalidSignatureException, SignatureDoesNotMatch).
	KindMismatch
	// KindPayloadMode: X-Amz-Content-Sha256 is absent where it is required, not a
	// hash, or a mode this operation does not take (S3: InvalidRequest or
	// InvalidArgument).
	KindPayloadMode
	// KindPayloadMismatch: the body has another hash than the one signed (as
	// KindMismatch; S3: XAmzContentSHA256Mismatch).
	KindPayloadMismatch
	// KindChunk: the chunked framing is broken, or the body ends early (S3:
	// IncompleteBody).
	KindChunk
	// KindChunkSize: a chunk that is not the last is below 8192 bytes, or a signed
	// chunk is above the verifier's bound (S3: InvalidChunkSizeError with Chunk and
	// ChunkSize).
	KindChunkSize
	// KindChunkMismatch: the signature of a chunk or of the trailer is wrong (S3:
	// SignatureDoesNotMatch).
	KindChunkMismatch
	// KindLength: X-Amz-Decoded-Content-Length is absent or differs from what came
	// (S3: MissingContentLength or IncompleteBody).
	KindLength
	// KindTrailer: the trailer differs from what X-Amz-Trailer announced (S3:
	// MalformedTrailerError).
	KindTrailer
	// KindTrailerName: X-Amz-Trailer names something that is not a known checksum
	// (S3: InvalidRequest).
	KindTrailerName
	// KindChecksum: a checksum in the trailer differs from that of the data (S3:
	// BadDigest).
	KindChecksum
)

// String names the kind for logs and tests.
func (k Kind) String() string {
	names := [...]string{"", "missing", "incomplete", "conflict", "scope", "unsigned header",
		"expired", "not yet valid", "unknown access key", "signature mismatch", "payload mode",
		"payload mismatch", "chunk", "chunk size", "chunk signature mismatch", "decoded length", "trailer",
		"trailer name", "checksum"}
	if int(k) < len(names) && k != 0 {
		return names[k]
	}
	return "unknown"
}

// Error is the only error type of this package's verification. It never holds a
// secret, a signing key or a signature that would have been right.
type Error struct {
	// Kind is the reason.
	Kind Kind
	// Message is the text AWS's services print.
	Message string
	// S3Message is the text S3 prints; empty if it is the same as Message.
	S3Message string
	// Presigned tells that the signature stood in the query.
	Presigned bool
	// Expected is, for KindScope, the Region that was expected.
	Expected string
	// Chunk and ChunkSize are, for KindChunkSize, the number of the chunk, from 1, and
	// its size in bytes.
	Chunk, ChunkSize int64
	// AccessKeyID, SignatureProvided, StringToSign and CanonicalRequest are set for
	// KindMismatch and KindChunkMismatch (the last one not for chunks): S3 prints
	// them in SignatureDoesNotMatch.
	AccessKeyID, SignatureProvided, StringToSign, CanonicalRequest string
}

// Error implements error. It prints the kind and AWS's text.
func (e *Error) Error() string { return "sigv4: " + e.Kind.String() + ": " + e.Message }

// Text is the message for an answer of S3 (s3 true) or of another service.
func (e *Error) Text(s3 bool) string {
	if s3 && e.S3Message != "" {
		return e.S3Message
	}
	return e.Message
}

// Is makes errors.Is(err, &Error{Kind: k}) match every error of kind k.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// The texts that AWS documents or that its clients are known to have received.
const (
	textMissing     = "Request is missing Authentication Token"
	textMismatch    = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textMismatchS3  = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	textUnknown     = "The security token included in the request is invalid."
	textUnknownS3   = "The AWS Access Key Id you provided does not exist in our records."
	textSkewS3      = "The difference between the request time and the current time is too large."
	textExpiredS3   = "Request has expired"
	textFutureS3    = "Request is not valid yet"
	textUnsignedS3  = "There were headers present in the request which were not signed"
	textOneAuthS3   = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
	textHostSigned  = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
	textQueryS3     = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	textPayloadS3   = "The provided 'x-amz-content-sha256' header does not match what was computed."
	textNoShaS3     = "Missing required header for this request: x-amz-content-sha256"
	textBadShaS3    = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
	textIncomplete  = "The request body terminated unexpectedly"
	textTrailerS3   = "The request contained trailing data that was not well-formed or did not conform to our published schema."
	textTrailerName = "The value specified in the x-amz-trailer header is not supported"
	textChunkSizeS3 = "Only the last chunk is allowed to have a size less than 8192 bytes"
)
