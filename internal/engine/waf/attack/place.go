package attack

import "math/bits"

// Place says where in a request a value stood. It is a set, so that a rule can name several.
type Place uint16

// The places.
const (
	Path      Place = 1 << iota // the path, or a part of it
	Query                       // the value of a query argument
	Body                        // a value in a body: a form field, a leaf of JSON
	Name                        // the name of an argument
	Cookie                      // the value of a cookie
	Field                       // the value of a header field without a place of its own
	UserAgent                   // the value of User-Agent
	Referer                     // the value of Referer
	Whole                       // a body as a whole
	FileName                    // the name of a file in a body; a rule for bodies holds for it, too

	places = 10 // how many there are

	Anywhere = Path | Query | Body | Name | Cookie | Field | UserAgent | Referer | Whole | FileName
)

var placeNames = map[string]Place{
	"path": Path, "query": Query, "body": Body, "name": Name, "cookie": Cookie, "field": Field, "user-agent": UserAgent, "referer": Referer, "whole": Whole, "file-name": FileName,
	"arguments": Query | Body | Name | Cookie,
}

// index is the number of the only (or first) place in p.
func (p Place) index() int { return bits.TrailingZeros16(uint16(p)) }

// ParsePlace gives the place of a name: "path", "query", "body", "name", "cookie", "field",
// "user-agent", "referer", "whole" or "file-name".
func ParsePlace(name string) (Place, bool) {
	p, ok := placeNames[name]
	return p, ok && bits.OnesCount16(uint16(p)) == 1
}
