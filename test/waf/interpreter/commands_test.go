//go:build sandbox

package interpreter

import (
	"slices"
	"testing"

	"fastness/test/waf/verdict"
)

func TestShellsTellWhatStartsACommand(t *testing.T) {
	j, err := NewCommands()
	judgeAll(t, j, err, []judged{
		{"shoes", verdict.Neither},
		{"rock 'n' roll", verdict.Neither},
		{"a lamp, 30 cm", verdict.Neither},
		{"50% off (today)", verdict.Neither},
		{`C:\Users\anne`, verdict.Neither},
		{"$HOME", verdict.Neither},
		{"Tom & Jerry", verdict.Possible},
		{"; true", verdict.Possible},
		{"a;id", verdict.Active},
		{"a%3Bid", verdict.Active},
		{"a%0aid", verdict.Active},
		{"$(whoami)", verdict.Active},
		{"`uname -a`", verdict.Active},
		{"'; cat /etc/passwd #", verdict.Active},
		{`"|ls "`, verdict.Active},
		{"x' ; id ; '", verdict.Active},
		{"a || ping -c 5 127.0.0.1", verdict.Active},
		{";{cat,/etc/passwd}", verdict.Active},
		{"a;c\\at$IFS/etc/passwd", verdict.Active},
		{"a;/???/c?t /etc/passwd", verdict.Active},
		{"; echo hello", verdict.Active},
		{";echo a >/tmp/x", verdict.Active},
		{"cat /etc/passwd", verdict.Active},
		{"| dir c:\\", verdict.Active},
		{"x >/tmp/y", verdict.Active},
		{"<(id)", verdict.Active},
		{"a; exec 2>/dev/null; sleep 1000", verdict.Active},
		{"a;kill -9 -1", verdict.Active},
		{"a; while true; do :; done", verdict.Active},
		{"exec 5<>/dev/tcp/192.0.2.1/80", verdict.Active},
		{"END\nid\nEND", verdict.Active},
		{"&&p^i^n^g 127.0.0.1", verdict.Possible},
	})
}

func TestLinesOfWindows(t *testing.T) {
	for _, c := range []judged{
		{"a & ipconfig", verdict.Possible}, {"a|WhoAmI.exe", verdict.Possible}, {"a%26dir", verdict.Possible}, {`" & net user`, verdict.Possible}, {`type C:\boot.ini`, verdict.Possible},
		{"p^ing & p^i^ng -n 5", verdict.Possible}, {`&C:\Windows\System32\cmd.exe /c`, verdict.Possible},
		{"Tom & Jerry", verdict.Neither}, {"dir", verdict.Neither}, {"AT&T", verdict.Neither}, {"type of shoe", verdict.Neither},
	} {
		if v, why := windows(c.value); v != c.want {
			t.Errorf("%q: %s %s", c.value, v, why)
		}
	}
	if got := cmdCommands(`a "b & c" ^& d && e|f`, false); !slices.Equal(got, []string{`a "b & c" & d `, "", " e", "f"}) {
		t.Errorf("%q", got)
	}
}
