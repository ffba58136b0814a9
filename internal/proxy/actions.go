package proxy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// action is an Action made ready.
type action struct {
	fixed    *Response
	redirect *Redirect
	groups   []weighted // of forward
	total    int        // of the weights
	sticky   time.Duration
}

type weighted struct {
	group  *group
	weight int
}

// rule is a Rule made ready.
type rule struct {
	arn        string
	conditions []condition
	action     action
}

func (r *rule) applies(q *routing) bool {
	for i := range r.conditions {
		if !r.conditions[i].holds(q) {
			return false
		}
	}
	return true
}

// choose returns a group, by the weights.
func (a *action) choose() *group {
	if len(a.groups) == 1 {
		return a.groups[0].group
	}
	if a.total == 0 {
		return nil
	}
	n := rand.IntN(a.total)
	for _, w := range a.groups {
		if n -= w.weight; n < 0 {
			return w.group
		}
	}
	return nil
}

// has tells whether a group is among those forwarded to, with a weight.
func (a *action) has(arn string) *group {
	for _, w := range a.groups {
		if w.group.arn == arn && w.weight > 0 {
			return w.group
		}
	}
	return nil
}

// contentTypes are what a fixed response may have.
var contentTypes = []string{"", "text/plain", "text/css", "text/html", "application/javascript", "application/json"}

func compileAction(a *Action, groups map[string]*group) (action, error) {
	switch {
	case a.Forward != nil && a.Fixed == nil && a.Redirect == nil:
		return compileForward(a.Forward, groups)
	case a.Fixed != nil && a.Forward == nil && a.Redirect == nil:
		f := a.Fixed
		if f.Status/100 != 2 && f.Status/100 != 4 && f.Status/100 != 5 || len(f.Body) > 1024 || !slices.Contains(contentTypes, f.ContentType) {
			return action{}, errors.New("fixed response: status 2XX, 4XX or 5XX, a body of at most 1024 bytes, a known content type")
		}
		return action{fixed: &Response{Status: f.Status, ContentType: f.ContentType, Body: []byte(f.Body)}}, nil
	case a.Redirect != nil && a.Forward == nil && a.Fixed == nil:
		if a.Redirect.Status != 301 && a.Redirect.Status != 302 {
			return action{}, errors.New("redirect: status 301 or 302")
		}
		return action{redirect: a.Redirect}, nil
	}
	return action{}, errors.New("an action is exactly one of forward, fixed response and redirect")
}

func compileForward(f *Forward, groups map[string]*group) (action, error) {
	a := action{sticky: time.Duration(f.StickinessSeconds) * time.Second}
	if len(f.Groups) == 0 || len(f.Groups) > 5 {
		return a, errors.New("forward: 1 to 5 target groups")
	}
	for _, w := range f.Groups {
		g := groups[w.Group]
		if g == nil {
			return a, fmt.Errorf("forward: no target group %q", w.Group)
		}
		if w.Weight < 0 || w.Weight > 999 {
			return a, errors.New("forward: weights are 0 to 999")
		}
		a.groups = append(a.groups, weighted{g, w.Weight})
		a.total += w.Weight
	}
	return a, nil
}

// maxLocation bounds the URL of a redirect (AWS: 507 above).
const maxLocation = 8 << 10

// location is the URL of a redirect, empty if it would be too long.
func (d *Redirect) location(q *routing, scheme, port string) string {
	replace := strings.NewReplacer(
		"#{protocol}", scheme, "#{host}", hostname(q.host), "#{port}", port,
		"#{path}", strings.TrimPrefix(q.path, "/"), "#{query}", q.query)
	with := func(s, otherwise string) string {
		if s == "" {
			s = otherwise
		}
		return replace.Replace(s)
	}
	protocol := strings.ToLower(with(d.Protocol, "#{protocol}"))
	var b strings.Builder
	b.WriteString(protocol + "://" + with(d.Host, "#{host}"))
	if p := with(d.Port, "#{port}"); p != "" {
		b.WriteString(":" + p) // AWS writes the default port, too
	}
	path := with(d.Path, "/#{path}")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	b.WriteString(path)
	if query := with(d.Query, "#{query}"); query != "" {
		b.WriteString("?" + query)
	}
	if b.Len() > maxLocation {
		return ""
	}
	return b.String()
}
