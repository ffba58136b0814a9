package wiretest

import (
	"time"
	"unsafe"

	"fastness/internal/wire"
)

// EncryptInput is shaped like the input of KMS Encrypt.
type EncryptInput struct {
	KeyID             *string
	Plaintext         []byte
	EncryptionContext map[string]string
	GrantTokens       []string
	Algorithm         *string
	DryRun            *bool
}

// EncryptOutput is shaped like the output of KMS Encrypt.
type EncryptOutput struct {
	CiphertextBlob []byte
	KeyID          *string
	Algorithm      *string
}

// Everything has a member of every kind.
type Everything struct {
	String    *string
	Boolean   *bool
	Integer   *int32
	Long      *int64
	Float     *float32
	Double    *float64
	Time      *time.Time
	ISOTime   *time.Time
	HTTPTime  *time.Time
	Blob      []byte
	Document  any
	Strings   []string
	Flat      []int32
	Sparse    []*string
	Times     []time.Time
	Lists     [][]string
	Children  []Everything
	Map       map[string]string
	SparseMap map[string]*int32
	FlatMap   map[string]string
	StructMap map[string]Everything
	Child     *Everything
	Union     *Union
	Header    *string
}

// Union holds one of two members.
type Union struct {
	Text   *string
	Number *int32
}

// SampleError is a modelled error with a member besides its message.
type SampleError struct {
	Message *string
	Reason  *string
}

// Error implements error.
func (e *SampleError) Error() string { return "SampleError: " + e.ErrorMessage() }

// ErrorCode implements wire.APIError.
func (e *SampleError) ErrorCode() string { return "SampleError" }

// ErrorMessage implements wire.APIError.
func (e *SampleError) ErrorMessage() string { return wire.Value(e.Message) }

// ErrorShape implements wire.ModelledError.
func (e *SampleError) ErrorShape() *wire.Shape { return &sampleAPI.Shapes[shapeSampleError] }

var _ wire.ModelledError = (*SampleError)(nil)

// API returns the sample API. It speaks every protocol.
func API() *wire.API { return sampleAPI }

// The indices of the shapes.
const (
	shapeString wire.ShapeRef = iota
	shapeBlob
	shapeBoolean
	shapeInteger
	shapeLong
	shapeFloat
	shapeDouble
	shapeTime
	shapeDocument
	shapeStrings
	shapeIntegers
	shapeSparse
	shapeTimes
	shapeLists
	shapeChildren
	shapeMap
	shapeSparseMap
	shapeStructMap
	shapeUnion
	shapeEverything
	shapeEncryptInput
	shapeEncryptOutput
	shapeSampleError
)

func member(name string, ref wire.ShapeRef, offset uintptr) wire.Member {
	return wire.Member{Name: name, WireName: name, Ref: ref, Offset: offset}
}

func element(ref wire.ShapeRef) wire.Member {
	return wire.Member{Name: "member", WireName: "member", Ref: ref}
}

var mapKey = wire.Member{Name: "key", WireName: "key", Ref: shapeString}

func mapValue(ref wire.ShapeRef) wire.Member {
	return wire.Member{Name: "value", WireName: "value", Ref: ref}
}

var sampleAPI = wire.Link(&wire.API{
	Name: "sample", ServiceID: "Sample", FullName: "Sample Service", Version: "2020-01-08",
	SigningName: "sample", EndpointPrefix: "sample", TargetPrefix: "SampleService",
	XMLNamespace: "https://sample.example/doc/2020-01-08/", EventSource: "sample.example", IAMPrefix: "sample",
	Protocols: []wire.Protocol{wire.AWSJSON11, wire.AWSJSON10, wire.AWSQuery, wire.EC2Query, wire.RESTJSON1, wire.RESTXML, wire.RPCv2CBOR},
	Operations: []wire.Operation{
		{
			Name: "Encrypt", Method: "POST", Path: "/", InputRef: shapeEncryptInput, OutputRef: shapeEncryptOutput,
			ResultWrapper: "EncryptResult", ErrorRefs: []wire.ShapeRef{shapeSampleError},
			NewInput: func() any { return new(EncryptInput) },
		},
		{
			Name: "Echo", Method: "POST", Path: "/echo", InputRef: shapeEverything, OutputRef: shapeEverything,
			ResultWrapper: "EchoResult", ErrorRefs: []wire.ShapeRef{shapeSampleError},
			NewInput: func() any { return new(Everything) },
		},
		{Name: "Ping", Method: "GET", Path: "/ping", InputRef: wire.NoShape, OutputRef: wire.NoShape},
	},
	Shapes: []wire.Shape{
		shapeString:    {Name: "String", Kind: wire.String},
		shapeBlob:      {Name: "Blob", Kind: wire.Blob},
		shapeBoolean:   {Name: "Boolean", Kind: wire.Boolean},
		shapeInteger:   {Name: "Integer", Kind: wire.Integer},
		shapeLong:      {Name: "Long", Kind: wire.Long},
		shapeFloat:     {Name: "Float", Kind: wire.Float},
		shapeDouble:    {Name: "Double", Kind: wire.Double},
		shapeTime:      {Name: "Time", Kind: wire.Timestamp},
		shapeDocument:  {Name: "Document", Kind: wire.Document},
		shapeStrings:   {Name: "Strings", Kind: wire.List, Elem: element(shapeString), ListOps: wire.ListOf[string]{}},
		shapeIntegers:  {Name: "Integers", Kind: wire.List, Elem: element(shapeInteger), ListOps: wire.ListOf[int32]{}},
		shapeSparse:    {Name: "Sparse", Kind: wire.List, Sparse: true, Elem: element(shapeString), ListOps: wire.ListOf[*string]{}},
		shapeTimes:     {Name: "Times", Kind: wire.List, Elem: element(shapeTime), ListOps: wire.ListOf[time.Time]{}},
		shapeLists:     {Name: "Lists", Kind: wire.List, Elem: element(shapeStrings), ListOps: wire.ListOf[[]string]{}},
		shapeChildren:  {Name: "Children", Kind: wire.List, Elem: element(shapeEverything), ListOps: wire.ListOf[Everything]{}},
		shapeMap:       {Name: "Map", Kind: wire.Map, Key: mapKey, Elem: mapValue(shapeString), MapOps: wire.MapOf[string, string]{}},
		shapeSparseMap: {Name: "SparseMap", Kind: wire.Map, Sparse: true, Key: mapKey, Elem: mapValue(shapeInteger), MapOps: wire.MapOf[string, *int32]{}},
		shapeStructMap: {Name: "StructMap", Kind: wire.Map, Key: mapKey, Elem: mapValue(shapeEverything), MapOps: wire.MapOf[string, Everything]{}},
		shapeUnion: {
			Name: "Union", Kind: wire.Structure, Union: true, Payload: -1, Size: unsafe.Sizeof(Union{}), New: wire.Allocate[Union],
			Members: []wire.Member{
				member("Text", shapeString, unsafe.Offsetof(Union{}.Text)),
				member("Number", shapeInteger, unsafe.Offsetof(Union{}.Number)),
			},
		},
		shapeEverything: {
			Name: "Everything", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(Everything{}), New: wire.Allocate[Everything],
			Members: []wire.Member{
				member("String", shapeString, unsafe.Offsetof(Everything{}.String)),
				member("Boolean", shapeBoolean, unsafe.Offsetof(Everything{}.Boolean)),
				member("Integer", shapeInteger, unsafe.Offsetof(Everything{}.Integer)),
				member("Long", shapeLong, unsafe.Offsetof(Everything{}.Long)),
				member("Float", shapeFloat, unsafe.Offsetof(Everything{}.Float)),
				member("Double", shapeDouble, unsafe.Offsetof(Everything{}.Double)),
				member("Time", shapeTime, unsafe.Offsetof(Everything{}.Time)),
				{Name: "ISOTime", WireName: "ISOTime", Ref: shapeTime, Time: wire.ISO8601, Offset: unsafe.Offsetof(Everything{}.ISOTime)},
				{Name: "HTTPTime", WireName: "HTTPTime", Ref: shapeTime, Time: wire.HTTPDate, Offset: unsafe.Offsetof(Everything{}.HTTPTime)},
				member("Blob", shapeBlob, unsafe.Offsetof(Everything{}.Blob)),
				member("Document", shapeDocument, unsafe.Offsetof(Everything{}.Document)),
				member("Strings", shapeStrings, unsafe.Offsetof(Everything{}.Strings)),
				{Name: "Flat", WireName: "Flat", Ref: shapeIntegers, Flattened: true, Offset: unsafe.Offsetof(Everything{}.Flat)},
				member("Sparse", shapeSparse, unsafe.Offsetof(Everything{}.Sparse)),
				member("Times", shapeTimes, unsafe.Offsetof(Everything{}.Times)),
				member("Lists", shapeLists, unsafe.Offsetof(Everything{}.Lists)),
				member("Children", shapeChildren, unsafe.Offsetof(Everything{}.Children)),
				member("Map", shapeMap, unsafe.Offsetof(Everything{}.Map)),
				member("SparseMap", shapeSparseMap, unsafe.Offsetof(Everything{}.SparseMap)),
				{Name: "FlatMap", WireName: "FlatMap", Ref: shapeMap, Flattened: true, Offset: unsafe.Offsetof(Everything{}.FlatMap)},
				member("StructMap", shapeStructMap, unsafe.Offsetof(Everything{}.StructMap)),
				member("Child", shapeEverything, unsafe.Offsetof(Everything{}.Child)),
				member("Union", shapeUnion, unsafe.Offsetof(Everything{}.Union)),
				{Name: "Header", WireName: "X-Header", Ref: shapeString, Location: wire.InHeader, Offset: unsafe.Offsetof(Everything{}.Header)},
			},
		},
		shapeEncryptInput: {
			Name: "EncryptRequest", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(EncryptInput{}), New: wire.Allocate[EncryptInput],
			Members: []wire.Member{
				member("KeyId", shapeString, unsafe.Offsetof(EncryptInput{}.KeyID)),
				{Name: "Plaintext", WireName: "Plaintext", Ref: shapeBlob, Sensitive: true, Offset: unsafe.Offsetof(EncryptInput{}.Plaintext)},
				member("EncryptionContext", shapeMap, unsafe.Offsetof(EncryptInput{}.EncryptionContext)),
				member("GrantTokens", shapeStrings, unsafe.Offsetof(EncryptInput{}.GrantTokens)),
				member("EncryptionAlgorithm", shapeString, unsafe.Offsetof(EncryptInput{}.Algorithm)),
				member("DryRun", shapeBoolean, unsafe.Offsetof(EncryptInput{}.DryRun)),
			},
		},
		shapeEncryptOutput: {
			Name: "EncryptResponse", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(EncryptOutput{}), New: wire.Allocate[EncryptOutput],
			Members: []wire.Member{
				member("CiphertextBlob", shapeBlob, unsafe.Offsetof(EncryptOutput{}.CiphertextBlob)),
				member("KeyId", shapeString, unsafe.Offsetof(EncryptOutput{}.KeyID)),
				member("EncryptionAlgorithm", shapeString, unsafe.Offsetof(EncryptOutput{}.Algorithm)),
			},
		},
		shapeSampleError: {
			Name: "SampleError", Kind: wire.Structure, Payload: -1, Size: unsafe.Sizeof(SampleError{}), New: wire.Allocate[SampleError],
			Error: &wire.ErrorTrait{Code: "Sample.Error", Status: 409, Sender: true, Message: 0},
			Members: []wire.Member{
				member("Message", shapeString, unsafe.Offsetof(SampleError{}.Message)),
				member("Reason", shapeString, unsafe.Offsetof(SampleError{}.Reason)),
			},
		},
	},
})
