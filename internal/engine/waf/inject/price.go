package inject

// What libinjection costs for a value depends on what the value is made of: text that it has nothing to say about takes a nanosecond or two a byte,
// and signs that each are a token, or begin a tag or an attribute, some hundred times as much. A value has a price before it is read, so that
// a long text can be, and what was made to be slow can not. Prices are the most that was measured, in steps of package pattern.

// tokenPrice is that of a token of SQL: it is found, looked up, and folded with those before it.
const tokenPrice = 70

// markPrice is that of a byte that ends or begins something in markup, which is read five times: as text, and as the value of an attribute of
// four kinds.
const markPrice = 60

// sqlPrice is what the library takes for a value as SQL, in steps.
func sqlPrice(value []byte) int {
	tokens := 2
	inside := false
	for _, c := range value {
		switch sqlClasses[c] {
		case sqlWord, sqlDigit:
			if !inside {
				tokens++
			}
			inside = true
		case sqlSpace:
			inside = false
		default:
			tokens++
			inside = false
		}
	}
	return len(value) + tokenPrice*tokens
}

// markupPrice is what it takes for a value as markup.
func markupPrice(value []byte) int {
	marks := 2
	for _, c := range value {
		if isMark[c] {
			marks++
		}
	}
	return 2*len(value) + markPrice*marks
}

// isMark is a table of constants.
var isMark = func() (t [256]bool) {
	for _, c := range []byte("<>/='\"`!?%& \t\n\v\f\r\x00") {
		t[c] = true
	}
	return
}()
