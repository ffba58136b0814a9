package account

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
)

// The windows (AWS WAF Developer Guide, the rules listings of both groups).
const (
	addressWindow = 10 * time.Minute
	sessionWindow = 30 * time.Minute
)

// Bounds of what is kept.
const (
	maxCounted  = 32_768
	maxDistinct = 16_384
)

// levels are the thresholds of low, medium and high; a count above one is at that level.
type levels [3]int64

var (
	ofAddresses = levels{10, 15, 20}
	ofSessions  = levels{1, 5, 10}
	ofAnswers   = levels{1, 5, 10}
	ofPhones    = levels{1, 5, 10}
	ofPlaces    = levels{10, 50, 100} // postal addresses
)

// at is the level of a count, -1 if it is below all.
func (l levels) at(n int64) int {
	level := -1
	for i, most := range l {
		if n > most {
			level = i
		}
	}
	return level
}

// Thresholds of what has one level.
const (
	loginsOfSession   = 20
	stolenOfSession   = 1
	namesOfSession    = 5
	passwordsOfName   = 10
	addressesOfToken  = 5
	fingerprints      = 1
	longSession       = 6 * time.Hour
	fewInteractions   = 1
	someInteractions  = 3
	manyInteractions  = 8
	maxLongSessions   = maxDistinct
	longSessionsPause = 30 * time.Minute
)

// Watcher watches logins or creations. It is safe for concurrent use.
type Watcher struct {
	create  bool
	path    path
	page    path
	answers *answers
	inspect bool // credentials are looked at
	fields  struct {
		username, password, email *field
		phone, address            []*field
	}
	stolen atomic.Pointer[Stolen]

	byAddress, bySession, stolenBySession          *rate.Limiter
	phones, places                                 *rate.Limiter
	failedByAddress, failedBySession               *rate.Limiter
	succeededByAddress, succeededBySession         *rate.Limiter
	names, passwords, addresses, fingerprintsOfOne *rate.Distinct
	long                                           *streaks
}

var _ waf.Observer = (*Watcher)(nil)

// New makes a Watcher. stolen may be nil.
func New(c *Config, stolen *Stolen) (*Watcher, error) {
	w := &Watcher{create: c.Create}
	w.stolen.Store(stolen)
	var err error
	if w.path, err = compilePath(c.Path, c.Regex); err != nil {
		return nil, err
	}
	if c.Create {
		if w.page, err = compilePath(c.Page, c.Regex); err != nil {
			return nil, err
		}
	}
	if w.answers, err = compileAnswers(c.Answers); err != nil {
		return nil, err
	}
	if f := c.Fields; f != nil {
		w.inspect = true
		one := func(into **field, identifier string) {
			if err == nil {
				*into, err = compileField(f, identifier)
			}
		}
		one(&w.fields.username, f.Username)
		one(&w.fields.password, f.Password)
		one(&w.fields.email, f.Email)
		w.fields.phone = make([]*field, len(f.Phone))
		for i, identifier := range f.Phone {
			one(&w.fields.phone[i], identifier)
		}
		w.fields.address = make([]*field, len(f.Address))
		for i, identifier := range f.Address {
			one(&w.fields.address[i], identifier)
		}
	}
	if err != nil {
		return nil, err
	}
	for limiter, window := range map[**rate.Limiter]time.Duration{
		&w.byAddress: addressWindow, &w.bySession: sessionWindow, &w.stolenBySession: sessionWindow, &w.phones: sessionWindow, &w.places: sessionWindow,
		&w.failedByAddress: addressWindow, &w.failedBySession: sessionWindow, &w.succeededByAddress: addressWindow, &w.succeededBySession: sessionWindow,
	} {
		if *limiter, err = rate.New(rate.Settings{Window: window, MaxKeys: maxCounted}); err != nil {
			return nil, err
		}
	}
	for _, d := range []**rate.Distinct{&w.names, &w.passwords, &w.addresses, &w.fingerprintsOfOne} {
		*d = rate.NewDistinct(sessionWindow, maxDistinct)
	}
	w.long = newStreaks(maxLongSessions, longSessionsPause)
	return w, nil
}

// SetStolen changes the lists of stolen credentials.
func (w *Watcher) SetStolen(s *Stolen) { w.stolen.Store(s) }

// The signals. Those with levels have those of medium and high behind them.
const (
	isRequest = iota // it is a login, a creation, or the page for one
	isPage
	isCreation
	addressVolume
	_
	_
	sessionVolume
	_
	_
	session // above 20: logins have one level
	pair    // stolen
	secret  // a password that is known to be stolen
	compromised
	missing
	stolenSession
	nameTraversal
	_
	_
	nameTraversalOfLogin
	passwordTraversal
	longLasting
	fingerprint
	reuse
	phone
	_
	_
	place
	_
	_
	failedAddress
	_
	_
	failedSession
	_
	_
	succeededAddress
	_
	_
	succeededSession
	_
	_
	interactivity // absent: low, medium, high confidence
	_
	_
	insufficient
	form
	automated
	inconsistent
)

var names = []string{
	"request", "page", "creation", "ip:low", "ip:medium", "ip:high", "session:low", "session:medium", "session:high", "session", "stolen:pair", "stolen:password",
	"stolen", "missing", "session:stolen", "usernames:low", "usernames:medium", "usernames:high", "usernames", "passwords", "long", "fingerprint", "reuse",
	"phone:low", "phone:medium", "phone:high", "address:low", "address:medium", "address:high",
	"failed:ip:low", "failed:ip:medium", "failed:ip:high", "failed:session:low", "failed:session:medium", "failed:session:high",
	"succeeded:ip:low", "succeeded:ip:medium", "succeeded:ip:high", "succeeded:session:low", "succeeded:session:medium", "succeeded:session:high",
	"interactivity:low", "interactivity:medium", "interactivity:high", "interactivity:insufficient", "form", "automated", "inconsistent",
}

// Names implements waf.Observer.
func (w *Watcher) Names() []string { return names }

// Observe implements waf.Observer.
func (w *Watcher) Observe(o *waf.Observation) {
	post := o.Request.Method == http.MethodPost
	switch {
	case post && w.path.matches(o.Request):
		o.Raise(isRequest)
	case w.create && o.Request.Method == http.MethodGet && w.page.matches(o.Request):
		o.Raise(isRequest)
		o.Raise(isPage)
		return
	default:
		o.Ignore = true
		return
	}
	if w.create {
		o.Raise(isCreation)
		w.browser(o)
	}
	address := rate.AddressKey(o.Client)
	raise(o, addressVolume, ofAddresses.at(count(o, w.byAddress, address)))
	raise(o, failedAddress, ofAnswers.at(w.failedByAddress.Peek(address, o.Now)))
	raise(o, succeededAddress, ofAnswers.at(w.succeededByAddress.Peek(address, o.Now)))
	var key rate.Key
	if o.Session != "" {
		key = hash(o, "session", []byte(o.Session))
		w.session(o, key)
	}
	if w.inspect {
		w.credentials(o, key)
	}
	if w.answers != nil {
		session := o.Session != ""
		o.AnswerBody = w.answers.wantsBody()
		o.Answered = func(a *waf.Answer) { w.answered(a, address, key, session) }
	}
}

// browser tells what the token says of the browser.
func (w *Watcher) browser(o *waf.Observation) {
	t := &o.Token
	if o.Session == "" {
		return
	}
	if !t.Told {
		o.Raise(insufficient)
		return
	}
	if t.Automated || t.Extension {
		o.Raise(automated)
	}
	if t.Inconsistent {
		o.Raise(inconsistent)
	}
	if t.Form {
		o.Raise(form)
	}
	switch n := t.Interactions; {
	case !t.Used:
		o.Raise(insufficient)
	case n < fewInteractions:
		o.Raise(interactivity + 2)
	case n < someInteractions:
		o.Raise(interactivity + 1)
	case n < manyInteractions:
		o.Raise(interactivity)
	}
}

// session counts by the client's session.
func (w *Watcher) session(o *waf.Observation, key rate.Key) {
	n := count(o, w.bySession, key)
	raise(o, sessionVolume, ofSessions.at(n))
	if n > loginsOfSession {
		o.Raise(session)
	}
	if distinct(o, w.addresses, key, rate.AddressKey(o.Client).Member()) > addressesOfToken {
		o.Raise(reuse)
	}
	if f := o.Request.JA4; f != "" && distinct(o, w.fingerprintsOfOne, key, hash(o, "ja4", []byte(f)).Member()) > fingerprints {
		o.Raise(fingerprint)
	}
	if w.long.lasts(key, o.Now, o.Peek) > longSession {
		o.Raise(longLasting)
	}
	raise(o, failedSession, ofAnswers.at(w.failedBySession.Peek(key, o.Now)))
	raise(o, succeededSession, ofAnswers.at(w.succeededBySession.Peek(key, o.Now)))
}

// credentials looks at what the request logs in with.
func (w *Watcher) credentials(o *waf.Observation, session rate.Key) {
	in := o.Inspection
	var user, email, password []byte
	user, o.Values = w.fields.username.value(o.Values, in)
	email, o.Values = w.fields.email.value(o.Values, in)
	password, o.Values = w.fields.password.value(o.Values, in)
	user, email = normal(user), normal(email)
	who := user
	if len(who) == 0 {
		who = email
	}
	if len(who) == 0 || len(password) == 0 {
		o.Raise(missing)
	}
	if len(password) > 0 {
		stolen := w.stolen.Load()
		if len(user) > 0 && stolen.Pair(user, password) || len(email) > 0 && stolen.Pair(email, password) {
			o.Raise(pair)
		}
		if stolen.Password(password) {
			o.Raise(secret)
		}
		if o.Raised(pair) || o.Raised(secret) {
			o.Raise(compromised)
			if o.Session != "" && count(o, w.stolenBySession, session) > stolenOfSession {
				o.Raise(stolenSession)
			}
		}
	}
	if len(who) > 0 {
		name := hash(o, "name", who)
		if o.Session != "" {
			n := distinct(o, w.names, session, name.Member())
			raise(o, nameTraversal, ofSessions.at(int64(n)))
			if n > namesOfSession {
				o.Raise(nameTraversalOfLogin)
			}
		}
		if len(password) > 0 && distinct(o, w.passwords, name, hash(o, "password", password).Member()) > passwordsOfName {
			o.Raise(passwordTraversal)
		}
	}
	// AWS wants a token for these, so that one who fills in the phone number of somebody else cannot keep
	// that one from creating an account.
	if o.Session == "" {
		return
	}
	if key, ok := w.joined(o, "phone", w.fields.phone); ok {
		raise(o, phone, ofPhones.at(count(o, w.phones, key)))
	}
	if key, ok := w.joined(o, "address", w.fields.address); ok {
		raise(o, place, ofPlaces.at(count(o, w.places, key)))
	}
}

// joined is the key of the values of fields together; without any value there is none.
func (w *Watcher) joined(o *waf.Observation, kind string, fields []*field) (key rate.Key, ok bool) {
	var text []byte
	for _, f := range fields {
		var v []byte
		v, o.Values = f.value(o.Values, o.Inspection)
		v = normal(v)
		ok = ok || len(v) > 0
		text = append(append(text, v...), 0)
	}
	if !ok {
		return key, false
	}
	return hash(o, kind, text), true
}

// answered counts an answer.
func (w *Watcher) answered(a *waf.Answer, address, key rate.Key, session bool) {
	byAddress, bySession := w.failedByAddress, w.failedBySession
	switch w.answers.judge(a) {
	case succeeded:
		byAddress, bySession = w.succeededByAddress, w.succeededBySession
	case failed:
	default:
		return
	}
	byAddress.Count(address, a.Time)
	if session {
		bySession.Count(key, a.Time)
	}
}

// normal is a value in the form in which it is compared: most applications do not tell upper and lower case
// of names apart.
func normal(v []byte) []byte { return bytes.ToLower(bytes.TrimSpace(v)) }

// raise raises the signal of a level.
func raise(o *waf.Observation, first, level int) {
	if level >= 0 {
		o.Raise(first + level)
	}
}

// hash makes the key of something of a kind.
func hash(o *waf.Observation, kind string, b []byte) rate.Key {
	o.Key = append(append(append(o.Key[:0], kind...), 0), b...)
	return o.Hasher.Key(o.Key)
}

// count counts a request, unless it is only explained.
func count(o *waf.Observation, l *rate.Limiter, key rate.Key) int64 {
	if o.Peek {
		return l.Peek(key, o.Now) + 1
	}
	return l.Count(key, o.Now)
}

func distinct(o *waf.Observation, d *rate.Distinct, key rate.Key, member uint64) int {
	if o.Peek {
		return d.Peek(key, member, o.Now)
	}
	return d.Add(key, member, o.Now)
}
