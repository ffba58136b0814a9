package interpreter

import _ "embed"

//go:embed documents.js
var documentsNode string

//go:embed filters.py
var filtersPython string

// NewDocuments makes the judge of operators of MongoDB: the readers of JSON, of JavaScript and of queries (qs) tell whether a value becomes an object with an operator in place of a
// text, and Node whether what stands in $where answers otherwise.
func NewDocuments() (Judge, error) {
	if err := need(node, part{"node-qs", []string{"/usr/share/nodejs/qs"}}); err != nil {
		return nil, err
	}
	return newAsker(map[string]string{"/judge/documents.js": documentsNode}, nil, []string{`{"$gt": ""}`, "[$ne]=1", "' || '1'=='1"}, []string{"/usr/bin/node", "/judge/documents.js"})
}

// NewFilters makes the judge of filters of LDAP and of expressions of XPath: libldap tells whether a filter is one, and its items are counted; libxml2 evaluates.
func NewFilters() (Judge, error) {
	if err := need(python, part{"python3-ldap", []string{"/usr/lib/python3/dist-packages/ldap"}}, part{"python3-lxml", []string{"/usr/lib/python3/dist-packages/lxml"}}); err != nil {
		return nil, err
	}
	return newAsker(map[string]string{"/judge/filters.py": filtersPython}, nil, []string{"*)(uid=*", "' or '1'='1"}, []string{"/usr/bin/python3", "/judge/filters.py"})
}
