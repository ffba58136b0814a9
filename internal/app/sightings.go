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

// sightings are what the proxy of this process has seen: samples of requests for each rule, and the
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

// sighting is one inspected request, as its record.
type sighting struct {
	webACL  string
	at      time.Time
	request wafv2api.HTTPRequest
	labels  []string
	path    string
	// matches are under which metrics it is kept.
	matches []sightingMatch
	status  int32
	insert  []wafv2api.HTTPHeader
}

// sightingMatch is a rule that the request met.
type sightingMatch struct {
	metric string
	action string
	// rule is the rule within a rule group, group#rule; own is its action before an override.
	rule, own string
	failure   waf.TokenStatus
	solved    int64
	asked     waf.ActionKind // Captcha, Challenge or neither
}

// account makes the record of a request; it is called on the request's path.
func (d *dataPlane) account(r *request.Request, v *proxy.Verdict, o *proxy.Outcome) (any, int) {
	decided, ok := v.Detail.(*waf.Verdict)
	if !ok {
		return nil, 0
	}
	d.mu.Lock()
	acl := d.protects[o.Resource]
	program := d.programs[acl]
	d.mu.Unlock()
	p, ok := program.(interface{ ACL() *waf.ACL })
	if acl == "" || !ok {
		return nil, 0
	}
	spec := p.ACL()
	s := &sighting{webACL: acl, at: r.Time, status: int32(o.Status), labels: decided.AppendLabels(nil), path: r.Path()}
	if spec.Visibility.Samples {
		s.matches = append(s.matches, sightingMatch{metric: spec.Visibility.MetricName, action: decided.Action.String()})
	}
	for i := range decided.Matches {
		m := &decided.Matches[i]
		if !m.Rule.Visibility.Samples || m.Rule.Kind == waf.GroupRule || m.Rule.Kind == waf.ManagedGroupRule {
			continue
		}
		x := sightingMatch{metric: m.Rule.Visibility.MetricName, action: m.Action.String(), failure: m.Failure, solved: m.Solved, asked: m.Action}
		if m.Excluded {
			x.action = string(wafv2api.ActionValueExcludedAsCount)
		}
		if m.Own != 0 {
			x.own = m.Own.String()
		}
		if g := m.Rule.Group; g != nil {
			x.rule = groupName(g.GroupName) + "#" + m.Rule.Name
			// What a group did shows under the metric of the rule that refers to it, too.
			if g.Visibility.Samples {
				under := x
				under.metric = g.Visibility.MetricName
				s.matches = append(s.matches, under)
			}
		}
		s.matches = append(s.matches, x)
	}
	if len(s.matches) == 0 && len(s.labels) == 0 {
		return nil, 0
	}
	if len(decided.Matches) == 0 && len(s.labels) == 0 && d.enough(acl, r.Time) {
		return nil, 0
	}
	s.request = sampledRequest(r, spec.DataProtection)
	for _, f := range decided.Insert {
		s.insert = append(s.insert, wafv2api.HTTPHeader{Name: new(f.Name), Value: new(f.Value)})
	}
	size := 256 + len(s.path)
	for _, h := range s.request.Headers {
		size += len(*h.Name) + len(*h.Value) + 64
	}
	return s, size
}

// sampledFirst is from how many requests of a minute samples are chosen: what a Reservoir does.
const sampledFirst = 5000

// ordinary counts the requests of a minute that no rule matched.
type ordinary struct {
	minute int64
	n      int
}

// enough counts a request that no rule matched, and tells whether so many of its minute have been seen
// that it would not be chosen anyway: nothing has to be copied of it then.
func (d *dataPlane) enough(acl string, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.ordinary[acl]
	if minute := at.Unix() / 60; o.minute != minute {
		o = ordinary{minute: minute}
	}
	o.n++
	d.ordinary[acl] = o
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
		for i := range x.matches {
			one := *x
			one.matches = x.matches[i : i+1]
			s.requests.Add(x.webACL+"\x00"+x.matches[i].metric, x.at, func() *sighting { return &one })
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
	key := botPath{path: bounded(x.path, maxPathBytes)}
	for _, l := range x.labels {
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
	top := s.tops[x.webACL]
	if top == nil {
		top = sample.NewTop[botPath](pathSpan, pathKeep, maxPaths)
		s.tops[x.webACL] = top
	}
	s.mu.Unlock()
	top.Add(key, x.at)
}

// samples are requests that met a rule.
func (s *sightings) samples(webACL, metric string, from, to time.Time, limit int) wafv2.Sampled {
	found := s.requests.Read(webACL+"\x00"+metric, from, to, limit)
	out := wafv2.Sampled{Population: found.Population, To: found.To}
	for _, i := range found.Items {
		x, m := i.Value, &i.Value.matches[0]
		r := wafv2api.SampledHTTPRequest{
			Request: &x.request, Weight: new(i.Weight), Timestamp: new(i.At.UTC()), Action: &m.action, RequestHeadersInserted: x.insert, ResponseCodeSent: &x.status,
		}
		if m.rule != "" {
			r.RuleNameWithinRuleGroup = &m.rule
		}
		if m.own != "" {
			r.OverriddenAction = &m.own
		}
		for _, l := range x.labels {
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
