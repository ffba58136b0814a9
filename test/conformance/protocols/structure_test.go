//go:build conformance && generated

package protocols

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"fastness/internal/wire"
	"fastness/internal/wire/timefmt"
)

// contained checks that all that a response of ours says is in the vector's response
// at the same place. The vectors say more on purpose: clients must skip what they do
// not know. That ours leaves out nothing is for readBack and botocore to find.
func contained(protocol wire.Protocol, ours []byte, vector string) error {
	switch protocol {
	case wire.AWSQuery, wire.EC2Query, wire.RESTXML:
		a, err := xmlTree(ours)
		if err != nil {
			return err
		}
		if strings.TrimSpace(vector) == "" {
			// Clients take no body for one without members.
			return a.within(&node{children: []*node{{name: strings.TrimSuffix(a.name, "Response") + "Result"}}})
		}
		b, err := xmlTree([]byte(vector))
		if err != nil {
			return err
		}
		if a.name != b.name {
			return fmt.Errorf("root element %s, want %s", a.name, b.name)
		}
		return a.within(b)
	case wire.RPCv2CBOR:
		a, err := cborTree(ours)
		if err != nil {
			return err
		}
		theirs, err := base64.StdEncoding.DecodeString(vector)
		if err != nil {
			return err
		}
		b, err := cborTree(theirs)
		if err != nil {
			return err
		}
		return within("", a, b)
	}
	a, err := jsonTree(ours)
	if err != nil {
		// A payload that is not a document.
		if string(ours) != vector {
			return fmt.Errorf("payload %q, want %q", ours, vector)
		}
		return nil
	}
	b, err := jsonTree([]byte(vector))
	if err != nil {
		return err
	}
	return within("", a, b)
}

func jsonTree(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func cborTree(data []byte) (any, error) {
	if len(data) == 0 {
		return map[string]any{}, nil
	}
	var v map[string]any
	mode, err := cbor.DecOptions{TimeTag: cbor.DecTagOptional}.DecMode()
	if err != nil {
		return nil, err
	}
	err = mode.Unmarshal(data, &v)
	return v, err
}

func within(path string, ours, theirs any) error {
	switch a := ours.(type) {
	case map[string]any:
		b, ok := theirs.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: an object, want %v", path, theirs)
		}
		for k, v := range a {
			if k == "__type" {
				continue
			}
			w, ok := b[k]
			if !ok {
				return fmt.Errorf("%s.%s is not in the vector", path, k)
			}
			if err := within(path+"."+k, v, w); err != nil {
				return err
			}
		}
		return nil
	case map[any]any:
		b, ok := theirs.(map[any]any)
		if !ok {
			return fmt.Errorf("%s: a map, want %v", path, theirs)
		}
		for k, v := range a {
			if err := within(fmt.Sprintf("%s.%v", path, k), v, b[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		b, ok := theirs.([]any)
		if !ok || len(a) != len(b) {
			return fmt.Errorf("%s: %v, want %v", path, ours, theirs)
		}
		for i := range a {
			if err := within(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if x, y := leaf(fmt.Sprint(ours)), leaf(fmt.Sprint(theirs)); x != y {
		return fmt.Errorf("%s: %v, want %v", path, ours, theirs)
	}
	return nil
}

// leaf makes forms of the same number or instant equal.
func leaf(text string) string {
	if t, err := timefmt.ParseISO8601(text); err == nil {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	if t, err := timefmt.ParseHTTPDate(text); err == nil {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 32)
	}
	return text
}

type node struct {
	name, text string
	attrs      []string
	children   []*node
}

// answerOnly are elements that carry what no model has.
var answerOnly = []string{"RequestId", "RequestID", "requestId", "ResponseMetadata", "Type"}

func xmlTree(data []byte) (*node, error) {
	root := &node{}
	stack := []*node{root}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, data)
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			n := &node{name: t.Name.Local}
			for _, a := range t.Attr {
				n.attrs = append(n.attrs, a.Name.Space+":"+a.Name.Local+"="+a.Value)
			}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
	if len(root.children) != 1 {
		return nil, fmt.Errorf("no root element in %q", data)
	}
	return root.children[0], nil
}

// within checks that n is contained in w. Children of one name keep their order,
// except entries of maps, which have none.
func (n *node) within(w *node) error {
	if len(n.children) == 0 && len(w.children) == 0 {
		if leaf(strings.TrimSpace(n.text)) != leaf(strings.TrimSpace(w.text)) {
			return fmt.Errorf("%s: %q, want %q", n.name, n.text, w.text)
		}
	}
	for _, a := range n.attrs {
		// The vectors give the namespace of the service, which their models lack.
		if !slices.Contains(w.attrs, a) {
			return fmt.Errorf("%s: attribute %s is not in the vector", n.name, a)
		}
	}
	rest := slices.Clone(w.children)
	for _, c := range n.children {
		if slices.Contains(answerOnly, c.name) || c.name == "Message" && c.text == "" {
			continue
		}
		err := fmt.Errorf("%s: element %s is not in the vector", n.name, c.name)
		found := -1
		for i, candidate := range rest {
			if candidate.name != c.name {
				continue
			}
			if err = c.within(candidate); err == nil {
				found = i
				break
			}
		}
		if found < 0 {
			return err
		}
		rest = slices.Delete(rest, found, found+1)
	}
	return nil
}
