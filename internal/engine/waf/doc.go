// Package waf decides what happens to a web request: it compiles a web ACL, a list of rules
// in the order of their priorities, into an immutable [Program], and [Program.Evaluate] runs
// a request through it and gives a [Verdict].
//
// # Specification and program
//
// [ACL], [Rule], [Statement] and [Action] are plain data. They marshal to JSON, can be stored,
// sent to another host, replayed and compared, and know nothing of any API. What rules refer to
// by name, sets of addresses and of regular expressions and groups of rules, is in [Sets], so
// that ten thousand addresses are written once however many rules use them. The program is
// never serialized: everybody who enforces an ACL compiles it.
//
// # What a program shares
//
// Rules look at components of the request (package request), after a chain of transformations
// (package transform), for patterns (package pattern) and for injections (package inject). Each
// distinct pair of a component and a chain is a node; the nodes of a component are a tree, whose
// branches apply one transformation each. What a node makes of a value is made at most once for a
// request, and only when a rule that is reached asks for it. A form that several chains lead to,
// and most values are left alone by most transformations, is one.
//
// All patterns of an ACL are one automaton, and a form passes through it once, for everything
// that any rule looks for in its component. What came of a value, in all its forms, is kept in a
// bounded memo under its exact bytes, so that the user agent and the cookies that come with
// every request are looked at once. Clients also send whole requests again. Which rules of the ACL came to nothing for
// a request is remembered under its exact bytes, and they are not run when it comes again, unless
// more than the request decides them: rate-based rules and groups with an observer are always run.
//
// Rules that cannot match before one of a few patterns does form blocks: a request that nothing
// matches passes over a thousand rules by a look at the bits of some nodes.
//
// # Semantics
//
// They are those that AWS documents for AWS WAF:
//
//   - A component that the request does not have does not match; NOT of it matches.
//   - Where a statement reads the client's address from a header that is absent, its rule is
//     not applied at all; where the header holds no address, the fallback decides.
//   - Count, and CAPTCHA and Challenge for a client with a valid token, do not end the
//     evaluation; everything else does.
//   - Labels of a rule that matched stay, whatever its action. A country statement labels every
//     request that it inspects.
//
// # Bounds
//
// Every cost is linear in the bytes inspected. At steady state the evaluation of a request that
// nothing matches allocates nothing. A panic below Evaluate comes back as a [PanicError]; the
// caller decides whether to fail open or closed.
//
// # Where to look
//
//	acl.go action.go statement.go sets.go      the specification
//	token.go verdict.go                        what the engine asks and answers
//	compile.go expression.go block.go          from the specification to the program
//	evaluate.go scratch.go                     one request
//	node.go injection.go memo.go               values, what is found in them, what is remembered
//	repeat.go                                  requests that came before
//	label.go address.go country.go ratebased.go
//	explain.go                                 what each rule found where
package waf
