package apigen

import (
	"fmt"
	"strings"

	"fastness/internal/wire"
)

func emitDoc(p *plan, s *source) error {
	md := p.model.Metadata
	name := md.ServiceFullName
	if name == "" {
		name = p.cfg.Name
	}
	var protos []string
	for _, pr := range p.protocols {
		protos = append(protos, pr.String())
	}
	s.doc = fmt.Sprintf(`// Package %s is the API of %s (version %s, %s)
// as Go: one struct per modelled structure, the Service interface that an
// implementation fulfils, the Client that calls one in process, and API, the table
// that codecs and the front door read. Package wire says how modelled shapes look in
// Go and what the table holds.
//
// Inputs and outputs have their modelled names. An operation without modelled input
// or output has an empty struct called after it, with Input or Output at the end.
`, p.cfg.Package, name, md.APIVersion, strings.Join(protos, ", "))
	s.WriteByte('\n')
	return nil
}

func emitShapes(p *plan, s *source) error {
	for _, sh := range p.shapes {
		if sh.kind != wire.Structure || sh.isError {
			continue
		}
		switch {
		case sh.role != "":
			s.p("// %s is %s.", sh.goName, sh.role)
		case sh.src.Union:
			s.p("// %s is a modelled union: exactly one field is set.", sh.goName)
		default:
			s.p("// %s is a modelled structure.", sh.goName)
		}
		emitStruct(s, sh)
	}
	for _, op := range p.operations {
		if op.in == nil {
			s.p("// %s is the input of %s, which has no members.\ntype %s struct{}\n", op.inGo, op.name, op.inGo)
		}
		if op.out == nil {
			s.p("// %s is the output of %s, which has no members.\ntype %s struct{}\n", op.outGo, op.name, op.outGo)
		}
	}
	return nil
}

func emitStruct(s *source, sh *shape) {
	s.p("type %s struct {", sh.goName)
	for _, m := range sh.members {
		var notes []string
		if m.required {
			notes = append(notes, "required")
		}
		if m.sensitive() {
			notes = append(notes, "sensitive")
		}
		comment := ""
		if len(notes) > 0 {
			comment = " // " + strings.Join(notes, ", ")
		}
		s.p("%s %s%s", m.goName, m.shape.fieldType(), comment)
	}
	if sh.isError && sh.message < 0 {
		// Some models leave the message out of an error shape; services send one all the
		// same, and codecs write it as they write the messages of common errors.
		s.p("Message *string // not in the model")
	}
	s.p("}\n")
}

func emitEnums(p *plan, s *source) error {
	for _, sh := range p.shapes {
		if len(sh.enum) == 0 {
			continue
		}
		s.p("// %s is a modelled enumeration.\ntype %s string\n", sh.goName, sh.goName)
		s.p("// Values of %s.\nconst (", sh.goName)
		for _, v := range sh.enum {
			s.p("%s %s = %q", v.goName, sh.goName, v.value)
		}
		s.p(")\n")
		s.p("// Values are the modelled values, in the order of the model.")
		s.p("func (%s) Values() []%s {\nreturn []%s{", sh.goName, sh.goName, sh.goName)
		for _, v := range sh.enum {
			s.p("%s,", v.goName)
		}
		s.p("}\n}\n")
	}
	return nil
}

func emitErrors(p *plan, s *source) error {
	for _, sh := range p.shapes {
		if !sh.isError {
			continue
		}
		status := "the protocol's default status"
		if e := sh.src.Error; e != nil && e.HTTPStatus != 0 {
			status = fmt.Sprintf("HTTP status %d", e.HTTPStatus)
		}
		s.p("// %s is a modelled error with %s.", sh.goName, status)
		emitStruct(s, sh)
		s.p("var _ wire.APIError = (*%s)(nil)\n", sh.goName)
		s.p("// Error implements error.\nfunc (e *%s) Error() string { return wire.ErrorText(e) }\n", sh.goName)
		s.p("// ErrorCode implements wire.APIError.\nfunc (*%s) ErrorCode() string { return %q }\n", sh.goName, sh.name)
		if sh.message >= 0 {
			message := sh.members[sh.message]
			value := fmt.Sprintf("wire.Value(e.%s)", message.goName)
			if message.shape.typ() != "string" {
				value = "string(" + value + ")"
			}
			s.p("// ErrorMessage implements wire.APIError.\nfunc (e *%s) ErrorMessage() string { return %s }\n", sh.goName, value)
		} else {
			s.p("// ErrorMessage implements wire.APIError.\nfunc (e *%s) ErrorMessage() string { return wire.Value(e.Message) }\n", sh.goName)
		}
		s.p("// ErrorShape describes the error to codecs.\nfunc (*%s) ErrorShape() *wire.Shape { return &%s[%s] }\n", sh.goName, p.global("shapes"), sh.ref)
	}
	return nil
}
