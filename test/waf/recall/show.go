package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
)

// shower prints what was found in ordinary requests that are blocked: which rules fired on which reading of a value.
type shower struct {
	detector *attack.Detector
	scratch  *attack.Scratch
	out      io.Writer
}

func newShower(out io.Writer) (*shower, error) {
	d, err := attack.New()
	if err != nil {
		return nil, err
	}
	return &shower{d, attack.NewScratch(nil), out}, nil
}

// excerpt is how much of a reading is printed, in bytes.
const excerpt = 150

func (w *shower) show(p *waf.Program, s *corpus.Sample, r *request.Request, scratch *waf.Scratch) error {
	e, err := p.Explain(r, nil, scratch)
	if err != nil {
		return err
	}
	by := e.Terminating
	if e.Uninspected {
		by = "the inspection bound, at " + by
	}
	fmt.Fprintf(w.out, "\n%s %s %.100q blocked by %s\n", s.Source, s.Method, s.Value, by)
	var walk func(t *waf.StatementTrace)
	walk = func(t *waf.StatementTrace) {
		for _, f := range t.Findings {
			fmt.Fprintf(w.out, "  %s %q %s %.200q\n", f.Component.Kind, f.Name, f.Attack, f.Value[f.Start:f.End])
			if f.Attack != "" {
				w.hits(&f, wholeOf(f.Value, r.Body))
			}
		}
		for i := range t.Statements {
			walk(&t.Statements[i])
		}
	}
	for i := range e.Rules {
		if t := e.Rules[i].Statement; t != nil && e.Rules[i].Matched {
			walk(t)
		}
	}
	return nil
}

// hits prints the rules of the families that were found which fire on a value.
func (w *shower) hits(f *waf.Finding, value []byte) {
	place, _ := attack.ParsePlace(placeOf(f))
	w.detector.Inspect(value, place, w.scratch, func(h attack.Hit) {
		if slices.Contains(strings.Split(f.Attack, ","), h.Family.String()) {
			fmt.Fprintf(w.out, "    %s %d %.*q in %.*q\n", h.Rule, h.Score, excerpt, h.Match, excerpt, h.Variant)
		}
	})
}

// wholeOf gives the string of a document of JSON that begins with a piece, as findings have it, or the piece.
func wholeOf(piece, body []byte) []byte {
	var doc any
	if json.Unmarshal(body, &doc) != nil {
		return piece
	}
	var walk func(v any) []byte
	walk = func(v any) []byte {
		switch v := v.(type) {
		case string:
			if strings.HasPrefix(v, string(piece)) {
				return []byte(v)
			}
		case map[string]any:
			for _, x := range v {
				if found := walk(x); found != nil {
					return found
				}
			}
		case []any:
			for _, x := range v {
				if found := walk(x); found != nil {
					return found
				}
			}
		}
		return nil
	}
	if found := walk(doc); found != nil {
		return found
	}
	return piece
}

// placeOf names the place at which the groups look at what a finding is in.
func placeOf(f *waf.Finding) string {
	switch f.Component.Kind {
	case request.URIPath, request.Target:
		return "path"
	case request.QueryArguments, request.QueryString:
		return "query"
	case request.QueryArgumentNames, request.BodyArgumentNames:
		return "name"
	case request.Cookies:
		return "cookie"
	case request.SingleHeader, request.Headers:
		switch strings.ToLower(f.Name) {
		case "user-agent":
			return "user-agent"
		case "referer":
			return "referer"
		}
		return "field"
	case request.OtherBody:
		return "whole"
	}
	return "body"
}
