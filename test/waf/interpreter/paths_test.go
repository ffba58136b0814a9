//go:build sandbox

package interpreter

import (
	"slices"
	"testing"

	"fastness/test/waf/verdict"
)

func TestOpenersTellWhatIsOutside(t *testing.T) {
	j, err := NewPaths()
	judgeAll(t, j, err, []judged{
		{"home.html", verdict.Neither},
		{"img/../home.html", verdict.Neither},
		{"a...b", verdict.Neither},
		{"C# and F#", verdict.Neither},
		{"https: what is it", verdict.Neither},
		{"/search", verdict.Possible},
		{"etc/passwd", verdict.Possible},
		{"../../../../etc/passwd", verdict.Shown},
		{"../../../../../../../../etc/passwd", verdict.Shown},
		{"..%2f..%2f..%2f..%2fetc%2fpasswd", verdict.Shown},
		{"..%252f..%252f..%252f..%252fetc%252fpasswd", verdict.Shown},
		{"..%c0%af..%c0%af..%c0%af..%c0%afetc%c0%afpasswd", verdict.Shown},
		{"%uff0e%uff0e%u2215..%u2215..%u2215..%u2215etc/passwd", verdict.Shown},
		{"....//....//....//....//etc/passwd", verdict.Shown},
		{"..;/..;/..;/..;/etc/passwd", verdict.Shown},
		{"../../../../etc/passwd%00.html", verdict.Shown},
		{`..\..\..\..\windows\win.ini`, verdict.Shown},
		{`C:\boot.ini`, verdict.Shown},
		{"/etc/passwd", verdict.Shown},
		{"/etc/unheard-of", verdict.Active},
		{"../secret", verdict.Active},
		{"../../secret", verdict.Active},
		{"config", verdict.Neither},
		{"../config", verdict.Shown}, // of PHP, which adds .php
		{"php://filter/convert.base64-encode/resource=index", verdict.Shown},
		{"data:text/plain,<?php echo 1 ?>", verdict.Shown},
		{"expect://id", verdict.Shown},
		{"http://elsewhere.example/shell.txt?", verdict.Possible},
		{"file:///etc/passwd", verdict.Shown},
		{"javascript:alert(1)", verdict.Neither},
	})
}

func TestReadingsOfPaths(t *testing.T) {
	for v, want := range map[string]string{"%2e%2e%c0%af": "../", "%252e": ".", "a%00b": "a", "..;x=1/": "../", "....//": "../", "%uff0e": ".", `....\\`: `..\`} {
		if got := pathReadings(v); !slices.Contains(got, want) {
			t.Errorf("%q: %q", v, got)
		}
	}
}
