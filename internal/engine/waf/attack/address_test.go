package attack

import (
	"net/netip"
	"testing"
)

func TestAddressesAreReadAsThoseWhoFollowThemDo(t *testing.T) {
	for v, want := range map[string]addressKind{
		// To the machine itself and its neighbours, as Node's URL, curl, Python's urlsplit with inet_aton or PHP's parse_url say.
		"http://127.000177.0x7f7f:/":                    hiddenHost,
		"http:\t//x:y@0x7f.1/":                          hiddenHost,
		"\\\\0251.0x0fe.000251.254./x":                  hiddenHost,
		"https://169.0xfeaa02#x":                        hiddenHost,
		"http:////2130706433#x":                         hiddenHost,
		"http://1%32%37.%30%2e0.1":                      hiddenHost,
		"http://🯱🯲🯷.🯰.🯰.🯱/":                             hiddenHost,
		"ws://12𝟽．0．𝟶．1:22/x.png":                       hiddenHost,
		"http://[2002:7f7f:7f7f::]:22":                  hiddenHost,
		"http://[::ffff:7f00:1]/":                       hiddenHost,
		"http://[64:ff9b::169.254.169.254]/":            hiddenHost,
		"http://[fe80::1%25eth0]/":                      hiddenHost,
		"http://example.com\\@0:22/":                    hiddenHost,
		"http://localhos%74/":                           hiddenHost,
		"http://lo\tcalhost:8000/?":                     hiddenHost,
		"http://3232235777/":                            hiddenHost, // 192.168.1.1
		"/\\shop.example@evil.example":                  hiddenRedirect,
		"https:evil.example":                            hiddenRedirect,
		"\x01https://evil.example/":                     hiddenRedirect,
		"https://ⓔvil.example/":                         hiddenRedirect,
		"/%2fevil.example":                              hiddenRedirect,
		"https:/evil.example/":                          slippedRedirect,
		"https://shop.example/a?b=c#d":                  ordinaryAddress,
		"https://ann@git.example/ann/shop.git":          ordinaryAddress,
		"https://8.8.8.8/dns-query":                     ordinaryAddress,
		"http://[2001:db8::1]/":                         ordinaryAddress,
		"http://localhost:3000/callback":                ordinaryAddress,
		"//cdn.example/x.js":                            ordinaryAddress,
		"/a/b//c":                                       ordinaryAddress,
		"http://пример.example/":                        ordinaryAddress,
		"http:80":                                       ordinaryAddress,
		"//1.5 is half of three":                        ordinaryAddress,
		"http://10.example/":                            ordinaryAddress,
		"":                                              ordinaryAddress,
		"http://":                                       ordinaryAddress,
		"C:\\Users\\ann":                                ordinaryAddress,
		"https://shop.example/login?mail=ann@127.0.0.1": ordinaryAddress,
	} {
		if got, _ := readAddress([]byte(v)); got != want {
			t.Errorf("%q: %d, want %d", v, got, want)
		}
	}
}

func TestNumbersOfAddressesAreThoseOfInetAton(t *testing.T) {
	for v, want := range map[string]string{ // as glibc's inet_aton says
		"127.1": "127.0.0.1", "0x7f000001": "127.0.0.1", "017700000001": "127.0.0.1", "1": "0.0.0.1", "1.2.3": "1.2.0.3", "0300.0250.257": "192.168.1.1", "255.255.255.255": "255.255.255.255",
		"256.1.1.1": "", "1.2.3.4.5": "", "1..2": "", "08": "", "0x100000000": "", "1.16777216": "", "1.2.65536": "",
	} {
		a, _, is := parseIPv4(v)
		if is != (want != "") || is && a != netip.MustParseAddr(want) {
			t.Errorf("%s: %v, %v", v, a, is)
		}
	}
}

func FuzzReadAddress(f *testing.F) {
	for _, s := range []string{"http://0x7f.1/", "\\\\[::1]", "http://①②⑦.⓪.⓪.①", "//a@b@c:80", "https:\t/%2fevil.example"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { readAddress(b) })
}
