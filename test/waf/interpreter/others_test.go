//go:build sandbox

package interpreter

import (
	"testing"

	"fastness/test/waf/verdict"
)

func TestParsersTellWhatCalls(t *testing.T) {
	j, err := newCode() // Ruby is not needed for tests
	judgeAll(t, j, err, []judged{
		{"shoes", verdict.Neither},
		{"rock 'n' roll", verdict.Neither},
		{"a + b", verdict.Neither},
		{"a - 1", verdict.Neither},
		{"'a', 'b'", verdict.Neither},
		{"today (maybe)", verdict.Possible},
		{"phpinfo()", verdict.Active},
		{"');system('id');//", verdict.Active},
		{"${@print(md5(1))}", verdict.Active},
		{"<?php eval($_POST[1]);", verdict.Active},
		{"__import__('os').system('id')", verdict.Active},
		{"require('child_process').exec('id')", verdict.Active},
		{"res.end('x')", verdict.Active},
		{"`id`", verdict.Active},
		{"while(1);", verdict.Active},
	})
}

func TestNginxTellsWhatIsADirective(t *testing.T) {
	j, err := NewIncludes()
	judgeAll(t, j, err, []judged{
		{"<b>bold</b>", verdict.Neither},
		{"<!-- a comment -->", verdict.Neither},
		{"<!--#a remark", verdict.Possible},
		{`<!--#exec cmd="id" -->`, verdict.Active},
		{`<!--#include virtual="/etc/passwd"-->`, verdict.Active},
		{"%3C!--%23echo%20var=%22DOCUMENT_ROOT%22%20--%3E", verdict.Active},
		{`<esi:include src="http://elsewhere.example/"/>`, verdict.Possible},
	})
}
