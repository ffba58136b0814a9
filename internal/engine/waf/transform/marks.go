package transform

// Marks are kinds of bytes that occur in a value. Most transformations change nothing where
// some kinds do not occur, so that one look at a value spares the looks of many transformations at it.
type Marks uint16

const (
	markPercent Marks = 1 << iota // % and +
	markAmpersand
	markBackslash
	markNull
	markUpper
	markSpace    // whitespace but the space itself, 0xA0 of them
	markPlain    // the space itself
	markCommand  // " ' ^ , ;
	markSlash    // /
	markDot      // .
	markComment  // * - # <
	markHigh     // outside ASCII
	markAnything // any byte
)

// marks is a table of constants.
var marks = func() (t [256]Marks) {
	set := func(m Marks, s string) {
		for i := range len(s) {
			t[s[i]] |= m
		}
	}
	set(markPercent, "%+")
	set(markAmpersand, "&")
	set(markBackslash, `\`)
	set(markNull, "\x00")
	set(markUpper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	set(markSpace, "\t\n\v\f\r\xa0")
	set(markPlain, " ")
	set(markCommand, `"'^,;`)
	set(markSlash, "/")
	set(markDot, ".")
	set(markComment, "*-#<")
	for i := range t {
		t[i] |= markAnything
		if i >= 0x80 {
			t[i] |= markHigh
		}
	}
	return t
}()

// MarksOf are the marks of a value.
func MarksOf(value []byte) (m Marks) {
	for _, b := range value {
		m |= marks[b]
	}
	return m
}

// needs are the marks of which a value has at least one if a kind changes it. Kinds that are not here
// may change any value.
var needs = [kinds]Marks{
	CmdLine:                markBackslash | markCommand | markSpace | markPlain | markUpper,
	CompressWhitespace:     markSpace | markPlain,
	CSSDecode:              markBackslash,
	EscapeSeqDecode:        markBackslash,
	EscapeSeqDecodeSecLang: markBackslash,
	HTMLEntityDecode:       markAmpersand,
	JSDecode:               markBackslash,
	Lowercase:              markUpper,
	NormalizePath:          markSlash | markDot,
	NormalizePathWin:       markSlash | markDot | markBackslash,
	RemoveComments:         markSlash | markComment,
	RemoveCommentsChar:     markSlash | markComment,
	RemoveNulls:            markNull,
	RemoveWhitespace:       markSpace | markPlain,
	ReplaceComments:        markComment,
	ReplaceNulls:           markNull,
	URLDecode:              markPercent,
	URLDecodeUni:           markPercent,
	URLDecodeUniSecLang:    markPercent,
	UTF8ToUnicode:          markHigh,
}

// Needs are marks of which a value has at least one if the kind changes it.
func (k Kind) Needs() Marks {
	if k == None {
		return 0
	}
	if k < kinds && needs[k] != 0 {
		return needs[k]
	}
	return ^Marks(0)
}
