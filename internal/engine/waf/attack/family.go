package attack

import "strings"

// Family is a kind of attack, by the interpreter that it aims at.
type Family uint8

// The families.
const (
	SQL       Family = iota // a database
	NoSQL                   // a document database
	Directory               // LDAP and XPath
	Script                  // a browser: cross-site scripting
	Traversal               // the file system: paths that leave their place, files that no one asks for
	Shell                   // a Unix shell
	Windows                 // cmd.exe
	PowerShell
	PHP
	Java      // Java and its expression languages: OGNL, SpEL, JNDI, serialized objects
	Template  // template engines
	XML       // external entities
	Include   // server-side includes, remote files
	Fetch     // the server as a client: metadata services, odd schemes
	Header    // response headers, mail headers
	Prototype // JavaScript's object prototypes
	Families  // how many there are
)

var familyNames = [Families]string{
	"sql", "nosql", "directory", "script", "traversal", "shell", "windows", "powershell", "php", "java", "template", "xml", "include", "fetch", "header", "prototype",
}

func (f Family) String() string {
	if f < Families {
		return familyNames[f]
	}
	return "?"
}

// ParseFamily gives the family of a name.
func ParseFamily(s string) (Family, bool) {
	for i, n := range familyNames {
		if n == s {
			return Family(i), true
		}
	}
	return 0, false
}

// Set is a set of families.
type Set uint32

// Of makes a set.
func Of(families ...Family) Set {
	var s Set
	for _, f := range families {
		s |= 1 << f
	}
	return s
}

// Has tells whether f is in s.
func (s Set) Has(f Family) bool { return s>>f&1 != 0 }

func (s Set) String() string {
	var names []string
	for f := range Families {
		if s.Has(f) {
			names = append(names, f.String())
		}
	}
	return strings.Join(names, ",")
}
