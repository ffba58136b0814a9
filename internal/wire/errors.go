package wire

// APIError is an error that a caller of the API sees with a code of its own.
// Generated error structs implement it, and so does CommonError.
type APIError interface {
	error
	// ErrorCode is the modelled name of the error: "NotFoundException".
	ErrorCode() string
	// ErrorMessage is what the caller reads; it may be empty.
	ErrorMessage() string
}

// ErrorText is the Error of generated errors: the code, and the message if any.
func ErrorText(e APIError) string {
	if m := e.ErrorMessage(); m != "" {
		return e.ErrorCode() + ": " + m
	}
	return e.ErrorCode()
}

// Common names an error that every API can raise. Its code and status on the wire
// depend on the protocol and sometimes on the API.
type Common uint8

// The common errors.
const (
	AccessDenied               Common = iota + 1
	MissingAuthentication             // no signature where one is needed
	IncompleteSignature               // the signature lacks a part or is malformed
	UnrecognizedClient                // unknown or inactive access key
	InvalidSignature                  // the signature does not match
	ExpiredToken                      // the session token has expired
	InvalidToken                      // the session token is not one of ours
	RequestExpired                    // presigned URL or timestamp too old
	RequestTimeTooSkewed              // clock skew beyond the bound
	OptInRequired                     // the account is closed or the Region is off
	UnknownOperation                  // no such operation
	MissingAction                     // a query request without Action
	Serialization                     // the body cannot be read as the protocol's document
	Validation                        // a modelled constraint is violated
	Throttling                        // a rate quota is exhausted
	RequestTooLarge                   // the body is over its bound
	InternalFailure                   // our fault
	ServiceUnavailable                // sealed, shutting down, or the audit log cannot be written
	PayloadHashMismatch               // x-amz-content-sha256 is not the payload's hash
	ChecksumMismatch                  // a checksum header or trailer is wrong
	MalformedQuery                    // contradictory routing: X-Amz-Target and Action, say
	InvalidParameterCombo             // reserved for query APIs
	DryRunOperation                   // EC2: would have succeeded
	UnsupportedOperationCommon        // named by the model, not offered
)

// CommonError is one of the Common errors with its message. Fields that a protocol
// prints besides the message (S3's StringToSign, say) are in Extra.
type CommonError struct {
	Kind    Common
	Message string
	// Extra are further elements of the error document, in order.
	Extra []ExtraField
	// Cause is for logs; it never reaches a caller.
	Cause error
}

// ExtraField is one further element of an error document.
type ExtraField struct{ Name, Value string }

var _ APIError = (*CommonError)(nil)

// Error implements error.
func (e *CommonError) Error() string {
	s := e.ErrorCode()
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *CommonError) Unwrap() error { return e.Cause }

// ErrorMessage implements APIError.
func (e *CommonError) ErrorMessage() string { return e.Message }

// ErrorCode is the code of the JSON protocols, the most common form; a codec asks
// Kind instead.
func (e *CommonError) ErrorCode() string {
	code, _ := JSONCode(e.Kind)
	return code
}

// JSONCode is the code and HTTP status that the awsJson protocols use for k.
func JSONCode(k Common) (code string, status int) {
	switch k {
	case AccessDenied:
		return "AccessDeniedException", 400
	case MissingAuthentication:
		return "MissingAuthenticationTokenException", 400
	case IncompleteSignature:
		return "IncompleteSignatureException", 400
	case UnrecognizedClient, InvalidToken:
		return "UnrecognizedClientException", 400
	case InvalidSignature, RequestExpired, RequestTimeTooSkewed, PayloadHashMismatch:
		return "InvalidSignatureException", 400
	case ExpiredToken:
		return "ExpiredTokenException", 400
	case OptInRequired:
		return "OptInRequired", 403
	case UnknownOperation, MissingAction:
		return "UnknownOperationException", 400
	case Serialization, MalformedQuery:
		return "SerializationException", 400
	case Validation, ChecksumMismatch, InvalidParameterCombo:
		return "ValidationException", 400
	case Throttling:
		return "ThrottlingException", 400
	case RequestTooLarge:
		return "RequestEntityTooLargeException", 413
	case ServiceUnavailable:
		return "ServiceUnavailableException", 503
	case DryRunOperation:
		return "DryRunOperation", 412
	case UnsupportedOperationCommon:
		return "UnsupportedOperation", 400
	}
	return "InternalFailure", 500
}
