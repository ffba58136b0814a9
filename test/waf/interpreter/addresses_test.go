//go:build sandbox

package interpreter

import (
	"net/netip"
	"testing"

	"fastness/test/waf/verdict"
)

func TestClientsTellWhereAnAddressLeads(t *testing.T) {
	j, err := NewAddresses()
	judgeAll(t, j, err, []judged{
		{"https://shop.example/a?b=c", verdict.Neither},
		{"http://elsewhere.example:8080/", verdict.Neither},
		{"/latest/meta-data/", verdict.Neither},
		{"93.184.216.34", verdict.Neither},
		{"note: this is no address", verdict.Neither},
		{"http://wiki/", verdict.Possible},
		{"http://127.0.0.1/", verdict.Shown},
		{"127.0.0.1:22", verdict.Shown},
		{"http://2130706433/", verdict.Shown},
		{"http://0x7f.1/", verdict.Shown},
		{"http://0177.0.0.01", verdict.Shown},
		{"http://[::ffff:127.0.0.1]", verdict.Shown},
		{"http://①②⑦.⓪.⓪.①/", verdict.Shown},
		{"http%3A%2F%2F169.254.169.254%2F", verdict.Shown},
		{"//localhost/", verdict.Shown},
		{"@localhost/", verdict.Shown},
		{"http://127.0.0.1.nip.io/", verdict.Shown},
		{"http://7f000001.nip.io/", verdict.Shown},
		{"http://8.8.8.8.nip.io/", verdict.Neither},
		{"http://metadata.google.internal/", verdict.Shown},
		{"http://shop.example@10.1.2.3/", verdict.Shown},
		{`http://shop.example\@10.1.2.3/`, verdict.Shown},
		{"file:///etc/passwd", verdict.Shown},
		{"gopher://elsewhere.example:25/_a", verdict.Shown},
		{"dict://a:1/", verdict.Shown},
		{"javascript:alert(1)", verdict.Neither},
		{"mailto:anne@shop.example", verdict.Neither},
	})
}

func TestInnerAddresses(t *testing.T) {
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "10.0.0.1": true, "172.31.255.255": true, "172.32.0.1": false, "::1": true, "::": true, "::ffff:192.168.1.1": true, "64:ff9b::7f00:1": true, "2002:7f00:1::": true,
		"fe80::1%eth0": true, "8.8.8.8": false, "2606:4700::1": false, "::7f00:1": true, "100.100.100.200": true,
	} {
		if got := Inner(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v", ip, got)
		}
	}
}
