package apigen

import (
	"fmt"
	"strings"

	"fastness/internal/apigen/model"
	"fastness/internal/wire"
)

var kindNames = map[wire.Kind]string{
	wire.Structure: "Structure", wire.List: "List", wire.Map: "Map", wire.String: "String", wire.Blob: "Blob",
	wire.Boolean: "Boolean", wire.Integer: "Integer", wire.Long: "Long", wire.Float: "Float", wire.Double: "Double",
	wire.Timestamp: "Timestamp", wire.Document: "Document",
}

var locationNames = map[wire.Location]string{
	wire.InHeader: "InHeader", wire.InHeaders: "InHeaders", wire.InQuery: "InQuery", wire.InQueryMap: "InQueryMap",
	wire.InPath: "InPath", wire.InPathTail: "InPathTail", wire.InStatus: "InStatus",
}

var protocolIdents = map[wire.Protocol]string{
	wire.AWSJSON10: "AWSJSON10", wire.AWSJSON11: "AWSJSON11", wire.AWSQuery: "AWSQuery", wire.EC2Query: "EC2Query",
	wire.RESTJSON1: "RESTJSON1", wire.RESTXML: "RESTXML", wire.RPCv2CBOR: "RPCv2CBOR",
}

var timeNames = map[string]string{
	"iso8601": "ISO8601", "unixTimestamp": "EpochSeconds", "rfc822": "HTTPDate",
}

// emitDescriptors writes the shape table. It is a variable of its own, apart from
// API, because validation prints values through it and API holds the validators.
func emitDescriptors(p *plan, s *source) error {
	if len(p.shapes) == 0 {
		s.p("var %s []wire.Shape", p.global("shapes"))
		return nil
	}
	s.p("// Indexes of %s.\nconst (", p.global("shapes"))
	for i, sh := range p.shapes {
		if i == 0 {
			s.p("%s wire.ShapeRef = iota", sh.ref)
		} else {
			s.p("%s", sh.ref)
		}
	}
	s.p(")\n")
	s.p("var %s = []wire.Shape{", p.global("shapes"))
	for _, sh := range p.shapes {
		if err := p.emitShape(s, sh); err != nil {
			return fmt.Errorf("shape %s: %w", sh.name, err)
		}
	}
	s.p("}")
	return nil
}

func (p *plan) emitShape(s *source, sh *shape) error {
	src := sh.src
	s.p("%s: {", sh.ref)
	s.p("Name: %q, Kind: wire.%s,", sh.name, kindNames[sh.kind])
	flag(s, "Sensitive", src.Sensitive)
	flag(s, "Union", src.Union)
	flag(s, "Sparse", src.Sparse)
	flag(s, "Flattened", src.Flattened)
	flag(s, "Streaming", sh.streaming)
	flag(s, "JSONValue", src.JSONValue)
	if src.LocationName != "" {
		s.p("XMLName: %q,", src.LocationName)
	}
	if err := timeFormat(s, src.TimestampFormat); err != nil {
		return err
	}
	namespaceOf(s, src.XMLNamespace)
	switch sh.kind {
	case wire.Structure:
		payload := -1
		for i, m := range sh.members {
			if src.Payload != "" && m.name == src.Payload {
				payload = i
			}
		}
		if src.Payload != "" && payload < 0 {
			return fmt.Errorf("payload member %s does not exist", src.Payload)
		}
		s.p("Payload: %d, Size: unsafe.Sizeof(%s{}), New: wire.Allocate[%s],", payload, sh.goName, sh.goName)
		if sh.isError {
			p.emitErrorTrait(s, sh)
		}
		if len(sh.members) > 0 {
			s.p("Members: []wire.Member{")
			for _, m := range sh.members {
				s.WriteString("{")
				if err := p.emitMember(s, m, fmt.Sprintf("unsafe.Offsetof(%s{}.%s)", sh.goName, m.goName)); err != nil {
					return fmt.Errorf("member %s: %w", m.name, err)
				}
				s.p("},")
			}
			s.p("},")
		}
	case wire.List:
		s.WriteString("Payload: -1, Elem: wire.Member{")
		if err := p.emitMember(s, sh.elem, ""); err != nil {
			return err
		}
		s.p("}, ListOps: wire.ListOf[%s]{},", sh.elemType())
	case wire.Map:
		s.WriteString("Payload: -1, Key: wire.Member{")
		if err := p.emitMember(s, sh.key, ""); err != nil {
			return err
		}
		s.WriteString("}, Elem: wire.Member{")
		if err := p.emitMember(s, sh.elem, ""); err != nil {
			return err
		}
		s.p("}, MapOps: wire.MapOf[%s, %s]{},", sh.key.shape.typ(), sh.elemType())
	default:
		s.p("Payload: -1,")
	}
	s.p("},")
	return nil
}

func (p *plan) emitErrorTrait(s *source, sh *shape) {
	t := wire.ErrorTrait{Code: sh.name, Fault: sh.src.Fault, Message: int16(sh.message)}
	if e := sh.src.Error; e != nil {
		t.Status, t.Sender = e.HTTPStatus, e.SenderFault
		if e.Code != "" && p.prefers(wire.AWSQuery, wire.EC2Query) {
			t.Code = e.Code
		}
		if p.queryCompatible() {
			t.QueryCode = e.Code
		}
	}
	s.WriteString("Error: &wire.ErrorTrait{")
	fmt.Fprintf(s, "Code: %q", t.Code)
	if t.Status != 0 {
		fmt.Fprintf(s, ", Status: %d", t.Status)
	}
	if t.Sender {
		s.WriteString(", Sender: true")
	}
	if t.Fault {
		s.WriteString(", Fault: true")
	}
	if t.QueryCode != "" {
		fmt.Fprintf(s, ", QueryCode: %q", t.QueryCode)
	}
	s.p(", Message: %d},", t.Message)
}

func (p *plan) queryCompatible() bool { return p.model.Metadata.QueryCompatible != nil }

func (p *plan) emitMember(s *source, m *member, offset string) error {
	fmt.Fprintf(s, "Name: %q, WireName: %q, Ref: %s", m.name, m.wireName, m.shape.ref)
	if p.prefers(wire.EC2Query) {
		q := m.src.QueryName
		if q == "" && m.src.LocationName != "" {
			q = strings.ToUpper(m.wireName[:1]) + m.wireName[1:]
		}
		if q != "" && q != m.wireName {
			fmt.Fprintf(s, ", QueryName: %q", q)
		}
	}
	if offset != "" {
		fmt.Fprintf(s, ", Offset: %s", offset)
	}
	inline := func(name string, set bool) {
		if set {
			fmt.Fprintf(s, ", %s: true", name)
		}
	}
	inline("Required", m.required)
	inline("Sensitive", m.src.Sensitive)
	if m.location != wire.InBody {
		fmt.Fprintf(s, ", Location: wire.%s", locationNames[m.location])
	}
	if m.src.TimestampFormat != "" {
		n, ok := timeNames[m.src.TimestampFormat]
		if !ok {
			return fmt.Errorf("timestamp format %q is not supported", m.src.TimestampFormat)
		}
		fmt.Fprintf(s, ", Time: wire.%s", n)
	}
	inline("Flattened", m.src.Flattened)
	inline("XMLAttribute", m.src.XMLAttribute)
	if x := m.src.XMLNamespace; x != nil {
		fmt.Fprintf(s, ", XMLNamespace: %q", x.URI)
		if x.Prefix != "" {
			fmt.Fprintf(s, ", XMLNamespacePrefix: %q", x.Prefix)
		}
	}
	inline("IdempotencyToken", m.src.IdempotencyToken)
	inline("JSONValue", m.src.JSONValue)
	inline("HostLabel", m.src.HostLabel)
	return nil
}

func flag(s *source, name string, set bool) {
	if set {
		s.p("%s: true,", name)
	}
}

func timeFormat(s *source, format string) error {
	if format == "" {
		return nil
	}
	n, ok := timeNames[format]
	if !ok {
		return fmt.Errorf("timestamp format %q is not supported", format)
	}
	s.p("Time: wire.%s,", n)
	return nil
}

func namespaceOf(s *source, x *model.XMLNamespace) {
	if x == nil {
		return
	}
	s.p("XMLNamespace: %q,", x.URI)
	if x.Prefix != "" {
		s.p("XMLNamespacePrefix: %q,", x.Prefix)
	}
}

func emitOperations(p *plan, s *source) error {
	md := p.model.Metadata
	eventSource := p.cfg.EventSource
	if eventSource == "" && md.EndpointPrefix != "" {
		eventSource = md.EndpointPrefix + ".amazonaws.com"
	}
	signing := md.SigningName
	if signing == "" {
		signing = md.EndpointPrefix
	}
	s.p("// %s is the table of the operations and shapes.", p.global("API"))
	s.p("var %s = wire.Link(&wire.API{", p.global("API"))
	s.p("Name: %q,", p.cfg.Name)
	for _, f := range []struct{ name, value string }{
		{"ServiceID", md.ServiceID}, {"FullName", md.ServiceFullName}, {"Version", md.APIVersion},
		{"SigningName", signing}, {"EndpointPrefix", md.EndpointPrefix}, {"TargetPrefix", md.TargetPrefix},
		{"XMLNamespace", md.XMLNamespace}, {"EventSource", eventSource}, {"IAMPrefix", p.cfg.IAMPrefix},
	} {
		if f.value != "" {
			s.p("%s: %q,", f.name, f.value)
		}
	}
	flag(s, "Global", p.cfg.Global)
	var protos []string
	for _, pr := range p.protocols {
		protos = append(protos, "wire."+protocolIdents[pr])
	}
	s.p("Protocols: []wire.Protocol{%s},", strings.Join(protos, ", "))
	flag(s, "QueryCompatible", p.queryCompatible())
	s.p("Shapes: %s,", p.global("shapes"))
	s.p("Operations: []wire.Operation{")
	for _, op := range p.operations {
		p.emitOperation(s, op)
	}
	s.p("},\n})\n")
	return nil
}

func (p *plan) emitOperation(s *source, op *operation) {
	o := op.src
	ref := func(sh *shape) string {
		if sh == nil {
			return "wire.NoShape"
		}
		return sh.ref
	}
	s.p("{\nName: %q, Method: %q, Path: %q,", op.name, o.HTTP.Method, o.HTTP.RequestURI)
	if o.HTTP.ResponseCode != 0 && o.HTTP.ResponseCode != 200 {
		s.p("Status: %d,", o.HTTP.ResponseCode)
	}
	s.p("InputRef: %s, OutputRef: %s,", ref(op.in), ref(op.out))
	if o.Input != nil {
		text(s, "InputElement", o.Input.LocationName)
		if x := o.Input.XMLNamespace; x != nil {
			text(s, "InputNamespace", x.URI)
		}
	}
	if o.Output != nil {
		text(s, "OutputElement", o.Output.LocationName)
		text(s, "ResultWrapper", o.Output.ResultWrapper)
	}
	if o.Endpoint != nil {
		text(s, "HostPrefix", o.Endpoint.HostPrefix)
	}
	if len(op.errors) > 0 {
		var refs []string
		for _, e := range op.errors {
			refs = append(refs, e.ref)
		}
		s.p("ErrorRefs: []wire.ShapeRef{%s},", strings.Join(refs, ", "))
	}
	flag(s, "ReadOnly", op.readOnly)
	flag(s, "DataEvent", op.dataEvent)
	flag(s, "Unsigned", o.AuthType == "none" || len(o.Auth) == 1 && o.Auth[0] == "smithy.api#noAuth")
	flag(s, "UnsignedBody", o.AuthType == "v4-unsigned-body" || o.UnsignedPayload)
	flag(s, "StreamInput", op.streamIn)
	flag(s, "StreamOutput", op.streamOut)
	flag(s, "ChecksumRequired", o.ChecksumRequired || o.Checksum != nil && o.Checksum.RequestRequired)
	if op.in != nil {
		s.p("NewInput: func() any { return new(%s) },", op.inGo)
	}
	if op.in != nil && p.checks.needed[op.in] {
		s.p("Validate: %s,", p.global("validate"+exported(op.in.name)))
	}
	p.emitActions(s, op)
	call, arg := "wire.Call", "in, "
	switch {
	case op.in == nil && op.out == nil:
		call, arg = "wire.CallEmpty", ""
	case op.in == nil:
		call, arg = "wire.CallNoInput", ""
	case op.out == nil:
		call = "wire.CallNoOutput"
	}
	s.p("Invoke: func(ctx context.Context, svc, in any) (any, error) { return %s(ctx, svc, %s%s.%s) },", call, arg, p.global("Service"), op.name)
	s.p("},")
}

func text(s *source, name, value string) {
	if value != "" {
		s.p("%s: %q,", name, value)
	}
}

func emitService(p *plan, s *source) error {
	service := p.global("Service")
	s.p("// %s is what an implementation of the API does: one method per operation.", service)
	s.p("// A method returns a non-nil output or an error; errors that a caller should see")
	s.p("// are wire.APIErrors. The input has passed validation. Blobs that the model calls")
	s.p("// sensitive are overwritten with zeros once the call has been answered, in the input")
	s.p("// as in the output (wire.Wipe): a method clones those it keeps, or shares with a cache.")
	s.p("type %s interface {", service)
	for _, op := range p.operations {
		s.p("%s(ctx context.Context, in *%s) (*%s, error)", op.name, op.inGo, op.outGo)
	}
	s.p("}\n")
	return nil
}

func emitClient(p *plan, s *source) error {
	client, create, api := p.global("Client"), p.global("NewClient"), p.global("API")
	s.p("// %s calls the API in process.\ntype %s struct{ invoker wire.Invoker }\n", client, client)
	s.p("var _ %s = (*%s)(nil)\n", p.global("Service"), client)
	s.p("// %s returns a %s whose calls go through inv.", create, client)
	s.p("func %s(inv wire.Invoker) *%s { return &%s{invoker: inv} }\n", create, client, client)
	for i, op := range p.operations {
		s.p("// %s calls the operation of that name.", op.name)
		s.p("func (c *%s) %s(ctx context.Context, in *%s) (*%s, error) {", client, op.name, op.inGo, op.outGo)
		in := "in"
		if op.in == nil {
			in = "nil"
		}
		s.p("return wire.Send[%s](ctx, c.invoker, &%s.Operations[%d], %s)\n}\n", op.outGo, api, i, in)
	}
	return nil
}
