package wire

import "context"

// Protocol is one of AWS's wire protocols.
type Protocol uint8

// The protocols, named as in AWS's models.
const (
	AWSJSON10 Protocol = iota + 1
	AWSJSON11
	AWSQuery
	EC2Query
	RESTJSON1
	RESTXML
	RPCv2CBOR
)

// String is the Smithy name of the protocol.
func (p Protocol) String() string {
	switch p {
	case AWSJSON10:
		return "awsJson1_0"
	case AWSJSON11:
		return "awsJson1_1"
	case AWSQuery:
		return "awsQuery"
	case EC2Query:
		return "ec2Query"
	case RESTJSON1:
		return "restJson1"
	case RESTXML:
		return "restXml"
	case RPCv2CBOR:
		return "rpcv2Cbor"
	}
	return "unknown"
}

// API is one AWS service API as data. It is immutable once Link has returned it.
type API struct {
	Name           string     // our package name without "api": "kms"
	ServiceID      string     // AWS's service id: "KMS", "Secrets Manager"
	FullName       string     // "AWS Key Management Service"
	Version        string     // API version date: "2014-11-01"
	SigningName    string     // service part of the credential scope: "kms"
	EndpointPrefix string     // first label of AWS's host name: "kms"
	TargetPrefix   string     // X-Amz-Target before the last dot: "TrentService"
	XMLNamespace   string     // for query and rest-xml answers
	EventSource    string     // CloudTrail: "kms.amazonaws.com"
	IAMPrefix      string     // action prefix: "kms"
	Global         bool       // one endpoint for all Regions (iam, organizations)
	Protocols      []Protocol // all that the model lists, preferred first
	// QueryCompatible APIs (SQS) speak JSON or CBOR but keep their query error codes
	// in the x-amzn-query-error header.
	QueryCompatible bool
	// BareErrors REST XML APIs (S3) answer errors without the ErrorResponse element
	// and with S3's error codes.
	BareErrors bool
	Operations []Operation
	Shapes     []Shape

	byName map[string]*Operation
}

// Operation is one operation of an API.
type Operation struct {
	Name   string
	Method string // HTTP method: "POST"
	Path   string // URI template: "/", "/2015-03-31/functions/{FunctionName}"
	// Status is the HTTP status of success (0 means 200).
	Status int
	// InputRef and OutputRef index API.Shapes; NoShape when there is none.
	InputRef, OutputRef ShapeRef
	// InputElement and InputNamespace are the root element of a rest-xml request
	// body, OutputElement that of an answer, where the model names them.
	InputElement, InputNamespace, OutputElement string
	// HostPrefix is put before the host name by clients; its labels are members with
	// HostLabel. Servers need neither: the members travel in the body too.
	HostPrefix string
	// ResultWrapper is the element around a query answer: "CreateUserResult".
	ResultWrapper string
	// ErrorRefs index API.Shapes: the modelled errors.
	ErrorRefs []ShapeRef
	// ReadOnly operations change nothing that is stored; it is CloudTrail's readOnly.
	ReadOnly bool
	// DataEvent operations are data events for CloudTrail: the event history has no records of
	// them, whether they succeed or fail.
	DataEvent bool
	// Unsigned operations may be called without a signature (authtype none).
	Unsigned bool
	// UnsignedBody: the payload need not be part of the signature (v4-unsigned-body).
	UnsignedBody bool
	// StreamInput and StreamOutput: the payload member is a streaming blob.
	StreamInput, StreamOutput bool
	// ChecksumRequired: the request must carry Content-MD5 or a checksum header.
	ChecksumRequired bool
	// Actions is what IAM calls this operation; the first is the main one.
	Actions []Action

	// NewInput allocates the input struct; nil when the operation has none.
	NewInput func() any
	// Validate checks the modelled constraints of an input; nil when it has none. The
	// error is a *ValidationError.
	Validate func(in any) error
	// Invoke calls the operation on svc, which implements the generated Service
	// interface of the API.
	Invoke func(ctx context.Context, svc, in any) (any, error)

	api           *API
	input, output *Shape
	errors        []*Shape
}

// API is the API the operation belongs to.
func (o *Operation) API() *API { return o.api }

// Input is the shape of the input, or nil.
func (o *Operation) Input() *Shape { return o.input }

// Output is the shape of the output, or nil.
func (o *Operation) Output() *Shape { return o.output }

// Errors are the shapes of the modelled errors.
func (o *Operation) Errors() []*Shape { return o.errors }

// Action is an IAM action an operation needs, from AWS's service authorization
// reference.
type Action struct {
	Name        string // "kms:Encrypt"
	AccessLevel string // "Read", "Write", "List", "Tagging", "Permissions management"
	// Resources are the resource types the action applies to; none means "*".
	Resources []Resource
	// ConditionKeys the action supports, besides the global ones.
	ConditionKeys []string
}

// Resource is one resource type of an action.
type Resource struct {
	Type     string // "key"
	ARN      string // "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"
	Required bool
}

// Operation returns the operation called name, or nil.
func (a *API) Operation(name string) *Operation { return a.byName[name] }

// Speaks tells whether the API lists the protocol.
func (a *API) Speaks(p Protocol) bool {
	for _, q := range a.Protocols {
		if q == p {
			return true
		}
	}
	return false
}

// Invoker runs an operation in process, with the same authorization and audit as a
// call from outside. The front door implements it; generated clients use it.
type Invoker interface {
	Invoke(ctx context.Context, op *Operation, in any) (any, error)
}
