package app

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/sample"
	"fastness/internal/proxy"
	"fastness/internal/service/wafv2"
	"fastness/internal/waflog"
)

// sightings are what the proxies have seen: samples of requests for each rule, and the
// paths that bots have asked for.
type sightings struct {
	requests *sample.Reservoir[*sighting]

	mu   sync.Mutex
	tops map[string]*sample.Top[botPath] // by web ACL
}

// The paths are counted in quarters of an hour, for a day, a thousand at a time.
const (
	pathSpan = 15 * time.Minute
	pathKeep = 24 * time.Hour
	maxPaths = 1000
	// maxPathBytes bounds a path that is counted, maxHeaders and maxHeaderBytes what is kept of the
	// header fields of a sample.
	maxPathBytes   = 512
	maxHeaders     = 64
	maxHeaderBytes = 1024
)

func newSightings() *sightings {
	return &sightings{requests: sample.New[*sighting](sample.Options{}), tops: make(map[string]*sample.Top[botPath])}
}

// sighting is one inspected request, as its record. It is JSON in the reports of proxies on other hosts.
type sighting struct {
	WebACL  string
	At      time.Time
	Request wafv2api.HTTPRequest
	Labels  []string `json:",omitempty"`
	Path    string
	// Matches are under which metrics it is kept.
	Matches []sightingMatch
	Status  int32
	Insert  []wafv2api.HTTPHeader `json:",omitempty"`
	// What GetSampledRequests does not show, to evaluate the request again: the query and the beginning of the
	// body, protected like the rest. Partial tells that this is not all that the rules have seen.
	Query   string `json:",omitempty"`
	Body    []byte `json:",omitempty"`
	Partial bool   `json:",omitempty"`
	Scheme  string `json:",omitempty"`
	// whole is the record with all its matches, of one that has one of them.
	whole *sighting
}

// sightingMatch is a rule that the request met.
type sightingMatch struct {
	Metric string
	Action string
	// Rule is the rule within a rule group, group#rule; Own is its action before an override.
	Rule, Own string `json:",omitempty"`
	Failure   waf.TokenStatus
	Solved    int64          `json:",omitempty"`
	Asked     waf.ActionKind // Captcha, Challenge or neither
}

// maxQueryBytes and maxBodyBytes bound what is kept of a sample's query and body.
const (
	maxQueryBytes = 2 << 10
	maxBodyBytes  = 2 << 10
)

// witness makes the records of requests.
type witness struct {
	mu sync.Mutex
	// ordinary counts what no rule matched, by web ACL.
	ordinary map[string]ordinary
}

func newWitness() *witness { return &witness{ordinary: make(map[string]ordinary)} }

// account makes the record of a request; it is called on the request's path.
func (w *witness) account(r *request.Request, v *proxy.Verdict, o *proxy.Outcome) (any, int) {
	decided, ok := v.Detail.(*waf.Verdict)
	if !ok || o.WebACL == "" {
		return nil, 0
	}
	spec := decided.ACL()
	if spec == nil {
		return nil, 0
	}
	s := &sighting{WebACL: o.WebACL, At: r.Time, Status: int32(o.Status), Labels: decided.AppendLabels(nil), Path: r.Path()}
	if spec.Visibility.Samples {
		s.Matches = append(s.Matches, sightingMatch{Metric: spec.Visibility.MetricName, Action: decided.Action.String()})
	}
	for i := range decided.Matches {
		m := &decided.Matches[i]
		if !m.Rule.Visibility.Samples || m.Rule.Kind == waf.GroupRule || m.Rule.Kind == waf.ManagedGroupRule {
			continue
		}
		x := sightingMatch{Metric: m.Rule.Visibility.MetricName, Action: m.Action.String(), Failure: m.Failure, Solved: m.Solved, Asked: m.Action}
		if m.Excluded {
			x.Action = string(wafv2api.ActionValueExcludedAsCount)
		}
		if m.Own != 0 {
			x.Own = m.Own.String()
		}
		if g := m.Rule.Group; g != nil {
			x.Rule = groupName(g.GroupName) + "#" + m.Rule.Name
			// What a group did shows under the metric of the rule that refers to it, too.
			if g.Visibility.Samples {
				under := x
				under.Metric = g.Visibility.MetricName
				s.Matches = append(s.Matches, under)
			}
		}
		s.Matches = append(s.Matches, x)
	}
	if len(s.Matches) == 0 && len(s.Labels) == 0 {
		return nil, 0
	}
	if len(decided.Matches) == 0 && len(s.Labels) == 0 && w.enough(o.WebACL, r.Time) {
		return nil, 0
	}
	s.Request = sampledRequest(r, spec.DataProtection)
	s.keepRest(r, spec.DataProtection)
	for _, f := range decided.Insert {
		s.Insert = append(s.Insert, wafv2api.HTTPHeader{Name: new(f.Name), Value: new(f.Value)})
	}
	size := 256 + len(s.Path) + len(s.Query) + len(s.Body)
	for _, h := range s.Request.Headers {
		size += len(*h.Name) + len(*h.Value) + 64
	}
	return s, size
}

// keepRest keeps what is needed to evaluate the request again.
func (s *sighting) keepRest(r *request.Request, protections []waf.DataProtection) {
	query, _ := r.Query()
	s.Scheme = r.Scheme
	s.Query, s.Partial = query[:min(len(query), maxQueryBytes)], len(query) > maxQueryBytes || r.BodyTruncated || len(r.Body) > maxBodyBytes || len(r.Fields) > maxHeaders
	s.Body = slices.Clone(r.Body[:min(len(r.Body), maxBodyBytes)])
	for i := range protections {
		switch p := &protections[i]; wafv2api.FieldToProtectType(p.Field) {
		case wafv2api.FieldToProtectTypeBody:
			s.Partial = s.Partial || len(s.Body) > 0
			s.Body = nil
		case wafv2api.FieldToProtectTypeQueryString, wafv2api.FieldToProtectTypeSingleQueryArgument:
			s.Partial = s.Partial || s.Query != ""
			s.Query = ""
		default:
			s.Partial = true // some header field may be hidden
		}
	}
}

// sampledFirst is from how many requests of a minute samples are chosen: what a Reservoir does.
const sampledFirst = 5000

// maxOrdinary bounds the web ACLs that are counted.
const maxOrdinary = 10_000

// ordinary counts the requests of a minute that no rule matched.
type ordinary struct {
	minute int64
	n      int
}

// enough counts a request that no rule matched, and tells whether so many of its minute have been seen
// that it would not be chosen anyway: nothing has to be copied of it then.
func (w *witness) enough(acl string, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, known := w.ordinary[acl]
	if !known && len(w.ordinary) >= maxOrdinary {
		clear(w.ordinary)
	}
	if minute := at.Unix() / 60; o.minute != minute {
		o = ordinary{minute: minute}
	}
	o.n++
	w.ordinary[acl] = o
	return o.n > sampledFirst
}

// groupName is the name of a rule group without what is before it in an ARN, and without a version.
func groupName(text string) string {
	if strings.HasPrefix(text, "arn:") {
		if parts := strings.Split(text, "/"); len(parts) >= 2 {
			return parts[len(parts)-2]
		}
	}
	if parts := strings.Split(text, "#"); len(parts) == 3 {
		return parts[0] + "#" + parts[1]
	}
	return text
}

// sampledRequest is a request as GetSampledRequests shows it, protected as the web ACL says: what is
// to be hidden is not even kept.
func sampledRequest(r *request.Request, protections []waf.DataProtection) wafv2api.HTTPRequest {
	out := wafv2api.HTTPRequest{
		ClientIP: new(r.Remote.String()), Country: new("-"), URI: new(bounded(r.Path(), maxPathBytes)), Method: new(r.Method), HTTPVersion: new(r.Proto),
	}
	for _, f := range r.Fields[:min(len(r.Fields), maxHeaders)] {
		v := f.Value
		for i := range protections {
			v = waflog.ProtectHeader(&protections[i], f.Name, v)
		}
		out.Headers = append(out.Headers, wafv2api.HTTPHeader{Name: new(f.Name), Value: new(bounded(v, maxHeaderBytes))})
	}
	return out
}

func bounded(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "�")
}

// deliver takes records off the request's path.
func (s *sightings) deliver(records []any) {
	for _, record := range records {
		x, ok := record.(*sighting)
		if !ok {
			continue
		}
		for i := range x.Matches {
			one := *x
			one.Matches = x.Matches[i : i+1]
			one.whole = x
			s.requests.Add(x.WebACL+"\x00"+x.Matches[i].Metric, x.At, func() *sighting { return &one })
		}
		s.count(x)
	}
}

// botPath is a path that a bot has asked for.
type botPath struct{ path, name, category, organization string }

// botLabels is what the labels of bots begin with (AWS WAF Developer Guide, "AWS WAF Bot Control rule
// group", "Labels").
const botLabels = "awswaf:managed:aws:bot-control:bot:"

// count counts the path of a request that comes from a bot.
func (s *sightings) count(x *sighting) {
	key := botPath{path: bounded(x.Path, maxPathBytes)}
	for _, l := range x.Labels {
		rest, ok := strings.CutPrefix(l, botLabels)
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(rest, ":")
		switch kind {
		case "name":
			key.name = name
		case "category":
			key.category = name
		case "organization":
			key.organization = name
		}
	}
	if key.name == "" && key.category == "" && key.organization == "" {
		return
	}
	s.mu.Lock()
	top := s.tops[x.WebACL]
	if top == nil {
		top = sample.NewTop[botPath](pathSpan, pathKeep, maxPaths)
		s.tops[x.WebACL] = top
	}
	s.mu.Unlock()
	top.Add(key, x.At)
}

// samples are requests that met a rule.
func (s *sightings) samples(webACL, metric string, from, to time.Time, limit int) wafv2.Sampled {
	found := s.requests.Read(webACL+"\x00"+metric, from, to, limit)
	out := wafv2.Sampled{Population: found.Population, To: found.To}
	for _, i := range found.Items {
		x, m := i.Value, &i.Value.Matches[0]
		r := wafv2api.SampledHTTPRequest{
			Request: &x.Request, Weight: new(i.Weight), Timestamp: new(i.At.UTC()), Action: &m.Action, RequestHeadersInserted: x.Insert, ResponseCodeSent: &x.Status,
		}
		if m.Rule != "" {
			r.RuleNameWithinRuleGroup = &m.Rule
		}
		if m.Own != "" {
			r.OverriddenAction = &m.Own
		}
		for _, l := range x.Labels {
			r.Labels = append(r.Labels, wafv2api.Label{Name: new(l)})
		}
		out.Requests = append(out.Requests, r)
	}
	return out
}

// paths answers a question about the paths that bots have asked for.
func (s *sightings) paths(q *wafv2.PathQuery) (out wafv2.PathTraffic) {
	s.mu.Lock()
	top := s.tops[q.WebACL]
	s.mu.Unlock()
	if top == nil {
		return out
	}
	filtered := q.Category != "" || q.Organization != "" || q.Bot != ""
	paths, categories := make(map[string]map[string]int64), make(map[[2]string]map[string]int64)
	add := func(of map[string]int64, bot string, n int64) map[string]int64 {
		if of == nil {
			of = make(map[string]int64)
		}
		of[bot] += n
		return of
	}
	for key, n := range top.Read(q.From, q.To) {
		if q.Category != "" && q.Category != key.category || q.Organization != "" && q.Organization != key.organization || q.Bot != "" && q.Bot != key.name || !strings.HasPrefix(key.path, q.Prefix) {
			continue
		}
		path := key.path
		if q.Prefix == "" {
			path = firstPart(path)
		}
		out.Total += n
		paths[path] = add(paths[path], key.name, n)
		if !filtered && key.category != "" {
			at := [2]string{key.category, path}
			categories[at] = add(categories[at], key.name, n)
		}
	}
	for path, bots := range paths {
		out.Paths = append(out.Paths, pathCount(path, "", bots, q.Bots))
	}
	for at, bots := range categories {
		out.Categories = append(out.Categories, pathCount(at[1], at[0], bots, q.Bots))
	}
	slices.SortFunc(out.Paths, func(a, b wafv2.PathCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Path, b.Path))
	})
	slices.SortFunc(out.Categories, func(a, b wafv2.PathCount) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Path, b.Path))
	})
	return out
}

// firstPart is the first part of a path, with a slash behind it if there is more.
func firstPart(path string) string {
	if len(path) < 2 {
		return "/"
	}
	if at := strings.IndexByte(path[1:], '/'); at >= 0 {
		return path[:at+2]
	}
	return path
}

func pathCount(path, category string, bots map[string]int64, most int) wafv2.PathCount {
	p := wafv2.PathCount{Path: path, Category: category}
	for bot, n := range bots {
		p.Requests += n
		if bot != "" {
			p.Bots = append(p.Bots, wafv2.BotCount{Bot: bot, Requests: n})
		}
	}
	slices.SortFunc(p.Bots, func(a, b wafv2.BotCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Bot, b.Bot))
	})
	p.Bots = p.Bots[:min(len(p.Bots), most)]
	return p
}
