package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/seal"
	"fastness/internal/service/wafv2"
	"fastness/internal/store"
)

// Bounds of a replay.
const (
	// MaxReplay is how many bytes a question has at most.
	MaxReplay = 64 << 20
	// maxReplayed is how many requests are evaluated.
	maxReplayed = 200_000
	// maxChanges is how many changes are told one by one.
	maxChanges = 1000
)

// Replay asks for what requests another version of a web ACL decides otherwise.
type Replay struct {
	// WebACL is an ARN.
	WebACL string `json:"webACL"`
	// Old and New are documents of the two versions (wafv2.Service.Draft). Without one it is the web ACL as it
	// is.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
	// Requests are what to evaluate; without any it is the samples that the server has.
	Requests []ReplayRequest `json:"requests,omitempty"`
}

// ReplayRequest is a request to evaluate.
type ReplayRequest struct {
	WebRequest
	// Time is when it came; zero is now.
	Time time.Time `json:"time,omitzero"`
	// Partial tells that it is not all there.
	Partial bool `json:"partial,omitempty"`
}

// ReplayReport is the answer.
type ReplayReport struct {
	// Requests were evaluated, Changed of them are decided otherwise. Of Partial ones not all is known that the
	// rules see, or saw.
	Requests int `json:"requests"`
	Changed  int `json:"changed"`
	Partial  int `json:"partial"`
	// Actions counts changes by both actions, "ALLOW to BLOCK".
	Actions map[string]int `json:"actions,omitempty"`
	// Changes are the first ones, at most 1,000.
	Changes []ReplayChange `json:"changes"`
}

// ReplayChange is a request that is decided otherwise.
type ReplayChange struct {
	Request string        `json:"request"` // method and target
	Client  string        `json:"client"`
	Time    time.Time     `json:"time"`
	Partial bool          `json:"partial,omitempty"`
	Old     ReplayVerdict `json:"old"`
	New     ReplayVerdict `json:"new"`
}

// ReplayVerdict is what a version decides.
type ReplayVerdict struct {
	Action waf.ActionKind `json:"action"`
	// Rule is what decided; empty for the default action.
	Rule   string   `json:"rule,omitempty"`
	Labels []string `json:"labels,omitempty"`
}

// ReplayWAF evaluates requests with two versions of a web ACL. Nothing is forwarded, counted or recorded: both
// versions begin without any counts, so rate-based rules and groups that watch see just these requests.
func (a *App) ReplayWAF(ctx context.Context, q *Replay) (*ReplayReport, error) {
	a.mu.Lock()
	r := a.rooms
	a.mu.Unlock()
	if r == nil {
		return nil, seal.ErrSealed
	}
	if len(q.Old) == 0 && len(q.New) == 0 {
		return nil, errors.New("app: a replay needs another version of the web ACL")
	}
	var specs [2]*wafv2.Specification
	err := r.plane.store.View(ctx, func(rd store.Reader) (err error) {
		for i, document := range []json.RawMessage{q.Old, q.New} {
			if len(document) == 0 {
				specs[i], err = r.plane.rooms.firewall.Specification(rd, q.WebACL)
			} else {
				specs[i], err = r.plane.rooms.firewall.Draft(rd, q.WebACL, document)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups, err := ManagedGroups(a.config.Firewall, a.config.Log)
	if err != nil {
		return nil, err
	}
	options, err := FirewallOptions(a.config.Firewall, groups)
	if err != nil {
		return nil, err
	}
	var programs [2]*waf.Program
	for i, spec := range specs {
		options.Sets = spec.Sets
		if programs[i], err = waf.Compile(&spec.ACL, options); err != nil {
			return nil, err
		}
	}
	requests, err := q.read(a.config.Clock.Now())
	if err != nil {
		return nil, err
	}
	if len(q.Requests) == 0 {
		requests = r.plane.seen.replayable(q.WebACL)
	}
	var tokens waf.Tokens
	if r.plane.gate != nil {
		tokens = r.plane.gate
	}
	return replay(ctx, programs, requests, tokens)
}

// replayed is a request to evaluate.
type replayed struct {
	request *request.Request
	partial bool
}

// read reads the requests of the question.
func (q *Replay) read(now time.Time) (all []replayed, err error) {
	if len(q.Requests) > maxReplayed {
		return nil, fmt.Errorf("app: more than %d requests", maxReplayed)
	}
	for i := range q.Requests {
		x := &q.Requests[i]
		r, err := x.parse()
		if err != nil {
			return nil, fmt.Errorf("app: request %d: %w", i+1, err)
		}
		if r.Time = x.Time; r.Time.IsZero() {
			r.Time = now
		}
		all = append(all, replayed{r, x.Partial})
	}
	return all, nil
}

// replayable are the samples of a web ACL, each once.
func (s *sightings) replayable(webACL string) (all []replayed) {
	seen := make(map[*sighting]bool)
	for _, x := range s.requests.All(func(key string) bool { return strings.HasPrefix(key, webACL+"\x00") }) {
		if x.whole != nil {
			x = x.whole
		}
		if seen[x] {
			continue
		}
		seen[x] = true
		all = append(all, replayed{x.again(), x.Partial})
	}
	return all
}

// again is the request of a record.
func (s *sighting) again() *request.Request {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	r := &request.Request{
		Time: s.At, Method: text(s.Request.Method), Target: s.Path, Scheme: cmp.Or(s.Scheme, "http"), Proto: text(s.Request.HTTPVersion), Body: s.Body, BodyTruncated: s.Partial && len(s.Body) == maxBodyBytes,
	}
	if s.Query != "" {
		r.Target += "?" + s.Query
	}
	r.Remote, _ = netip.ParseAddr(text(s.Request.ClientIP)) // as it was written
	for _, h := range s.Request.Headers {
		f := request.Field{Name: text(h.Name), Value: text(h.Value)}
		if strings.EqualFold(f.Name, "host") && r.Host == "" {
			r.Host = f.Value
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

// replay evaluates requests in the order of their times.
func replay(ctx context.Context, programs [2]*waf.Program, requests []replayed, tokens waf.Tokens) (*ReplayReport, error) {
	slices.SortStableFunc(requests, func(a, b replayed) int { return a.request.Time.Compare(b.request.Time) })
	out := &ReplayReport{Actions: map[string]int{}, Changes: []ReplayChange{}}
	scratch := waf.NewScratch(request.DefaultLimits())
	for i := range requests {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		x := &requests[i]
		var verdicts [2]ReplayVerdict
		for j, p := range programs {
			v, err := p.Evaluate(x.request, tokens, scratch)
			if err != nil {
				return nil, fmt.Errorf("app: request %d: %w", i+1, err)
			}
			verdicts[j] = ReplayVerdict{Action: v.Action, Labels: v.AppendLabels(nil)}
			if v.Inner != nil {
				verdicts[j].Rule = v.Inner.Rule.Path()
			} else if v.Terminating != nil {
				verdicts[j].Rule = v.Terminating.Rule.Path()
			}
		}
		out.Requests++
		if x.partial {
			out.Partial++
		}
		was, is := &verdicts[0], &verdicts[1]
		if was.Action == is.Action && was.Rule == is.Rule {
			continue
		}
		out.Changed++
		out.Actions[was.Action.String()+" to "+is.Action.String()]++
		if len(out.Changes) < maxChanges {
			out.Changes = append(out.Changes, ReplayChange{
				Request: x.request.Method + " " + x.request.Target, Client: x.request.Remote.String(), Time: x.request.Time, Partial: x.partial, Old: *was, New: *is,
			})
		}
	}
	return out, nil
}

// ReplayWAF asks the running server.
func (o *Operator) ReplayWAF(ctx context.Context, q *Replay) (*ReplayReport, error) {
	out := new(ReplayReport)
	return out, o.call(ctx, http.MethodPost, "/v1/waf/replay", q, out)
}
