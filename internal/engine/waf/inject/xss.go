package inject

import libinjection "github.com/corazawaf/libinjection-go"

// XSS tells whether value is cross-site scripting.
func XSS(value []byte, b *Budget) Verdict {
	if !maybeMarkup(value) {
		return Clean
	}
	if !b.spend(markupPrice(value)) {
		return Exhausted
	}
	if libinjection.IsXSS(text(value)) {
		return Found
	}
	return Clean
}
