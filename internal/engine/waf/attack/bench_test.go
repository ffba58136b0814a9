package attack

import (
	"strings"
	"testing"
)

var ordinary = []string{
	"en-GB,en;q=0.5", "shoes", "42", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
	"I would like to order two of the blue ones, please; size 42. Thanks & regards, Ann O'Neill",
	"https://shop.example/products/12345?color=blue&size=42", "d41d8cd98f00b204e9800998ecf8427e", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
	`"Chromium";v="126", "Not.A/Brand";v="24"`, "GA1.2.1234567890.1700000000",
}

func BenchmarkOrdinaryValues(b *testing.B) {
	d, err := New()
	if err != nil {
		b.Fatal(err)
	}
	var s Scratch
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range ordinary {
			if d.Inspect([]byte(v), Query, &s, nil) != 0 {
				b.Fatalf("%q is an attack", v)
			}
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	d, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for name, v := range map[string]string{
		"a": strings.Repeat("a", 8192), "quotes": strings.Repeat("'\"", 4096), "select": strings.Repeat("select * from (", 546), "percent": strings.Repeat("%25", 2730), "tags": strings.Repeat("<a b=c ", 1170), "dots": strings.Repeat("../", 2730),
		"prose": strings.Repeat("and or select union the script on exec ", 210),
	} {
		b.Run(name, func(b *testing.B) {
			var s Scratch
			b.ReportAllocs()
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				d.Inspect([]byte(v), Query, &s, nil)
			}
		})
	}
}
