package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Dropped is the value of a key that is known and of no use to a server. It reads
// anything and is written as nothing.
type Dropped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*Dropped) UnmarshalJSON([]byte) error { return nil }

// Model is one service-2.json.
type Model struct {
	// Origin says where a trimmed model comes from: "botocore 1.43.11".
	Origin     string              `json:"origin,omitempty"`
	Format     string              `json:"version,omitempty"`
	Metadata   Metadata            `json:"metadata"`
	Operations Ordered[*Operation] `json:"operations"`
	Shapes     Ordered[*Shape]     `json:"shapes"`

	Documentation        Dropped `json:"documentation,omitzero"`
	ClientContextParams  Dropped `json:"clientContextParams,omitzero"`
	EndpointRuleSetFlags Dropped `json:"endpoints,omitzero"`
}

// Metadata names the service and its protocols.
type Metadata struct {
	APIVersion          string          `json:"apiVersion,omitempty"`
	EndpointPrefix      string          `json:"endpointPrefix,omitempty"`
	GlobalEndpoint      string          `json:"globalEndpoint,omitempty"`
	JSONVersion         string          `json:"jsonVersion,omitempty"`
	Protocol            string          `json:"protocol,omitempty"`
	Protocols           []string        `json:"protocols,omitempty"`
	ServiceAbbreviation string          `json:"serviceAbbreviation,omitempty"`
	ServiceFullName     string          `json:"serviceFullName,omitempty"`
	ServiceID           string          `json:"serviceId,omitempty"`
	SigningName         string          `json:"signingName,omitempty"`
	TargetPrefix        string          `json:"targetPrefix,omitempty"`
	XMLNamespace        string          `json:"xmlNamespace,omitempty"`
	QueryCompatible     json.RawMessage `json:"awsQueryCompatible,omitempty"`

	SignatureVersion Dropped `json:"signatureVersion,omitzero"`
	UID              Dropped `json:"uid,omitzero"`
	Auth             Dropped `json:"auth,omitzero"`
	RipServiceName   Dropped `json:"ripServiceName,omitzero"`
	ChecksumFormat   Dropped `json:"checksumFormat,omitzero"`
	ProtocolSettings Dropped `json:"protocolSettings,omitzero"`
}

// Operation is one operation.
type Operation struct {
	Name             string    `json:"name"`
	HTTP             HTTP      `json:"http"`
	Input            *IORef    `json:"input,omitempty"`
	Output           *IORef    `json:"output,omitempty"`
	Errors           []*IORef  `json:"errors,omitempty"`
	AuthType         string    `json:"authtype,omitempty"`
	Auth             []string  `json:"auth,omitempty"`
	UnsignedPayload  bool      `json:"unsignedPayload,omitempty"`
	ChecksumRequired bool      `json:"httpChecksumRequired,omitempty"`
	Checksum         *Checksum `json:"httpChecksum,omitempty"`
	Endpoint         *Endpoint `json:"endpoint,omitempty"`
	// Compression lists the encodings clients may compress the request with.
	Compression *Compression `json:"requestcompression,omitempty"`

	Documentation        Dropped `json:"documentation,omitzero"`
	DocumentationURL     Dropped `json:"documentationUrl,omitzero"`
	Idempotent           Dropped `json:"idempotent,omitzero"`
	ReadOnly             Dropped `json:"readonly,omitzero"`
	Deprecated           Dropped `json:"deprecated,omitzero"`
	DeprecatedMessage    Dropped `json:"deprecatedMessage,omitzero"`
	DeprecatedSince      Dropped `json:"deprecatedSince,omitzero"`
	StaticContextParams  Dropped `json:"staticContextParams,omitzero"`
	ContextParams        Dropped `json:"operationContextParams,omitzero"`
	EndpointDiscovery    Dropped `json:"endpointdiscovery,omitzero"`
	EndpointOperation    Dropped `json:"endpointoperation,omitzero"`
	Alias                Dropped `json:"alias,omitzero"`
	InternalonlyIgnored  Dropped `json:"internalonly,omitzero"`
	SupportsPresigning   Dropped `json:"supportsPresigning,omitzero"`
	SigningConfigDropped Dropped `json:"sigv4,omitzero"`
}

// HTTP is the HTTP binding of an operation.
type HTTP struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode,omitempty"`
}

// Checksum is the flexible-checksum trait.
type Checksum struct {
	RequestRequired    bool    `json:"requestChecksumRequired,omitempty"`
	AlgorithmMember    string  `json:"requestAlgorithmMember,omitempty"`
	ValidationMode     Dropped `json:"requestValidationModeMember,omitzero"`
	ResponseAlgorithms Dropped `json:"responseAlgorithms,omitzero"`
}

// Endpoint holds the host prefix of an operation: "{accountId}.".
type Endpoint struct {
	HostPrefix string `json:"hostPrefix"`
}

// Compression is the request-compression trait.
type Compression struct {
	Encodings []string `json:"encodings"`
}

// IORef refers to the input, output or an error of an operation.
type IORef struct {
	Shape         string        `json:"shape"`
	LocationName  string        `json:"locationName,omitempty"`
	XMLNamespace  *XMLNamespace `json:"xmlNamespace,omitempty"`
	ResultWrapper string        `json:"resultWrapper,omitempty"`

	Documentation Dropped `json:"documentation,omitzero"`
	XMLOrder      Dropped `json:"xmlOrder,omitzero"`
}

// XMLNamespace is a namespace with its prefix; the short form is a plain string.
type XMLNamespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (x *XMLNamespace) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &x.URI) == nil {
		return nil
	}
	type plain XMLNamespace
	return json.Unmarshal(data, (*plain)(x))
}

// Shape is one shape.
type Shape struct {
	Type     string           `json:"type"`
	Members  Ordered[*Member] `json:"members,omitzero"`
	Required []string         `json:"required,omitempty"`
	Payload  string           `json:"payload,omitempty"`
	Member   *Member          `json:"member,omitempty"`
	Key      *Member          `json:"key,omitempty"`
	Value    *Member          `json:"value,omitempty"`
	// Constraints. Numbers are kept as written: bounds of a double may be fractions.
	Enum    []string    `json:"enum,omitempty"`
	Min     json.Number `json:"min,omitempty"`
	Max     json.Number `json:"max,omitempty"`
	Pattern string      `json:"pattern,omitempty"`

	Sensitive       bool          `json:"sensitive,omitempty"`
	Union           bool          `json:"union,omitempty"`
	Document        bool          `json:"document,omitempty"`
	EventStream     bool          `json:"eventstream,omitempty"`
	Event           bool          `json:"event,omitempty"`
	Streaming       bool          `json:"streaming,omitempty"`
	RequiresLength  bool          `json:"requiresLength,omitempty"`
	Sparse          bool          `json:"sparse,omitempty"`
	Flattened       bool          `json:"flattened,omitempty"`
	JSONValue       bool          `json:"jsonvalue,omitempty"`
	LocationName    string        `json:"locationName,omitempty"`
	TimestampFormat string        `json:"timestampFormat,omitempty"`
	XMLNamespace    *XMLNamespace `json:"xmlNamespace,omitempty"`
	Exception       bool          `json:"exception,omitempty"`
	Fault           bool          `json:"fault,omitempty"`
	Error           *Error        `json:"error,omitempty"`

	Documentation     Dropped `json:"documentation,omitzero"`
	Deprecated        Dropped `json:"deprecated,omitzero"`
	DeprecatedMessage Dropped `json:"deprecatedMessage,omitzero"`
	DeprecatedSince   Dropped `json:"deprecatedSince,omitzero"`
	Box               Dropped `json:"box,omitzero"`
	Wrapper           Dropped `json:"wrapper,omitzero"`
	Synthetic         Dropped `json:"synthetic,omitzero"`
	Retryable         Dropped `json:"retryable,omitzero"`
	XMLOrder          Dropped `json:"xmlOrder,omitzero"`
}

// Error is the error trait of a shape.
type Error struct {
	Code        string `json:"code,omitempty"`
	HTTPStatus  int    `json:"httpStatusCode,omitempty"`
	SenderFault bool   `json:"senderFault,omitempty"`

	Fault Dropped `json:"fault,omitzero"`
}

// Member is a member of a structure, or the element, key or value of a collection.
type Member struct {
	Shape            string        `json:"shape"`
	LocationName     string        `json:"locationName,omitempty"`
	Location         string        `json:"location,omitempty"`
	QueryName        string        `json:"queryName,omitempty"`
	Sensitive        bool          `json:"sensitive,omitempty"`
	Streaming        bool          `json:"streaming,omitempty"`
	Flattened        bool          `json:"flattened,omitempty"`
	XMLAttribute     bool          `json:"xmlAttribute,omitempty"`
	XMLNamespace     *XMLNamespace `json:"xmlNamespace,omitempty"`
	TimestampFormat  string        `json:"timestampFormat,omitempty"`
	IdempotencyToken bool          `json:"idempotencyToken,omitempty"`
	JSONValue        bool          `json:"jsonvalue,omitempty"`
	HostLabel        bool          `json:"hostLabel,omitempty"`
	EventPayload     bool          `json:"eventpayload,omitempty"`
	EventHeader      bool          `json:"eventheader,omitempty"`

	Documentation       Dropped `json:"documentation,omitzero"`
	Deprecated          Dropped `json:"deprecated,omitzero"`
	DeprecatedMessage   Dropped `json:"deprecatedMessage,omitzero"`
	DeprecatedSince     Dropped `json:"deprecatedSince,omitzero"`
	ContextParam        Dropped `json:"contextParam,omitzero"`
	EndpointDiscoveryID Dropped `json:"endpointdiscoveryid,omitzero"`
	Box                 Dropped `json:"box,omitzero"`
}

// Read parses a model. Keys it does not know are errors.
func Read(r io.Reader) (*Model, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	m := new(Model)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("read API model: %w", err)
	}
	return m, nil
}

// Write prints the model, indented by one space, ending in a newline.
func (m *Model) Write(w io.Writer) error {
	var flat, pretty bytes.Buffer
	if err := encode(&flat, m); err != nil {
		return fmt.Errorf("write API model: %w", err)
	}
	if err := json.Indent(&pretty, flat.Bytes(), "", " "); err != nil {
		return fmt.Errorf("write API model: %w", err)
	}
	pretty.WriteByte('\n')
	_, err := w.Write(pretty.Bytes())
	return err
}
