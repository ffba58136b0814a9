package request

import "strings"

// Pair is a name and a value: of an argument or a cookie.
type Pair struct{ Name, Value []byte }

// Inspection takes a request apart, each part when it is first asked for. It belongs to one
// goroutine at a time and is used for one request after another.
type Inspection struct {
	limits Limits
	r      *Request

	path, query string
	hasQuery    bool

	scratch []byte // decoded text; slices of it live until Reset
	parts   parts  // what has been taken apart
	walk    walk   // along JSON pointers
	flat    flatten

	sieve    *Sieve
	unwanted bool // what sieve clears: in AppendUnless

	last    map[string]int // for combineDuplicates
	next    []int
	written []bool
}

// parts are what an Inspection has taken apart, and memory to use again.
type parts struct {
	query   pairs // as sent
	cookies pairs
	decoded pairs // the query's arguments, decoded
	body    pairs // the body's arguments, decoded
	markup  pairs // the attributes of XML, where they are wanted by themselves
	before  pairs // the query after pre-parse steps: used by one selector at a time
	json    document
	survey  survey
	// heldJSON is what is held of the body, where that is more than what AWS's components see.
	heldJSON document
	multi    multipart
	format   Format
	line     []byte
	order    []byte

	haveLine, haveOrder, haveFormat, chosen, orderOversize, bodyMalformed bool
}

// pairs is a list that is made once.
type pairs struct {
	list     []Pair
	done     bool
	oversize bool
}

func (p *pairs) reset() {
	clear(p.list)
	*p = pairs{list: p.list[:0]}
}

// scratchKept bounds the scratch memory that is kept for the next request.
const scratchKept = 256 << 10

// NewInspection makes an Inspection with bounds.
func NewInspection(l Limits) *Inspection { return &Inspection{limits: l} }

// Reset starts with another request, which must stay as it is until the next Reset.
func (in *Inspection) Reset(r *Request) {
	in.r, in.sieve = r, nil
	in.path, in.query, in.hasQuery = r.cut()
	if cap(in.scratch) > scratchKept {
		in.scratch = nil
	}
	in.scratch = in.scratch[:0]
	p := &in.parts
	p.query.reset()
	p.cookies.reset()
	p.decoded.reset()
	p.body.reset()
	p.markup.reset()
	p.before.reset()
	p.json.reset()
	p.survey.reset()
	p.heldJSON.reset()
	p.multi.reset()
	p.line, p.order = nil, nil
	p.format = FormatNone
	p.haveLine, p.haveOrder, p.haveFormat, p.chosen, p.orderOversize, p.bodyMalformed = false, false, false, false, false, false
}

// Request is the request of the last Reset.
func (in *Inspection) Request() *Request { return in.r }

// since is what was appended to scratch since it had length n.
func (in *Inspection) since(n int) []byte { return in.scratch[n:len(in.scratch):len(in.scratch)] }

// basename is what follows the last slash of the path.
func (in *Inspection) basename() string {
	return in.path[strings.LastIndexAny(in.path, `/\`)+1:]
}

// requestLine is the request line as HTTP/1.1 has it.
func (in *Inspection) requestLine() []byte {
	p := &in.parts
	if !p.haveLine {
		n := len(in.scratch)
		in.scratch = append(append(in.scratch, in.r.Method...), ' ')
		in.scratch = append(append(in.scratch, in.r.Target...), ' ')
		in.scratch = append(in.scratch, in.r.Proto...)
		p.line, p.haveLine = in.since(n), true
	}
	return p.line
}
