package interpreter

import _ "embed"

//go:embed code.php
var codePHP string

//go:embed code.py
var codePython string

//go:embed code.js
var codeNode string

//go:embed code.rb
var codeRuby string

// NewCode makes the judge of code: the parsers of PHP, Python and Perl, Node, and Ruby tell whether a value, as a statement, as an expression, or out of a
// string that it stands in, calls something. Nothing is run, but what Perl runs while it compiles.
func NewCode() (Judge, error) {
	if err := need(ruby); err != nil {
		return nil, err
	}
	return newCode([]string{"/usr/bin/ruby", "/judge/code.rb"})
}

// newCode makes the judge of code with all parsers but Ruby's, and with others.
func newCode(others ...[]string) (Judge, error) {
	if err := need(python, node, phpCLI, perl); err != nil {
		return nil, err
	}
	lines := append([][]string{{"/usr/bin/php", "-d", "display_errors=0", "/judge/code.php"}, {"/usr/bin/python3", "-I", "/judge/code.py"}, {"/usr/bin/node", "--expose-internals", "/judge/code.js"}}, others...)
	return newAsker(map[string]string{"/judge/code.php": codePHP, "/judge/code.py": codePython, "/judge/code.js": codeNode, "/judge/code.rb": codeRuby},
		map[string]string{"/etc/php": "/etc/php"}, []string{"phpinfo()", "__import__('os').system('id')", "require('child_process').exec('id')", "`id`"}, lines...)
}
