// Package attack tells whether a value that somebody sent is an attack, and on what.
//
// A [Detector] is asked about one value at a time: a query argument, a form's field, a leaf of JSON, a
// cookie, a path. It answers with the families of attacks ([Set]) that the value is one of.
//
// # How it decides
//
// A value is read in every way in which an application might read it (variants.go): as it is, and as
// what it decodes to: percent escapes, character references, escapes of JavaScript and C, base64,
// hexadecimal, UTF-7, one inside another up to four deep, and what it has inside: base64 in a longer value, the strings of
// a document of JSON or GraphQL (embedded.go), the first and the last line of a text, which count as if they stood alone. Bounds on depth, number and bytes hold whatever the value is.
//
// The value of a header field is read by the grammar that fields have (fieldvalue.go). Signs that stand in lists, sealed data and
// places of elements by chance count for nothing there (shapes.go).
//
// Each reading is brought into the forms (forms.go) in which an interpreter would take it: SQL without
// comments, markup without the control characters that browsers skip, a shell's line without quotes and empty
// expansions, a path with one kind of slash.
//
// The rules (the files rules/*.rules) are regular expressions on one form, all of a form matched at once
// (package pattern). A rule that fires adds its score to its family; five make an attack
// ([Threshold]). Most rules are enough alone; weak ones need another. Rules have a lower score in prose
// (prose.go): a sentence about a statement is not one, and the difference between "the union selects its
// members" and "1 union select 1,2" is in the words around. They have the same lower score in what
// editors of rich text make (richtext.go). libinjection's opinion counts as a weak
// rule: alone it takes much ordinary text for SQL.
//
// SQL injection is also told by no expression: what follows the end of a literal and goes on with a statement to its
// end (sqljudge.go, sqlparse.go) is one. Databases confirm what is found so (test/waf/injection).
//
// So are some others: an address is read as those who follow it read it (address.go), what goes on with an expression of
// XPath by its grammar (xpathjudge.go), and a serialized object by how it is built, raw, encoded or packed (serial.go).
//
// Most values are ordinary text that reads in one way only and has one form: that no rule matches such a one is told
// before any of this, by one automaton of all rules ([Detector.Clear], screen.go).
//
// # The rules
//
// Each rule carries samples that it has to match and samples that it must not; the tests hold it to
// them. The expressions are written for the forms: lower case, single spaces.
//
// What rules are worth is measured on published collections (test/waf/recall), of which half is never
// looked into while rules are written.
package attack
