package wire

import (
	"fmt"
	"unsafe"
)

// Kind is the kind of a modelled shape.
type Kind uint8

// The kinds. Enums are strings; Document is an arbitrary JSON value.
const (
	Structure Kind = iota + 1
	List
	Map
	String
	Blob
	Boolean
	Integer
	Long
	Float
	Double
	Timestamp
	Document
)

// ShapeRef indexes API.Shapes.
type ShapeRef int32

// NoShape is the ShapeRef of what has no shape.
const NoShape ShapeRef = -1

// Location says where in an HTTP message a member travels (REST protocols).
type Location uint8

// The locations.
const (
	InBody      Location = iota // member of the body document
	InHeader                    // one header, WireName is its name
	InHeaders                   // all headers that begin with WireName, which may be empty, as a map
	InQuery                     // one query parameter
	InQueryMap                  // query parameters as a map: all of them if it is a map of lists, else those no other member names
	InPath                      // a label of the URI template
	InPathTail                  // a greedy label: {Key+}
	InStatus                    // the HTTP status code (output)
	InHostLabel                 // a label of the host name; also in the body
)

// TimeFormat is how a timestamp is written; the zero value means what the protocol
// and location default to.
type TimeFormat uint8

// The timestamp formats.
const (
	DefaultTime TimeFormat = iota
	EpochSeconds
	ISO8601
	HTTPDate // RFC 7231 IMF-fixdate
)

// Shape is one modelled type.
type Shape struct {
	Name      string
	Kind      Kind
	Sensitive bool
	// Members of a structure, in the order of the model.
	Members []Member
	// Payload is the index in Members of the member that is the whole body, or -1.
	// Only meaningful for structures used as an operation's input, output or error.
	Payload int16
	// Union: exactly one member is set.
	Union bool
	// Error is set for error shapes.
	Error *ErrorTrait
	// Elem is the element of a list or the value of a map; Key the key of a map. Their
	// wire names are "member", "value" and "key" unless the model names them.
	Elem, Key Member
	// Sparse lists and maps may hold nulls; their elements are pointers.
	Sparse bool
	// Flattened lists and maps (XML and query) have no wrapping element.
	Flattened bool
	// Streaming blobs are io.ReadCloser fields.
	Streaming bool
	// Time is the timestamp format the shape itself asks for.
	Time TimeFormat
	// JSONValue strings are base64 JSON in a header.
	JSONValue bool
	// ListOps and MapOps access the Go slice or map.
	ListOps ListOps
	MapOps  MapOps
	// XMLName is the element name of the structure where it is a whole body and the
	// member gives none; Name when empty.
	XMLName string
	// XMLNamespace and XMLNamespacePrefix of the element, where the model has them.
	XMLNamespace, XMLNamespacePrefix string
	// Size is unsafe.Sizeof the Go struct of a structure; New allocates a zero one.
	Size uintptr
	New  func() unsafe.Pointer

	byWireName map[string]*Member
}

// ErrorTrait is what the model says of an error shape.
type ErrorTrait struct {
	// Code on the wire: the shape's name, except for query and ec2Query APIs, whose
	// models may give another.
	Code   string
	Status int  // HTTP status; 0 means the protocol's default (400, or 500 for Fault)
	Sender bool // the caller is at fault
	Fault  bool // the service is at fault
	// QueryCode is the code in x-amzn-query-error of a query-compatible API, and that of
	// its answers in the query protocol.
	QueryCode string
	// Message is the index in Members of the message member, or -1.
	Message int16
}

// Member is a member of a structure, or the element, key or value of a list or map.
type Member struct {
	// Name is the modelled name ("KeyId"), WireName what travels: the same unless the
	// model gives a locationName.
	Name, WireName string
	// QueryName is the locationName for ec2Query, where it differs from WireName.
	QueryName string
	Ref       ShapeRef
	// Offset of the field in the Go struct (unsafe.Offsetof); 0 for elements.
	Offset    uintptr
	Required  bool
	Sensitive bool
	Location  Location
	Time      TimeFormat // overrides the shape's
	Flattened bool
	// XMLAttribute members are attributes of the element around them.
	XMLAttribute                     bool
	XMLNamespace, XMLNamespacePrefix string
	// IdempotencyToken members are filled by clients.
	IdempotencyToken bool
	JSONValue        bool
	// ContextParam names an endpoint parameter; unused by servers but kept for routing.
	HostLabel bool

	shape *Shape
}

// Shape is the shape of the member.
func (m *Member) Shape() *Shape { return m.shape }

// Field is the address of the member's field in the struct at p.
func (m *Member) Field(p unsafe.Pointer) unsafe.Pointer { return unsafe.Add(p, m.Offset) }

// IsSensitive tells whether the member or its shape is marked sensitive.
func (m *Member) IsSensitive() bool { return m.Sensitive || (m.shape != nil && m.shape.Sensitive) }

// TimeFormat is the format of a timestamp member, DefaultTime when the model leaves
// it to the protocol.
func (m *Member) TimeFormat() TimeFormat {
	if m.Time != DefaultTime {
		return m.Time
	}
	if m.shape != nil {
		return m.shape.Time
	}
	return DefaultTime
}

// Member returns the member with the given wire name, or nil.
func (s *Shape) Member(wireName string) *Member {
	if s.byWireName != nil {
		return s.byWireName[wireName]
	}
	for i := range s.Members {
		if s.Members[i].WireName == wireName {
			return &s.Members[i]
		}
	}
	return nil
}

// smallShape is the number of members up to which a linear search beats a map.
const smallShape = 12

// Link resolves the references of a generated API and returns it. It panics on a
// reference that leads nowhere: that is a defect of the generator, met by any test
// that imports the package.
func Link(a *API) *API {
	shape := func(r ShapeRef) *Shape {
		if r == NoShape {
			return nil
		}
		if r < 0 || int(r) >= len(a.Shapes) {
			panic(fmt.Sprintf("wire: %s: shape reference %d out of range", a.Name, r))
		}
		return &a.Shapes[r]
	}
	for i := range a.Shapes {
		s := &a.Shapes[i]
		for j := range s.Members {
			s.Members[j].shape = shape(s.Members[j].Ref)
		}
		switch s.Kind {
		case List:
			s.Elem.shape = shape(s.Elem.Ref)
		case Map:
			s.Elem.shape, s.Key.shape = shape(s.Elem.Ref), shape(s.Key.Ref)
		}
		if len(s.Members) > smallShape {
			s.byWireName = make(map[string]*Member, len(s.Members))
			for j := range s.Members {
				s.byWireName[s.Members[j].WireName] = &s.Members[j]
			}
		}
	}
	a.byName = make(map[string]*Operation, len(a.Operations))
	for i := range a.Operations {
		o := &a.Operations[i]
		o.api, o.input, o.output = a, shape(o.InputRef), shape(o.OutputRef)
		o.errors = make([]*Shape, len(o.ErrorRefs))
		for j, r := range o.ErrorRefs {
			o.errors[j] = shape(r)
		}
		a.byName[o.Name] = o
	}
	return a
}
