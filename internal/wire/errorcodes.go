package wire

// The codes and HTTP statuses of the common errors in the protocols other than
// awsJson (see JSONCode), from AWS's pages "Common Errors", the EC2 and S3 error
// code lists and what clients of each protocol branch on.

// RESTJSONCode is the code and HTTP status that restJson1 uses for k.
func RESTJSONCode(k Common) (code string, status int) {
	code, status = JSONCode(k)
	switch k {
	case AccessDenied, MissingAuthentication, UnrecognizedClient, InvalidToken, InvalidSignature,
		ExpiredToken, RequestExpired, RequestTimeTooSkewed, PayloadHashMismatch, IncompleteSignature:
		status = 403
	case UnknownOperation, MissingAction:
		status = 404
	case Throttling:
		status = 429
	}
	return code, status
}

// QueryCode is the code and HTTP status that awsQuery, and restXml APIs with wrapped
// errors, use for k.
func QueryCode(k Common) (code string, status int) {
	switch k {
	case AccessDenied:
		return "AccessDenied", 403
	case MissingAuthentication:
		return "MissingAuthenticationToken", 403
	case IncompleteSignature:
		return "IncompleteSignature", 400
	case UnrecognizedClient, InvalidToken:
		return "InvalidClientTokenId", 403
	case InvalidSignature, RequestTimeTooSkewed, PayloadHashMismatch:
		return "SignatureDoesNotMatch", 403
	case ExpiredToken:
		return "ExpiredToken", 403
	case RequestExpired:
		return "RequestExpired", 400
	case OptInRequired:
		return "OptInRequired", 403
	case UnknownOperation:
		return "InvalidAction", 400
	case MissingAction:
		return "MissingAction", 400
	case Serialization:
		return "MalformedInput", 400
	case Validation, ChecksumMismatch:
		return "ValidationError", 400
	case Throttling:
		return "Throttling", 400
	case RequestTooLarge:
		return "RequestEntityTooLarge", 413
	case ServiceUnavailable:
		return "ServiceUnavailable", 503
	case MalformedQuery:
		return "MalformedQueryString", 400
	case InvalidParameterCombo:
		return "InvalidParameterCombination", 400
	case DryRunOperation:
		return "DryRunOperation", 412
	case UnsupportedOperationCommon:
		return "UnsupportedOperation", 400
	}
	return "InternalFailure", 500
}

// EC2Code is the code and HTTP status that ec2Query uses for k.
func EC2Code(k Common) (code string, status int) {
	switch k {
	case AccessDenied:
		return "UnauthorizedOperation", 403
	case UnrecognizedClient, InvalidToken, InvalidSignature, ExpiredToken, PayloadHashMismatch:
		return "AuthFailure", 401
	case RequestExpired, RequestTimeTooSkewed:
		return "RequestExpired", 400
	case OptInRequired:
		return "OptInRequired", 401
	case Serialization, Validation, ChecksumMismatch:
		return "InvalidParameterValue", 400
	case Throttling:
		return "RequestLimitExceeded", 503
	case ServiceUnavailable:
		return "Unavailable", 503
	case InternalFailure:
		return "InternalError", 500
	}
	return QueryCode(k)
}

// S3Code is the code and HTTP status that S3 uses for k.
func S3Code(k Common) (code string, status int) {
	switch k {
	case AccessDenied, MissingAuthentication, RequestExpired:
		return "AccessDenied", 403
	case IncompleteSignature:
		return "AuthorizationHeaderMalformed", 400
	case UnrecognizedClient:
		return "InvalidAccessKeyId", 403
	case InvalidSignature:
		return "SignatureDoesNotMatch", 403
	case ExpiredToken:
		return "ExpiredToken", 400
	case InvalidToken:
		return "InvalidToken", 400
	case RequestTimeTooSkewed:
		return "RequestTimeTooSkewed", 403
	case OptInRequired:
		return "NotSignedUp", 403
	case UnknownOperation, MissingAction:
		return "MethodNotAllowed", 405
	case Serialization:
		return "MalformedXML", 400
	case Validation, InvalidParameterCombo:
		return "InvalidArgument", 400
	case Throttling:
		return "SlowDown", 503
	case RequestTooLarge:
		return "EntityTooLarge", 400
	case ServiceUnavailable:
		return "ServiceUnavailable", 503
	case PayloadHashMismatch:
		return "XAmzContentSHA256Mismatch", 400
	case ChecksumMismatch:
		return "BadDigest", 400
	case MalformedQuery:
		return "InvalidRequest", 400
	case DryRunOperation:
		return "DryRunOperation", 412
	case UnsupportedOperationCommon:
		return "NotImplemented", 501
	}
	return "InternalError", 500
}

// Described is what a codec prints of an error.
type Described struct {
	Code, Message string
	Status        int
	// QueryCode is the code in x-amzn-query-error of a query-compatible API.
	QueryCode string
	// Sender: the caller is at fault; else the service is.
	Sender bool
	// Shape describes the members of a modelled error, which is at the address
	// PointerOf gives; nil for common errors.
	Shape *Shape
	// Extra are further elements of a common error.
	Extra []ExtraField
}

// Describe gathers code, status and fault of err. The common function of the
// protocol (JSONCode, QueryCode, …) names common errors. A modelled error has its
// wire code if wireCodes is set (query and REST XML) or the API is not
// query-compatible, else the name of its shape. An APIError that is neither is
// printed with its own code and status 400.
func Describe(api *API, err APIError, common func(Common) (string, int), wireCodes bool) Described {
	d := Described{Code: err.ErrorCode(), Message: err.ErrorMessage(), Status: 400, Sender: true}
	switch e := err.(type) {
	case *CommonError:
		d.Code, d.Status = common(e.Kind)
		d.QueryCode, _ = QueryCode(e.Kind)
		d.Sender = d.Status < 500
		d.Extra = e.Extra
	case ModelledError:
		d.Shape = e.ErrorShape()
		d.Code, d.QueryCode = d.Shape.Name, d.Shape.Name
		t := d.Shape.Error
		if t == nil {
			break
		}
		if t.Code != "" && (wireCodes || api == nil || !api.QueryCompatible) {
			d.Code = t.Code
		}
		switch {
		case t.QueryCode != "":
			d.QueryCode = t.QueryCode
		case t.Code != "":
			d.QueryCode = t.Code
		}
		switch {
		case t.Status != 0:
			d.Status = t.Status
		case t.Fault:
			d.Status = 500
		}
		d.Sender = t.Sender || !t.Fault && d.Status < 500
		if !wireCodes && api != nil && api.QueryCompatible {
			// The status in such a model is that of the query protocol.
			if d.Status = 400; !d.Sender {
				d.Status = 500
			}
		}
	}
	return d
}

// QueryError is the value of the x-amzn-query-error header: "Code;Sender".
func (d *Described) QueryError() string {
	code := d.QueryCode
	if code == "" {
		code = d.Code
	}
	return code + ";" + d.Fault()
}

// Fault is the word that query documents have for who is to blame.
func (d *Described) Fault() string {
	if d.Sender {
		return "Sender"
	}
	return "Receiver"
}
