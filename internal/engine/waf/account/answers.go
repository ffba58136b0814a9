package account

import (
	"bytes"
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// verdict is what an answer says.
type verdict uint8

const (
	unclear verdict = iota
	succeeded
	failed
)

// answers is Answers made ready.
type answers struct {
	spec *Answers
	json *field
}

func compileAnswers(a *Answers) (*answers, error) {
	if a == nil {
		return nil, nil
	}
	x := &answers{spec: a}
	var err error
	if a.JSON != nil {
		x.json, err = compileField(&Fields{JSON: true}, a.JSON.Name)
	}
	return x, err
}

// wantsBody tells whether the body is looked at.
func (a *answers) wantsBody() bool { return a.spec.Body != nil || a.spec.JSON != nil }

// judge tells what an answer says.
func (a *answers) judge(answer *waf.Answer) verdict {
	switch s := a.spec; {
	case s.Status != nil:
		if slices.Contains(s.Status.Success, answer.Status) {
			return succeeded
		}
		if slices.Contains(s.Status.Failure, answer.Status) {
			return failed
		}
	case s.Header != nil:
		for i := range answer.Fields {
			if f := &answer.Fields[i]; strings.EqualFold(f.Name, s.Header.Name) {
				if v := s.Header.is(f.Value); v != unclear {
					return v
				}
			}
		}
	case s.Body != nil:
		body := decoded(answer.Body, answer.Fields)
		has := func(list []string) bool {
			return slices.ContainsFunc(list, func(text string) bool { return bytes.Contains(body, []byte(text)) })
		}
		if has(s.Body.Success) {
			return succeeded
		}
		if has(s.Body.Failure) {
			return failed
		}
	case s.JSON != nil:
		in := request.NewInspection(request.DefaultLimits())
		in.Reset(&request.Request{Method: "POST", Target: "/", Body: decoded(answer.Body, answer.Fields)})
		value, _ := a.json.value(nil, in)
		return s.JSON.is(string(value))
	}
	return unclear
}

func (v *ValueAnswers) is(value string) verdict {
	switch {
	case slices.Contains(v.Success, value):
		return succeeded
	case slices.Contains(v.Failure, value):
		return failed
	}
	return unclear
}
