// Package seclang runs rules written in SecLang, the language of ModSecurity and Coraza, as far as
// the OWASP Core Rule Set (version 4) needs it: the phases of the request, without those of the
// response.
//
//	sources, options, err := seclang.CoreRuleSet(fsys, seclang.Config{Paranoia: 1})
//	program, err := seclang.Compile(sources, options)
//	scratch := seclang.NewScratch(request.DefaultLimits())
//	result := program.Evaluate(r, scratch)   // result.Blocked, result.Score, result.Matches
//
// What is not supported (operators, variables, actions, expressions that need backtracking) is
// refused by Compile with the file and line; nothing is skipped silently.
//
// # How a request is evaluated
//
// An interpreter that runs rule after rule over value after value spends nearly all its time on
// finding out that nothing matches. Here the question is turned round. Every value of a request
// belongs to a class: the values of the query's arguments, the header field User-Agent, the names of
// cookies. For each class it is known at compile time which conditions of which rules look at
// it, behind which chains of transformations. A value is transformed once for each distinct chain
// (chains that begin alike share their beginnings, and most leave most values as they are), each
// distinct form runs once through one automaton for all expressions and phrases of all rules
// (package pattern), and what comes of it is a list of conditions that hold: empty for nearly all
// values. That list is kept in a bounded memo under the class and the exact bytes, so that the user
// agent and the names that come with every request are looked at once.
//
// Before all that, one automaton tells of most values of arguments and cookies, which are ordinary text, that no condition of any class
// holds for them (screen.go): it looks for what all conditions look for behind all chains, in one pass over the value as it
// came. A body of JSON of which nothing else is asked is gone over with it once, and not taken apart (survey.go).
//
// Then the rules of a phase are walked in their order, but only those of which a first condition
// holds for some value, and those that depend on more than values (counts, variables that rules set).
// Only these are interpreted, with chains, captures, variables and scores as SecLang
// has them.
//
// Every request has values for which the first conditions of some rules hold, which then ask for something that ordinary requests do not have. Most of these
// rules are not run either. Where a later condition is on single values too, and holds for none, nothing can come of the rule (needs.go). Where a rule notes each
// value under a name of its own and asks about what it has noted, its first condition is narrowed to those values for which the second one holds (narrow.go). And how
// many values of a name there are is counted while they are added (count.go, names.go).
//
// Rules that nothing but settings decide are decided by Compile (fold.go): the twenty rules that
// give settings their defaults, and the rules that skip what is above the paranoia level, with all
// that they skip.
//
// # Differences from ModSecurity and Coraza
//
// A rule that is removed by ctl:ruleRemoveById and its kin is not run, but if Compile decided that it
// skips others, these stay skipped. The numbered variables TX:0 to TX:9 are set where a later
// condition or an action of the same rule uses them. Persistent collections (initcol) are not
// kept: rules of the Core Rule Set do not need them. Expressions match bytes, not characters of
// UTF-8. Names of arguments, cookies and header fields are compared without regard to case.
//
// All costs are bounded and linear in the request. At steady state an ordinary request allocates
// nothing.
//
//	crs.go                                      the files of a Core Rule Set
//	directive.go rule.go action.go              the language: directives, rules, what they do
//	variable.go macro.go operator.go            what they look at, texts with variables, what they ask
//	compile.go fold.go resolve.go class.go      from the rules to the program
//	screen.go survey.go                         what most values are told by
//	needs.go narrow.go count.go names.go        what most rules are told by that come to nothing
//	program.go                                  the program
//	evaluate.go collect.go tx.go memo.go        one request
package seclang
