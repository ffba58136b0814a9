package browser

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed harness.js
var harness string

//go:embed frames.js
var frames string

// The application's host, which is in no network.
const (
	host   = "app.example"
	origin = "http://" + host
)

// trial is a value at a place, whose page is shown in a frame of its own.
type trial struct {
	place *Place
	value string
}

// sign is what a page did.
type sign struct {
	ran bool // else it loads something or leads somewhere
	how string
}

// tab is a page of the browser that shows frames. Everything that its pages ask for is answered here; nothing reaches a network.
type tab struct {
	c               *Chromium
	target, session string
	main            string // its frame

	mu      sync.Mutex
	silence *time.Timer
	trials  map[int]*trial // that are shown now
	signs   map[int][]sign
	at      int               // the trial that the tab does something for
	asked   bool              // a page has asked for a script or a document
	slots   map[int]string    // the frames, in their order
	slot    int               // that a frame is made for
	frames  map[string]int    // the trial of a frame
	parents map[string]string // the frame that a frame is in
	context map[int]string    // the frame of a context that scripts run in
	next    int               // the number of the next trial
	first   int               // of the first of those that are shown
}

// newTab opens a tab.
func (c *Chromium) newTab(ctx context.Context) (*tab, error) {
	t := &tab{c: c, at: -1, slots: map[int]string{}, parents: map[string]string{}, context: map[int]string{}}
	t.reset()
	var created struct{ TargetID string }
	if err := c.pipe.call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &created); err != nil {
		return nil, err
	}
	t.target = created.TargetID
	var attached struct{ SessionID string }
	if err := c.pipe.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": t.target, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	t.session = attached.SessionID
	c.pipe.hear(t.session, t.hear)
	for _, command := range []struct {
		method string
		params any
	}{
		{"Page.enable", nil}, {"Runtime.enable", nil}, {"Network.enable", nil},
		{"Fetch.enable", map[string]any{"patterns": []any{map[string]any{"urlPattern": "*"}}}},
		{"Runtime.addBinding", map[string]any{"name": "judgeTold"}},
		{"Runtime.addBinding", map[string]any{"name": "judgeAt"}},
		{"Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": harness}},
		{"Page.navigate", map[string]any{"url": origin + "/"}},
	} {
		if err := c.pipe.call(ctx, t.session, command.method, command.params, nil); err != nil {
			return nil, err
		}
	}
	var tree struct {
		FrameTree struct{ Frame struct{ ID string } }
	}
	if err := c.pipe.call(ctx, t.session, "Page.getFrameTree", nil, &tree); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.main = tree.FrameTree.Frame.ID
	t.mu.Unlock()
	for {
		var r struct{ Result struct{ Value string } }
		var gone refusal // of the page before it
		if err := t.evaluate(ctx, "typeof empty", &r); err != nil && !errors.As(err, &gone) {
			return nil, err
		}
		if r.Result.Value == "function" {
			return t, nil
		}
	}
}

func (t *tab) close() {
	t.c.pipe.hear(t.session, nil)
	_ = t.c.pipe.send("", "Target.closeTarget", map[string]any{"targetId": t.target}, nil)
}

func (t *tab) evaluate(ctx context.Context, expression string, result any) error {
	return t.c.pipe.call(ctx, t.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true}, result)
}

func (t *tab) reset() {
	t.trials, t.signs = map[int]*trial{}, map[int][]sign{}
	t.frames = map[string]int{}
}

// show shows trials and gives the signs of each. If it fails with errHung, last is the one that the tab did something for when it was
// heard of last.
func (t *tab) show(ctx context.Context, trials []trial) (signs [][]sign, last int, err error) {
	type page struct {
		Number int     `json:"number"`
		Text   *string `json:"text,omitempty"`
		Strict bool    `json:"strict"`
	}
	var pages []page
	t.mu.Lock()
	t.reset()
	for i, frame := range t.slots {
		t.frames[frame] = t.next + i
	}
	for i := range trials {
		tr := &trials[i]
		p := page{Number: t.next + i, Strict: tr.place.library == ""}
		if tr.place.Media == "" {
			text := tr.place.With(tr.value)
			p.Text = &text
		}
		t.trials[p.Number] = tr
		pages = append(pages, p)
	}
	first := t.next
	t.first = first
	t.next += len(trials)
	t.mu.Unlock()
	text, err := json.Marshal(pages)
	if err != nil {
		return nil, 0, err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	// It is not done as long as something is heard of it.
	silence := time.AfterFunc(silent, cancel)
	defer silence.Stop()
	t.mu.Lock()
	t.silence = silence
	t.mu.Unlock()
	err = t.evaluate(within, "show("+string(text)+")", nil)
	for n := 0; err == nil && n < 3 && t.loading(); n++ {
		err = t.evaluate(within, "pause(40)", nil)
	}
	if err == nil {
		err = t.evaluate(within, "empty()", nil)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range trials {
		signs = append(signs, t.signs[first+i])
	}
	last = t.at - first
	var gone refusal // of a page that went elsewhere, or crashed
	if ctx.Err() == nil && (within.Err() != nil || errors.As(err, &gone)) {
		err = errHung
	}
	t.reset()
	return signs, last, err
}

// loading tells whether pages have asked for something since it was asked.
func (t *tab) loading() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	asked := t.asked
	t.asked = false
	return asked
}

// trialOf gives the trial of a frame, or of one that it is in, or -1.
func (t *tab) trialOf(frame string) (id int, itself bool) {
	for n := range 20 {
		if id, ok := t.frames[frame]; ok {
			return id, n == 0
		}
		frame = t.parents[frame]
	}
	return -1, false
}

func (t *tab) add(id int, s sign) {
	if t.trials[id] != nil && len(t.signs[id]) < 20 {
		t.signs[id] = append(t.signs[id], s)
	}
}

// hear takes the browser's events.
func (t *tab) hear(method string, params json.RawMessage) {
	var e struct {
		FrameID, ParentFrameID string
		RequestID              string
		ResourceType, Type     string
		Request                struct{ URL, Method string }
		Context                struct {
			ID      int
			AuxData struct{ FrameID string }
		}
		ExecutionContextID int
		Name, Payload      string
	}
	switch method {
	case "Page.frameAttached", "Page.frameDetached", "Fetch.requestPaused", "Network.requestWillBeSent", "Runtime.executionContextCreated", "Runtime.bindingCalled", "Page.javascriptDialogOpening":
	default:
		return
	}
	if err := json.Unmarshal(params, &e); err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.silence != nil && t.silence.Stop() {
		t.silence.Reset(silent)
	}
	switch method {
	case "Page.frameAttached":
		t.parents[e.FrameID] = e.ParentFrameID
		if e.ParentFrameID == t.main {
			t.slots[t.slot] = e.FrameID
		}
	case "Page.frameDetached":
		delete(t.parents, e.FrameID)
	case "Runtime.executionContextCreated":
		t.context[e.Context.ID] = e.Context.AuxData.FrameID
	case "Page.javascriptDialogOpening":
		if id, _ := t.trialOf(e.FrameID); id >= 0 {
			t.add(id, sign{ran: true, how: "dialog"})
		}
		_ = t.c.pipe.send(t.session, "Page.handleJavaScriptDialog", map[string]any{"accept": true}, nil)
	case "Runtime.bindingCalled":
		if e.Name == "judgeTold" {
			t.told(t.context[e.ExecutionContextID], e.Payload)
			break
		}
		what, number, _ := strings.Cut(e.Payload, " ")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
		case what == "slot":
			t.slot = n
		case what == "page":
			t.at = n
			if t.trials[n] != nil {
				t.frames[t.slots[n-t.first]] = n
			}
		}
	case "Network.requestWillBeSent":
		id, itself := t.trialOf(e.FrameID)
		own := strings.HasPrefix(e.Request.URL, origin+"/")
		switch tr := t.trials[id]; {
		case tr == nil, own && (strings.HasPrefix(e.Request.URL, origin+"/case/") || strings.HasPrefix(e.Request.URL, origin+"/library/")), strings.HasPrefix(e.Request.URL, "data:"):
		case leads(tr.place, e.Type, own, itself):
			t.add(id, sign{how: e.Type + " " + e.Request.URL})
		}
	case "Fetch.requestPaused":
		t.answer(e.RequestID, e.FrameID, e.ResourceType, e.Request.URL)
	}
}

// told takes what the harness in a frame says.
func (t *tab) told(frame, payload string) {
	var m struct{ Kind, What string }
	if json.Unmarshal([]byte(payload), &m) != nil {
		return
	}
	id, _ := t.trialOf(frame)
	if id < 0 {
		id = t.at
	}
	switch m.Kind {
	case "ran":
		t.add(id, sign{ran: true, how: m.What})
	case "leads":
		if tr := t.trials[id]; tr != nil && !tr.place.address {
			t.add(id, sign{how: "leads to " + m.What})
		}
	}
}

// answer answers a request of a page.
func (t *tab) answer(request, frame, kind, url string) {
	status, media, content := 404, "text/plain", ""
	own := strings.HasPrefix(url, origin+"/")
	path := strings.TrimPrefix(url, origin)
	id, itself := t.trialOf(frame)
	number, isCase := strings.CutPrefix(path, "/case/")
	switch {
	case own && path == "/":
		status, media, content = 200, "text/html", "<!DOCTYPE html><title>frames</title><body></body><script>"+frames+"</script>"
	case kind == "Document" && own && isCase && itself && number == strconv.Itoa(id):
		status, media, content = 200, t.trials[id].place.Media, t.trials[id].place.With(t.trials[id].value)
	case own && strings.HasPrefix(path, "/library/"):
		for _, l := range []string{angular, vue, jquery} {
			if strings.Contains(l, strings.TrimPrefix(path, "/library/")) {
				if b, err := os.ReadFile(l); err == nil {
					status, media, content = 200, "text/javascript", string(b)
				}
			}
		}
	default:
		t.asked = t.asked || kind == "Script" || kind == "Document"
		switch kind {
		case "Script":
			status, media, content = 200, "text/javascript", "if (!globalThis.addressOfScript) alert('a script was loaded')"
		case "Stylesheet":
			status, media = 200, "text/css"
		case "Document":
			status = 204 // the frame stays as it is
			if !itself {
				status, media, content = 200, htmlPage, "<p>A page"
			}
		case "XHR", "Fetch", "Other":
			status = 200
		}
	}
	_ = t.c.pipe.send(t.session, "Fetch.fulfillRequest", map[string]any{
		"requestId": request, "responseCode": status, "body": base64.StdEncoding.EncodeToString([]byte(content)),
		"responseHeaders": []any{
			map[string]string{"name": "Content-Type", "value": media},
			map[string]string{"name": "Access-Control-Allow-Origin", "value": "*"},
			map[string]string{"name": "Cache-Control", "value": "no-store"},
		},
	}, nil)
}

// leads tells whether a request is a sign: one of another host, or for something that has a say in the page. Pictures of the application's
// own and what its own forms and links lead to are none, nor is what a place for addresses asks for.
func leads(p *Place, kind string, own, itself bool) bool {
	switch {
	case p.address && (kind != "Script" && kind != "Stylesheet" || p.Name == "script-source"):
		return false
	case !own:
		return true
	case kind == "Document":
		return !itself
	}
	return kind == "Script" || kind == "Stylesheet" || kind == "XHR" || kind == "Fetch" || kind == "Manifest"
}
