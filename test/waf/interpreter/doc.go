// Package interpreter asks those who would carry out an attack whether a value is one, for the classes of package corpus that neither a
// browser (package browser) nor a database (package injection) carries out. Each judge is the real interpreter of what such values are
// aimed at, and knows nothing of the firewall's rules: a value is put where a careless application puts it, decoded as
// applications decode, and what the interpreter then does is compared with what it does with a harmless value.
//
//   - [NewHeaders]: Go's, Python's and Node's readers of messages tell whether there is a field, a body or a message more.
//   - [NewCommands]: dash and Bash run the lines of careless applications, with harmless programs under the names of all others.
//   - [NewAddresses]: Node, Python, PHP and curl tell which host an address leads to.
//   - [NewPaths]: Python and PHP open files below a directory; a real tree tells whether one outside was opened.
//   - [NewTemplates]: engines of templates and expressions tell whether something is evaluated.
//   - [NewCode]: PHP, Python, Node, Ruby and Perl parse code, and tell whether it calls anything.
//   - [NewDocuments]: readers of JSON, JavaScript and queries tell whether an operator of MongoDB gets into a document, Node what $where answers.
//   - [NewFilters]: libldap reads filters of LDAP, libxml2 evaluates XPath.
//   - [NewIncludes]: nginx tells whether a page has a server-side include.
//   - [NewEntities]: libxml2 and expat tell whether a document declares or loads an entity.
//
// All but Go's own run in a box (package sandbox), each judge in one of its own: the values are run. The verdicts are those of package verdict. *Shown* is what had an effect that is
// seen from outside (a file read, another answer), *carried out* what was done, *possible* what would be done if there were a program, a
// variable or a file of a name that there is none of here, and *neither* the rest. The verdict on a value is the strongest of all its
// readings at all places, and always the same.
//
// A judge needs its interpreters. Each constructor names the packages of Debian or npm that are missing, and fails: none is left out silently.
package interpreter
