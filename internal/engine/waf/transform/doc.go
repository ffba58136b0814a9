// Package transform has the text transformations of the web application firewall: what
// AWS WAF calls a TextTransformation and SecLang calls t:name. They undo the encodings
// that attackers hide behind, so that a rule has one spelling to look for.
//
// There is one function, Append. It has no state, allocates nothing but room in dst, never
// fails, takes time linear in its input, and says when it changed nothing, in which case
// nothing was written and the caller goes on with what it has. Most values of most requests
// are left alone by most transformations, so each of them first looks for the bytes that
// could make it do something.
//
// Two dialects share the code. AWS's names are those of TextTransformationType, including
// the ten that the live documentation has and older models lack; SecLang's are those that
// ModSecurity and Coraza know. Both took most of theirs from ModSecurity's reference manual
// and agree; where they do not, there are two kinds:
//
//	                  AWS                                    SecLang
//	escape sequences  an unknown escape stays                loses its backslash
//	URL decode uni    %uHHHH is its lower byte, full-width   is first looked up in the best-fit
//	                  forms are folded                       table of code page 20127
//	base64 decode     a value that is not base64 stays       is decoded up to there
//	hex decode        a value that is not hex stays          is decoded in pairs, whatever they are
//
// Hashes are raw bytes in both (AWS: "The computed hash is in a raw binary form").
//
//	kind.go        the kinds and their names
//	append.go      Append, chains
//	bytes.go       which bytes mean something to whom
//	url.go html.go js.go css.go escape.go base64.go hex.go unicode.go   decoders
//	path.go cmdline.go comments.go space.go letters.go nulls.go         normal forms
//	digest.go      hashes, length
//	bestfit.go     code page 20127
package transform
