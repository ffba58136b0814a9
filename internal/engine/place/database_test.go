package place

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func embedded(t testing.TB) *Database {
	t.Helper()
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Addresses of organizations that are where they say they are, and AS numbers that their
// networks have had for decades.
func TestEmbeddedTablesKnowWellKnownAddresses(t *testing.T) {
	d := embedded(t)
	for _, c := range []struct {
		addr, country string
		asn           uint32
	}{
		{"8.8.8.8", "US", 15169},      // Google
		{"1.1.1.1", "AU", 13335},      // APNIC's, announced by Cloudflare
		{"193.0.6.139", "NL", 3333},   // RIPE NCC
		{"200.160.2.3", "BR", 22548},  // NIC.br
		{"196.216.2.6", "ZA", 33764},  // AFRINIC
		{"133.11.0.1", "JP", 2501},    // University of Tokyo
		{"128.30.52.100", "US", 3},    // MIT
		{"129.132.19.216", "CH", 559}, // ETH Zurich
		{"131.188.1.1", "DE", 680},    // Erlangen's university, DFN
		{"2001:4860:4860::8888", "US", 15169},
		{"2001:67c:2e8:22::c100:68b", "NL", 3333},
		{"2001:240::1", "JP", 2497}, // IIJ
		{"::ffff:8.8.8.8", "US", 15169},
		{"10.1.2.3", "", 0},
		{"127.0.0.1", "", 0},
		{"fe80::1", "", 0},
		{"::1", "", 0},
		{"224.0.0.1", "", 0},
	} {
		a := addr(c.addr)
		if country, asn := d.Country(a), d.ASN(a); country != c.country || asn != c.asn {
			t.Errorf("%s is in %q and AS%d, want %q and AS%d", c.addr, country, asn, c.country, c.asn)
		}
		if region := d.Region(a); region != "" {
			t.Errorf("%s is in the region %q", c.addr, region)
		}
	}
	for _, n := range d.Countries.t.names[1:] {
		if len(n) != 2 || strings.ToUpper(n) != n {
			t.Errorf("%q is no country", n)
		}
	}
	if n := len(d.Countries.t.names); n < 200 {
		t.Errorf("only %d countries", n)
	}
	if Notice == "" || !strings.Contains(Notice, "DB-IP") || !strings.Contains(Notice, "Route Views") {
		t.Error("the notice does not name its sources")
	}
}

func TestEmbeddedTablesStaySmall(t *testing.T) {
	if n := len(packedCountries) + len(packedASNs); n > 5<<20 {
		t.Errorf("the packed tables have %d bytes", n)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	d := embedded(t)
	four, six := addr("8.8.8.8"), addr("2001:4860:4860::8888")
	if n := testing.AllocsPerRun(100, func() {
		d.Country(four)
		d.Region(four)
		d.ASN(four)
		d.Country(six)
		d.ASN(six)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReadASNRanges(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	asns, err := ReadASNRanges(
		write("4", "1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n1.0.0.128,1.0.0.200,1,inside\n1.0.0.192,1.0.1.3,2,overlaps\n1.0.4.0,1.0.7.255,38803,Gtelecom Pty Ltd\n"),
		write("6", "2001:200::,2001:200:1b9:ffff:ffff:ffff:ffff:ffff,2500,WIDE Project\n"))
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]uint32{"1.0.0.7": 13335, "1.0.0.130": 13335, "1.0.0.200": 13335, "1.0.1.0": 2, "1.0.1.4": 0, "1.0.5.0": 38803, "2001:200::1": 2500, "2001:201::": 0} {
		if got := asns.ASN(addr(a)); got != want {
			t.Errorf("%s is in AS%d, want %d", a, got, want)
		}
	}
	for _, text := range []string{"1.0.0.0,1.0.0.255\n", "x,1.0.0.255,1\n", "1.0.0.0,x,1\n", "1.0.0.0,1.0.0.255,x\n", "1.0.0.5,1.0.0.0,1\n"} {
		if _, err := ReadASNRanges(write("bad", text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, err := ReadASNRanges(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing file is read")
	}
}

func BenchmarkLookup(b *testing.B) {
	d := embedded(b)
	// Addresses far apart, so that no lookup finds what the one before left in a cache.
	var four, six [1024]netip.Addr
	x := uint32(1)
	for i := range four {
		x = x*1664525 + 1013904223
		four[i] = addr4(x)
		six[i] = netip.AddrFrom16([16]byte{0x2a, byte(x >> 24), byte(x >> 16), byte(x >> 8), byte(x)})
	}
	for _, c := range []struct {
		name  string
		addrs *[1024]netip.Addr
	}{{"IPv4", &four}, {"IPv6", &six}} {
		b.Run("country/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d.Country(c.addrs[i&1023])
				i++
			}
		})
		b.Run("ASN/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d.ASN(c.addrs[i&1023])
				i++
			}
		})
	}
}

func BenchmarkEmbedded(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		embedded(b)
	}
}
