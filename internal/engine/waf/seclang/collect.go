package seclang

import (
	"bytes"
	"strconv"
	"strings"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// What it takes to take a request apart, in steps of package pattern: for each byte of the body, and for each value, with its look into the memo.
const (
	bodySteps  = 2
	valueSteps = 100
)

// add adds a value of a source and finds out which conditions hold for it. The values of a source
// are added one after another.
func (s *Scratch) add(src source, key, value []byte) {
	p := s.p
	if !p.used[src] {
		return
	}
	if s.matcher.Left() == 0 {
		s.exhausted = true
		return // nothing more is looked at
	}
	id, kept := p.class[src], p.whole[src] || s.Explain
	if t := p.mentioned[src]; t != nil {
		if n := t.find(key); n != nil {
			id, kept = n.class, kept || n.kept
			if n.counter >= 0 {
				s.counts[n.counter]++
			}
		}
	}
	if all := p.counters[src].all; all >= 0 {
		s.counts[all]++
	}
	s.matcher.Spend(valueSteps)
	hits := s.lookup(id, value)
	if len(hits) == 0 && !kept {
		return // no rule would look at it
	}
	if len(s.entries) == 0 || s.span[src].to == 0 {
		s.span[src].from = int32(len(s.entries))
	}
	if n := len(s.entries); n < cap(s.entries) {
		s.entries = s.entries[:n+1] // written where it is: copying one costs several times as much
	} else {
		s.entries = append(s.entries, entry{})
	}
	e := &s.entries[len(s.entries)-1]
	e.key, e.value, e.hits = key, value, hits
	s.span[src].to = int32(len(s.entries))
	s.note(hits)
}

// note takes over that conditions hold for some value.
func (s *Scratch) note(hits []int32) {
	for _, h := range hits {
		s.held.Set(int(h))
		if l := s.p.links[h]; l.first {
			s.runs.Set(int(l.rule))
		}
	}
}

// lookup returns the conditions that hold for a value of a class.
func (s *Scratch) lookup(id int32, value []byte) []int32 {
	m := s.p.memo
	remember := m != nil && len(value) <= maxMemoValue
	var known *frontEntry
	var key frontEntry
	if remember && len(value) <= frontBytes {
		if s.front == nil {
			s.front = new(front)
		}
		var at uint64
		key, at = frontKey(id, value)
		if known = &s.front[at]; *known == key {
			return nil
		}
	}
	if s.p.classes[id].screened && s.clear(value) {
		if known != nil {
			*known = key
		}
		return nil
	}
	var h uint64
	if remember {
		h = m.hash(id, value)
		if e := m.find(h, id, value); e != nil {
			if known != nil && len(e.hits) == 0 {
				*known = key
			}
			return e.hits
		}
	}
	from, exhausted := len(s.hits), s.exhausted
	s.exhausted = false
	s.hits = s.inspect(s.hits, &s.p.classes[id], value)
	hits := s.hits[from:len(s.hits):len(s.hits)]
	if remember && !s.exhausted && !s.matcher.Exhausted() && m.again(h) {
		m.keep(h, id, value, hits)
	}
	s.exhausted = s.exhausted || exhausted
	return hits
}

// addNumber adds a value that is a number.
func (s *Scratch) addNumber(src source, n int) {
	if !s.p.used[src] {
		return
	}
	at := len(s.kept)
	s.kept = strconv.AppendInt(s.kept, int64(n), 10)
	s.add(src, nil, s.kept[at:len(s.kept):len(s.kept)])
}

func (s *Scratch) addBool(src source, b bool) {
	if b {
		s.add(src, nil, view("1"))
	} else {
		s.add(src, nil, view("0"))
	}
}

// collectHead adds what is known before the body.
func (s *Scratch) collectHead(r *request.Request) {
	list, _ := s.inspection.DecodedQuery()
	for i := range list {
		s.add(queryValues, list[i].Name, list[i].Value)
	}
	for i := range list {
		s.add(queryNames, list[i].Name, list[i].Name)
	}
	hasHost := false
	for i := range r.Fields {
		name := view(r.Fields[i].Name)
		hasHost = hasHost || len(name) == 4 && strings.EqualFold(r.Fields[i].Name, "host")
		s.add(headerValues, name, view(r.Fields[i].Value))
	}
	if !hasHost && r.Host != "" {
		s.add(headerValues, view("Host"), view(r.Host))
	}
	for i := range r.Fields {
		name := view(r.Fields[i].Name)
		s.add(headerNames, name, name)
	}
	if !hasHost && r.Host != "" {
		s.add(headerNames, view("Host"), view("Host"))
	}
	if s.p.used[cookieValues] || s.p.used[cookieNames] {
		s.cookies(r, cookieValues)
		s.cookies(r, cookieNames)
	}
	s.uri(r)
	s.add(requestMethod, nil, view(r.Method))
	s.add(requestProtocol, nil, view(r.Proto))
	s.add(serverName, nil, view(r.Host))
	s.add(uniqueID, nil, view(r.ID))
	if s.p.used[remoteAddress] {
		at := len(s.kept)
		s.kept = r.Remote.Unmap().AppendTo(s.kept)
		s.add(remoteAddress, nil, s.kept[at:len(s.kept):len(s.kept)])
	}
	contentType, _ := r.Field("Content-Type")
	contentType = strings.Trim(contentType, " \t")
	switch {
	case hasFoldedPrefix(contentType, "application/x-www-form-urlencoded"):
		s.processor = urlEncoded
	case hasFoldedPrefix(contentType, "multipart/form-data"):
		s.processor = multipartForm
	}
	s.add(bodyProcessor, nil, view(processorNames[s.processor]))
}

// refreshProcessor makes REQBODY_PROCESSOR what ctl:requestBodyProcessor says.
func (s *Scratch) refreshProcessor() {
	sp := s.span[bodyProcessor]
	if sp.to == 0 {
		return
	}
	e := &s.entries[sp.from]
	e.value = view(processorNames[s.processor])
	e.hits = s.lookup(s.p.class[bodyProcessor], e.value)
	for _, r := range s.p.onProcessor {
		s.runs.Unset(int(r))
	}
	s.note(e.hits)
}

// cookies adds the values or the names of cookies. A cookie without an equal sign is a name.
func (s *Scratch) cookies(r *request.Request, src source) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) != len("cookie") || !strings.EqualFold(f.Name, "cookie") {
			continue
		}
		for rest, more := f.Value, true; more; {
			var cookie string
			cookie, rest, more = strings.Cut(rest, ";")
			if cookie = trimControls(cookie); cookie == "" {
				continue
			}
			name, value, _ := strings.Cut(cookie, "=")
			name, value = trimControls(name), trimControls(value)
			switch {
			case name == "" && value == "":
			case src == cookieValues:
				s.add(src, view(name), view(value))
			default:
				s.add(src, view(name), view(name))
			}
		}
	}
}

// trimControls removes spaces and control characters from both ends.
func trimControls(s string) string {
	for s != "" && (s[0] <= ' ' || s[0] == 0x7f) {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7f) {
		s = s[:len(s)-1]
	}
	return s
}

// uri adds the request line and what it is made of.
func (s *Scratch) uri(r *request.Request) {
	s.add(requestURIRaw, nil, view(r.Target))
	before, _, _ := strings.Cut(r.Target, "#")
	s.add(requestURI, nil, view(before))
	query, _ := r.Query()
	s.add(queryString, nil, view(query))
	path := view(r.Path())
	decoded, ok := s.decodedPath(path)
	s.addBool(uriError, !ok)
	s.add(fileName, nil, decoded)
	base := decoded
	if i := bytes.LastIndexAny(decoded, `/\`); i >= 0 && i+1 < len(decoded) {
		base = decoded[i+1:]
	}
	s.add(baseName, nil, base)
	if s.p.used[requestLine] {
		at := len(s.kept)
		s.kept = append(append(s.kept, r.Method...), ' ')
		s.kept = append(append(s.kept, r.Target...), ' ')
		s.kept = append(s.kept, r.Proto...)
		s.add(requestLine, nil, s.kept[at:len(s.kept):len(s.kept)])
	}
}

// decodedPath undoes the percent escapes of a path. One with a bad escape stays as it is.
func (s *Scratch) decodedPath(path []byte) ([]byte, bool) {
	if bytes.IndexByte(path, '%') < 0 {
		return path, true
	}
	if hasBadEscape(path) {
		return path, false
	}
	at := len(s.kept)
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			c = hexValue(path[i+1])<<4 | hexValue(path[i+2])
			i += 2
		}
		s.kept = append(s.kept, c)
	}
	return s.kept[at:len(s.kept):len(s.kept)], true
}

func hexValue(c byte) byte {
	if c-'0' < 10 {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func hasFoldedPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// collectBody takes the body apart, as the rules of the first phase chose, and adds what is in it.
func (s *Scratch) collectBody() {
	in := &s.inspection
	body, truncated := in.Held()
	if s.processor == noProcessor && s.force {
		s.processor = urlEncoded
		s.refreshProcessor()
	}
	size, files, failed, strict := 0, 0, false, false
	query, _ := in.DecodedQuery()
	for i := range query {
		size += len(query[i].Name) + len(query[i].Value)
	}
	var text []byte
	if len(body) > 0 {
		switch s.processor {
		case urlEncoded:
			in.As(request.FormatForm)
			size += s.bodyArguments(&failed)
			text = body
		case multipartForm:
			in.As(request.FormatMultipart)
			size += s.bodyArguments(&failed)
			files, strict = s.parts()
			failed = failed || strict
		case jsonBody:
			in.As(request.FormatJSON)
			if !s.survey() {
				size += s.bodyArguments(&failed)
			}
		case xmlBody:
			in.As(request.FormatXML)
			texts, attributes, o := in.XML()
			for i := range texts {
				s.add(xmlTexts, nil, texts[i].Value)
			}
			for i := range attributes {
				s.add(xmlAttributes, nil, attributes[i].Value)
			}
			failed = o.Malformed
		case rawBody:
			text = body
		}
	}
	s.add(requestBody, nil, text)
	s.addNumber(bodyLength, len(text))
	s.addNumber(argumentsSize, size)
	s.addNumber(filesSize, files)
	s.addBool(bodyError, failed && !truncated)
	s.addBool(multipartError, strict)
	s.add(bodyErrorText, nil, nil)
}

// bodyArguments adds the arguments of the body and returns their size.
func (s *Scratch) bodyArguments(failed *bool) (size int) {
	list, o := s.inspection.BodyArguments()
	*failed = o.Malformed
	parts := s.processor == multipartForm
	for i := range list {
		if parts && len(list[i].Value) == 0 && s.isFile(i) {
			continue
		}
		s.add(bodyValues, list[i].Name, list[i].Value)
		size += len(list[i].Name) + len(list[i].Value)
	}
	for i := range list {
		if parts && len(list[i].Value) == 0 && s.isFile(i) {
			continue
		}
		s.add(bodyNames, list[i].Name, list[i].Name)
	}
	return size
}

// isFile tells whether a part is a file: it is no argument then.
func (s *Scratch) isFile(i int) bool {
	parts, _, _ := s.inspection.Parts()
	return i < len(parts) && parts[i].HasFile
}

// parts adds the files and the headers of a multipart body and returns the size of the files.
func (s *Scratch) parts() (size int, strict bool) {
	parts, problems, _ := s.inspection.Parts()
	for i := range parts {
		if parts[i].HasFile {
			s.add(fileNames, nil, parts[i].FileName)
			size += len(parts[i].Content)
		}
	}
	// What is not held of a file is known from the length that was announced.
	body, truncated := s.inspection.Held()
	if n := len(parts); truncated && n > 0 && parts[n-1].HasFile {
		length, _ := s.inspection.Request().Field("Content-Length")
		size += max(0, atoi(view(length))-len(body))
	}
	for i := range parts {
		if parts[i].HasFile {
			s.add(fileFields, nil, parts[i].Name)
		}
	}
	for i := range parts {
		for rest := parts[i].Header; len(rest) > 0; {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte("\n"))
			if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
				s.add(partHeaders, parts[i].Name, line)
			}
		}
	}
	return size, problems&^(request.DataBefore|request.DataAfter) != 0
}

// transformed is a value behind the chain of a condition.
func (s *Scratch) transformed(l *link, value []byte) []byte {
	for _, kind := range l.chain {
		value = s.transform(kind, value)
	}
	return value
}

// transform applies one transformation. The text lives as long as the request.
func (s *Scratch) transform(kind transform.Kind, value []byte) []byte {
	n := len(s.kept)
	out, changed := transform.Append(s.kept, kind, value)
	if !changed {
		return value
	}
	s.kept = out
	return out[n:len(out):len(out)]
}
