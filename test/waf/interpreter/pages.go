package interpreter

import _ "embed"

//go:embed includes.py
var includesPython string

//go:embed entities.py
var entitiesPython string

// NewIncludes makes the judge of server-side includes: nginx tells whether it takes anything in a page for a directive. Its directives are Apache's, but that it has no exec, fsize, flastmod and
// printenv of its own: these it names as directives that it does not have. Edge-side includes are possible by their elements' names (W3C's note of 2001).
func NewIncludes() (Judge, error) {
	if err := need(python, part{"nginx", []string{"/usr/sbin/nginx"}}); err != nil {
		return nil, err
	}
	return newAsker(map[string]string{"/judge/includes.py": includesPython, "/etc/passwd": systemFiles["/etc/passwd"], "/etc/group": "root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\n"}, nil, []string{`<!--#echo var="DATE_LOCAL" -->`, `<!--#exec cmd="id" -->`}, []string{"/usr/bin/python3", "-I", "/judge/includes.py"})
}

// NewEntities makes the judge of documents of XML: libxml2 and expat tell whether one loads a file or a document type, includes another document, or declares entities.
func NewEntities() (Judge, error) {
	if err := need(python, part{"python3-lxml", []string{"/usr/lib/python3/dist-packages/lxml"}}); err != nil {
		return nil, err
	}
	return newAsker(map[string]string{"/judge/entities.py": entitiesPython, "/etc/passwd": systemFiles["/etc/passwd"]}, nil, []string{`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`}, []string{"/usr/bin/python3", "/judge/entities.py"})
}
