package apigen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"fastness/internal/apigen/model"
	"fastness/internal/wire"
)

// plan is a model with every decision made that the emitters need: Go names, Go
// types, kinds and references.
type plan struct {
	cfg        Config
	model      *model.Model
	protocols  []wire.Protocol
	shapes     []*shape
	byName     map[string]*shape
	operations []*operation
	names      namespace
	// anyRecursive is set when some structure can contain itself.
	anyRecursive bool
	checks       *validation
}

type shape struct {
	name    string // modelled
	goName  string // of the Go type or, for scalars, of what is derived from it
	ref     string // constant that indexes the shape table
	kind    wire.Kind
	src     *model.Shape
	members []*member
	elem    *member // of lists and maps
	key     *member
	enum    []enumValue
	isError bool
	// ownChecks says that the service checks the values itself.
	ownChecks bool
	// role says what a structure is used for, for its comment.
	role string
	// streaming blobs are io.ReadCloser fields.
	streaming bool
	// recursive structures can contain themselves.
	recursive bool
	message   int // index of an error's message member, or -1
}

type enumValue struct{ goName, value string }

type member struct {
	name     string
	goName   string
	wireName string
	src      *model.Member
	shape    *shape
	required bool
	location wire.Location
}

func (m *member) sensitive() bool { return m.src.Sensitive || m.shape.src.Sensitive }

type operation struct {
	name        string
	src         *model.Operation
	in, out     *shape // nil: the model has none
	inGo, outGo string // Go types, synthetic when the model has none
	errors      []*shape
	readOnly    bool
	dataEvent   bool
	streamIn    bool
	streamOut   bool
	actions     []wire.Action
}

var protocolNames = map[string]wire.Protocol{
	"query": wire.AWSQuery, "ec2": wire.EC2Query, "rest-json": wire.RESTJSON1,
	"rest-xml": wire.RESTXML, "smithy-rpc-v2-cbor": wire.RPCv2CBOR,
}

func newPlan(m *model.Model, cfg Config) (*plan, error) {
	p := &plan{cfg: cfg, model: m, byName: map[string]*shape{}, names: namespace{}}
	for _, n := range []string{"API", "Service", "Client", "NewClient", "shapes"} {
		p.names[p.global(n)] = "the generator"
	}
	list := m.Metadata.Protocols
	if len(list) == 0 {
		list = []string{m.Metadata.Protocol}
	}
	for _, n := range list {
		proto, ok := protocolNames[n]
		switch {
		case n == "json" && m.Metadata.JSONVersion == "1.0":
			proto = wire.AWSJSON10
		case n == "json" && m.Metadata.JSONVersion == "1.1":
			proto = wire.AWSJSON11
		case !ok:
			return nil, fmt.Errorf("unknown protocol %q (JSON version %q)", n, m.Metadata.JSONVersion)
		}
		p.protocols = append(p.protocols, proto)
	}
	if err := p.planShapes(); err != nil {
		return nil, err
	}
	if err := p.planOperations(); err != nil {
		return nil, err
	}
	if err := p.checkRules(); err != nil {
		return nil, err
	}
	p.markRecursive()
	p.checks = newValidation(p)
	return p, nil
}

// global is a package-level identifier with the configured prefix.
func (p *plan) global(name string) string {
	switch {
	case p.cfg.Prefix == "":
		return name
	case unicode.IsUpper(rune(name[0])):
		return p.cfg.Prefix + name
	}
	return lowerFirst(p.cfg.Prefix) + strings.ToUpper(name[:1]) + name[1:]
}

// prefers tells whether the first, preferred protocol of the API is one of these.
func (p *plan) prefers(protos ...wire.Protocol) bool {
	return slices.Contains(protos, p.protocols[0])
}

func (p *plan) planShapes() error {
	for name, s := range p.model.Shapes.All() {
		sh, err := p.newShape(name, s)
		if err != nil {
			return fmt.Errorf("shape %s: %w", name, err)
		}
		p.add(sh)
	}
	for _, sh := range slices.Clone(p.shapes) {
		if err := p.linkShape(sh); err != nil {
			return fmt.Errorf("shape %s: %w", sh.name, err)
		}
	}
	for _, sh := range p.shapes {
		if err := p.nameShape(sh); err != nil {
			return fmt.Errorf("shape %s: %w", sh.name, err)
		}
	}
	return nil
}

func (p *plan) add(sh *shape) {
	p.shapes = append(p.shapes, sh)
	p.byName[sh.name] = sh
}

func (p *plan) newShape(name string, s *model.Shape) (*shape, error) {
	own := slices.Contains(p.cfg.Rules.OwnChecks, name)
	if own {
		free := *s
		free.Min, free.Max, free.Pattern = "", "", ""
		s = &free
	}
	sh := &shape{name: name, src: s, isError: s.Exception, message: -1, streaming: s.Streaming, ownChecks: own}
	switch s.Type {
	case "structure":
		sh.kind = wire.Structure
		if s.Document {
			sh.kind = wire.Document
		}
	case "list":
		sh.kind = wire.List
	case "map":
		sh.kind = wire.Map
	case "string", "character":
		sh.kind = wire.String
	case "blob":
		sh.kind = wire.Blob
	case "boolean":
		sh.kind = wire.Boolean
	case "integer":
		sh.kind = wire.Integer
	case "long":
		sh.kind = wire.Long
	case "float":
		sh.kind = wire.Float
	case "double":
		sh.kind = wire.Double
	case "timestamp":
		sh.kind = wire.Timestamp
	default:
		return nil, fmt.Errorf("type %q is not supported", s.Type)
	}
	if s.EventStream || s.Event {
		return nil, errors.New("event streams are not supported")
	}
	if s.Streaming && sh.kind != wire.Blob {
		return nil, fmt.Errorf("a streaming %s is not supported", s.Type)
	}
	return sh, nil
}

// linkShape resolves the references of a shape.
func (p *plan) linkShape(sh *shape) error {
	s := sh.src
	fields := namespace{}
	if sh.isError {
		// Methods of wire.APIError; a field must not have their names.
		for _, n := range []string{"Error", "ErrorCode", "ErrorMessage", "ErrorShape"} {
			fields[n] = "a method"
		}
	}
	for name, m := range s.Members.All() {
		mem, err := p.newMember(name, m)
		if err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
		mem.required = slices.Contains(s.Required, name)
		mem.goName = fields.takeOr(exported(name), "Value", "member "+name)
		if m.Location == "uri" {
			mem.location = wire.InPath
		}
		if sh.isError && sh.message < 0 && strings.EqualFold(name, "message") && mem.shape.kind == wire.String {
			sh.message = len(sh.members)
		}
		sh.members = append(sh.members, mem)
	}
	for _, r := range s.Required {
		if _, ok := s.Members.Get(r); !ok {
			return fmt.Errorf("required member %s does not exist", r)
		}
	}
	var err error
	switch sh.kind {
	case wire.List:
		if s.Member == nil {
			return errors.New("a list without member")
		}
		sh.elem, err = p.newMember("member", s.Member)
	case wire.Map:
		if s.Key == nil || s.Value == nil {
			return errors.New("a map without key or value")
		}
		if sh.key, err = p.newMember("key", s.Key); err != nil {
			return err
		}
		if sh.key.shape.kind != wire.String {
			return fmt.Errorf("a map with keys of type %s", sh.key.shape.src.Type)
		}
		sh.elem, err = p.newMember("value", s.Value)
	}
	return err
}

func (p *plan) newMember(name string, m *model.Member) (*member, error) {
	if m.EventPayload || m.EventHeader {
		return nil, errors.New("event streams are not supported")
	}
	target, ok := p.byName[m.Shape]
	if !ok {
		return nil, fmt.Errorf("shape %s does not exist", m.Shape)
	}
	if m.Streaming && !target.streaming {
		// The trait sits on the member: the stream is a shape of its own.
		var err error
		if target, err = p.streamOf(target); err != nil {
			return nil, err
		}
	}
	mem := &member{name: name, wireName: name, src: m, shape: target}
	if m.LocationName != "" {
		mem.wireName = m.LocationName
	}
	switch m.Location {
	case "", "uri":
	case "header":
		mem.location = wire.InHeader
	case "headers":
		mem.location = wire.InHeaders
		mem.wireName = m.LocationName // a prefix, which may be empty
	case "querystring":
		mem.location = wire.InQuery
		if target.kind == wire.Map {
			mem.location = wire.InQueryMap
		}
	case "statusCode":
		mem.location = wire.InStatus
	default:
		return nil, fmt.Errorf("location %q is not supported", m.Location)
	}
	return mem, nil
}

func (p *plan) streamOf(blob *shape) (*shape, error) {
	if blob.kind != wire.Blob {
		return nil, fmt.Errorf("a streaming %s is not supported", blob.src.Type)
	}
	name := blob.name + "Stream"
	if sh, ok := p.byName[name]; ok {
		if !sh.streaming {
			return nil, fmt.Errorf("shape %s exists and is no stream", name)
		}
		return sh, nil
	}
	sh := &shape{name: name, src: blob.src, kind: wire.Blob, streaming: true, message: -1}
	p.add(sh)
	return sh, nil
}

// nameShape gives a shape its Go names.
func (p *plan) nameShape(sh *shape) error {
	sh.goName = p.global(exported(sh.name))
	if sh.kind == wire.Structure || len(sh.src.Enum) > 0 && sh.kind == wire.String {
		sh.goName = p.names.takeOr(sh.goName, "Shape", "shape "+sh.name)
	}
	sh.ref = p.names.takeOr(p.global("ref"+exported(sh.name)), "X", "reference "+sh.name)
	if sh.kind != wire.String {
		return nil
	}
	for _, v := range sh.src.Enum {
		sh.enum = append(sh.enum, enumValue{
			goName: p.names.takeOr(sh.goName+constantSuffix(v), "Value", "value "+v+" of "+sh.name),
			value:  v,
		})
	}
	return nil
}

func (p *plan) planOperations() error {
	for name, o := range p.model.Operations.All() {
		op := &operation{name: name, src: o}
		fail := func(err error) error { return fmt.Errorf("operation %s: %w", name, err) }
		if exported(name) != name {
			return fail(errors.New("its name is not an exported Go name"))
		}
		var err error
		if op.in, op.inGo, err = p.io(o.Input, name+"Input", "the input of "+name); err != nil {
			return fail(err)
		}
		if op.out, op.outGo, err = p.io(o.Output, name+"Output", "the output of "+name); err != nil {
			return fail(err)
		}
		for _, e := range o.Errors {
			sh, ok := p.byName[e.Shape]
			if !ok || sh.kind != wire.Structure {
				return fail(fmt.Errorf("error %s is not a structure of the model", e.Shape))
			}
			if !sh.isError {
				return fail(fmt.Errorf("error %s is not marked as an exception", e.Shape))
			}
			op.errors = append(op.errors, sh)
		}
		op.streamIn = streams(op.in)
		op.streamOut = streams(op.out)
		if err := op.bindPath(); err != nil {
			return fail(err)
		}
		if err := p.authorize(op); err != nil {
			return fail(err)
		}
		p.operations = append(p.operations, op)
	}
	return nil
}

// io finds the structure of an input or output, or names a synthetic one.
func (p *plan) io(ref *model.IORef, synthetic, role string) (*shape, string, error) {
	if ref == nil {
		synthetic = p.global(synthetic)
		if err := p.names.take(synthetic, role); err != nil {
			return nil, "", err
		}
		return nil, synthetic, nil
	}
	sh, ok := p.byName[ref.Shape]
	if !ok || sh.kind != wire.Structure {
		return nil, "", fmt.Errorf("%s (%s) is not a structure of the model", role, ref.Shape)
	}
	if sh.role == "" {
		sh.role = role
	} else {
		sh.role += " and " + role
	}
	return sh, sh.goName, nil
}

func streams(sh *shape) bool {
	if sh == nil || sh.src.Payload == "" {
		return false
	}
	for _, m := range sh.members {
		if m.name == sh.src.Payload {
			return m.shape.streaming
		}
	}
	return false
}

// bindPath marks greedy labels and checks that labels and members agree.
func (op *operation) bindPath() error {
	labels := map[string]bool{} // name → greedy
	path, query, _ := strings.Cut(op.src.HTTP.RequestURI, "?")
	for rest := path + "?" + query; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		label, tail, ok := strings.Cut(after, "}")
		if !ok {
			return fmt.Errorf("URI %q has an open label", op.src.HTTP.RequestURI)
		}
		name, greedy := strings.CutSuffix(label, "+")
		labels[name] = greedy
		rest = tail
	}
	if op.in == nil {
		return nil
	}
	for _, m := range op.in.members {
		if m.location != wire.InPath && m.location != wire.InPathTail {
			continue
		}
		greedy, ok := labels[m.wireName]
		if !ok {
			return fmt.Errorf("member %s is bound to label %s, which URI %q lacks", m.name, m.wireName, op.src.HTTP.RequestURI)
		}
		if greedy {
			m.location = wire.InPathTail
		}
		delete(labels, m.wireName)
	}
	for l := range labels {
		return fmt.Errorf("no member is bound to label %s of URI %q", l, op.src.HTTP.RequestURI)
	}
	return nil
}

// markRecursive finds the structures that can contain themselves.
func (p *plan) markRecursive() {
	for _, sh := range p.shapes {
		if sh.kind == wire.Structure {
			sh.recursive = reaches(sh, sh, map[*shape]bool{})
			p.anyRecursive = p.anyRecursive || sh.recursive
		}
	}
}

func reaches(from, to *shape, seen map[*shape]bool) bool {
	for _, next := range from.next() {
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if reaches(next, to, seen) {
				return true
			}
		}
	}
	return false
}

// next are the shapes a shape holds directly.
func (sh *shape) next() []*shape {
	var list []*shape
	for _, m := range sh.members {
		list = append(list, m.shape)
	}
	if sh.elem != nil {
		list = append(list, sh.elem.shape)
	}
	return list
}

// typ is the Go type of a shape as an element; a member adds the pointer.
func (sh *shape) typ() string {
	switch sh.kind {
	case wire.Structure:
		return sh.goName
	case wire.List:
		return "[]" + sh.elemType()
	case wire.Map:
		return "map[" + sh.key.shape.typ() + "]" + sh.elemType()
	case wire.String:
		if len(sh.enum) > 0 {
			return sh.goName
		}
		return "string"
	case wire.Blob:
		if sh.streaming {
			return "io.ReadCloser"
		}
		return "[]byte"
	case wire.Boolean:
		return "bool"
	case wire.Integer:
		return "int32"
	case wire.Long:
		return "int64"
	case wire.Float:
		return "float32"
	case wire.Double:
		return "float64"
	case wire.Timestamp:
		return "time.Time"
	case wire.Document:
		return "any"
	}
	return "?"
}

func (sh *shape) elemType() string {
	if sh.src.Sparse {
		return "*" + sh.elem.shape.typ()
	}
	return sh.elem.shape.typ()
}

// fieldType is the Go type of a structure's field.
func (sh *shape) fieldType() string {
	if sh.boxed() {
		return "*" + sh.typ()
	}
	return sh.typ()
}

// boxed tells whether a structure holds the shape by pointer.
func (sh *shape) boxed() bool {
	switch sh.kind {
	case wire.List, wire.Map, wire.Blob, wire.Document:
		return false
	}
	return true
}
