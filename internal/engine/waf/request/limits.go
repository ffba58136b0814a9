package request

// Limits bound what is taken apart. Beyond a bound, what is left is one value more, and the
// outcome says Oversize.
type Limits struct {
	// Fields and FieldBytes bound the header fields that Headers and HeaderOrder look at;
	// the bytes are those of names and values.
	Fields, FieldBytes int
	// Cookies and CookieBytes bound the cookies that Cookies looks at; the bytes are those
	// of names and values.
	Cookies, CookieBytes int
	// Arguments bounds the arguments of the query, and again those of the body.
	Arguments int
	// JSONValues bounds the keys and values of a JSON body.
	JSONValues int
	// Depth bounds how deep JSON and XML may be nested.
	Depth int
	// Parts bounds the parts of a multipart body.
	Parts int
}

// DefaultLimits are AWS's where AWS has one: 200 fields and 8,192 bytes, the same for
// cookies. The others are far above what applications use and keep the memory for one
// inspection below some 8 MB.
func DefaultLimits() Limits {
	return Limits{
		Fields: 200, FieldBytes: 8192,
		Cookies: 200, CookieBytes: 8192,
		Arguments:  16384,
		JSONValues: 65536,
		Depth:      128,
		Parts:      256,
	}
}
