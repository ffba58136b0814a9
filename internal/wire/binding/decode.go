package binding

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/form"
	"fastness/internal/wire/scalar"
)

// MaxListElements bounds the elements of a list in one header or query string.
const MaxListElements = 10000

// Decode reads all members of in (the struct of op's input at dst) that are not in
// the body. Errors are *wire.CommonError of kind Serialization.
func Decode(op *wire.Operation, req *wire.Request, dst unsafe.Pointer) error {
	s := op.Input()
	var query map[string][]string
	for i := range s.Members {
		m := &s.Members[i]
		var err error
		switch m.Location {
		case wire.InHeader:
			values := req.Header.Values(m.WireName)
			if len(values) == 0 && strings.EqualFold(m.WireName, "Host") && req.Host != "" {
				values = []string{req.Host}
			}
			err = decodeHeader(m, values, m.Field(dst))
		case wire.InHeaders:
			err = decodePrefix(m, req.Header, m.Field(dst))
		case wire.InQuery, wire.InQueryMap:
			if query == nil {
				if query, err = parseQuery(req.Query); err != nil {
					return fail(nil, err)
				}
			}
			if m.Location == wire.InQuery {
				err = decodeQuery(m, query[m.WireName], m.Field(dst))
			} else {
				err = decodeQueryMap(s, m, query, m.Field(dst))
			}
		case wire.InPath, wire.InPathTail:
			err = decodeLabel(op, m, req.Labels, m.Field(dst))
		}
		if err != nil {
			return fail(m, err)
		}
	}
	return nil
}

func fail(m *wire.Member, err error) error {
	if m != nil {
		return &wire.CommonError{Kind: wire.Serialization, Message: err.Error(), Cause: fmt.Errorf("member %s: %w", m.Name, err)}
	}
	return &wire.CommonError{Kind: wire.Serialization, Message: err.Error(), Cause: err}
}

var (
	errSeveral = errors.New("a header or query parameter with one value is given several times")
	errTooMany = errors.New("too many elements in a header or query parameter")
	errShape   = errors.New("the member's shape cannot travel in a header, query parameter or label")
	errUTF8    = errors.New("the body is not valid UTF-8")
	errBase64  = errors.New("a header with a JSON value is not valid base64")
)

func decodeHeader(m *wire.Member, values []string, dst unsafe.Pointer) error {
	if len(values) == 0 {
		return nil
	}
	s := m.Shape()
	if s.Kind == wire.List {
		elements, err := splitHeader(strings.Join(values, ", "), &s.Elem)
		if err != nil {
			return err
		}
		return decodeElements(s, elements, wire.HTTPDate, dst, m.Boxed())
	}
	if len(values) > 1 {
		return errSeveral
	}
	text := values[0]
	if text == "" && s.Kind != wire.String {
		return nil
	}
	if isJSON(m) {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errBase64
		}
		text = string(b)
	}
	return scalar.Parse(m, wire.HTTPDate, text, s.Place(dst, m.Boxed()))
}

// isJSON tells whether a header holds the base64 of a text.
func isJSON(m *wire.Member) bool {
	return m.Shape().Kind == wire.String && (m.JSONValue || m.Shape().JSONValue)
}

func decodeElements(s *wire.Shape, texts []string, defaultTime wire.TimeFormat, dst unsafe.Pointer, boxed bool) error {
	if len(texts) > MaxListElements {
		return errTooMany
	}
	dst = s.Place(dst, boxed)
	s.ListOps.Make(dst, len(texts))
	es := s.Elem.Shape()
	for _, text := range texts {
		if err := scalar.Parse(&s.Elem, defaultTime, text, es.Place(s.ListOps.Append(dst), s.Sparse)); err != nil {
			return err
		}
	}
	return nil
}

// decodePrefix reads the headers that begin with the member's name. Names are made
// lower-case: HTTP does not carry their case, and S3 stores metadata so.
func decodePrefix(m *wire.Member, header http.Header, dst unsafe.Pointer) error {
	s := m.Shape()
	if s.Kind != wire.Map {
		return errShape
	}
	made := false
	for name, values := range header {
		if len(name) <= len(m.WireName) && m.WireName != "" || !hasPrefixFold(name, m.WireName) {
			continue
		}
		if !made {
			made = true
			dst = s.Place(dst, m.Boxed())
			s.MapOps.Make(dst, 0)
		}
		err := s.MapOps.Set(dst, strings.ToLower(name[len(m.WireName):]), func(v unsafe.Pointer) error {
			return scalar.Parse(&s.Elem, wire.HTTPDate, strings.Join(values, ","), s.Elem.Shape().Place(v, s.Sparse))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func parseQuery(raw string) (map[string][]string, error) {
	if strings.Count(raw, "&") >= form.MaxParameters {
		return nil, form.ErrTooMany
	}
	out := make(map[string][]string)
	for field := range strings.SplitSeq(raw, "&") {
		if field == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(field, "=")
		name, err := form.Unescape(rawName)
		if err != nil {
			return nil, err
		}
		value, err := form.Unescape(rawValue)
		if err != nil {
			return nil, err
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}

func decodeQuery(m *wire.Member, values []string, dst unsafe.Pointer) error {
	if len(values) == 0 {
		return nil
	}
	s := m.Shape()
	switch s.Kind {
	case wire.List:
		return decodeElements(s, values, wire.ISO8601, dst, m.Boxed())
	case wire.Map:
		return errShape
	}
	if len(values) > 1 {
		return errSeveral
	}
	return scalar.Parse(m, wire.ISO8601, values[0], s.Place(dst, m.Boxed()))
}

// decodeQueryMap reads the query parameters into a map. A map of lists gets all of
// them, as Smithy specifies; a map of single values those that no other member of in
// names, because a named list could not be put into it.
func decodeQueryMap(in *wire.Shape, m *wire.Member, query map[string][]string, dst unsafe.Pointer) error {
	s := m.Shape()
	if s.Kind != wire.Map {
		return errShape
	}
	es := s.Elem.Shape()
	made := false
	for name, values := range query {
		if es.Kind != wire.List && named(in, name) {
			continue
		}
		if !made {
			made = true
			dst = s.Place(dst, m.Boxed())
			s.MapOps.Make(dst, len(query))
		}
		err := s.MapOps.Set(dst, name, func(v unsafe.Pointer) error {
			if es.Kind == wire.List {
				return decodeElements(es, values, wire.ISO8601, v, s.Sparse)
			}
			if len(values) > 1 {
				return errSeveral
			}
			return scalar.Parse(&s.Elem, wire.ISO8601, values[0], es.Place(v, s.Sparse))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// named tells whether a member of in takes the query parameter called name.
func named(in *wire.Shape, name string) bool {
	return slices.ContainsFunc(in.Members, func(m wire.Member) bool {
		return m.Location == wire.InQuery && m.WireName == name
	})
}

// decodeLabel reads the label of the operation's template that has the member's name.
func decodeLabel(op *wire.Operation, m *wire.Member, labels []string, dst unsafe.Pointer) error {
	i := slices.Index(labelNames(op.Path), m.WireName)
	if i < 0 || i >= len(labels) {
		return nil
	}
	return scalar.Parse(m, wire.ISO8601, labels[i], m.Shape().Place(dst, m.Boxed()))
}

// labelNames are the names of the labels of a template, in order.
func labelNames(template string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(template, "{")
		if !ok {
			return out
		}
		name, tail, ok := strings.Cut(rest, "}")
		if !ok {
			return out
		}
		out = append(out, strings.TrimSuffix(name, "+"))
		template = tail
	}
}
