package place

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mmdb writes a MaxMind database file (https://maxmind.github.io/MaxMind-DB/) of a few
// networks, enough to read one like those that are sold.
type mmdb struct {
	nodes [][2]int // a node's number, -1 for nothing, or -2-offset of data
	data  []byte
}

func newMMDB() *mmdb { return &mmdb{nodes: [][2]int{{-1, -1}}} }

func (m *mmdb) add(prefix string, value any) {
	p := netip.MustParsePrefix(prefix)
	bits, ip := p.Bits(), p.Addr().As16()
	if p.Addr().Is4() { // IPv4 is in ::/96
		four := p.Addr().As4()
		ip = [16]byte{}
		copy(ip[12:], four[:])
		bits += 96
	}
	offset := len(m.data)
	m.data = appendMMDB(m.data, value)
	node := 0
	for i := range bits {
		bit := int(ip[i/8] >> (7 - i%8) & 1)
		if i == bits-1 {
			m.nodes[node][bit] = -2 - offset
			return
		}
		next := m.nodes[node][bit]
		if next < 0 {
			next = len(m.nodes)
			m.nodes = append(m.nodes, [2]int{-1, -1})
			m.nodes[node][bit] = next
		}
		node = next
	}
}

func (m *mmdb) write(t *testing.T, kind string) string {
	t.Helper()
	var out []byte
	for _, n := range m.nodes {
		for _, r := range n {
			v := r
			switch {
			case r == -1:
				v = len(m.nodes)
			case r < -1:
				v = len(m.nodes) + 16 + (-2 - r)
			}
			out = append(out, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, m.data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	out = appendMMDB(out, map[string]any{
		"node_count": uint32(len(m.nodes)), "record_size": uint16(24), "ip_version": uint16(6), "database_type": kind,
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1),
		"languages": []any{}, "description": map[string]any{},
	})
	file := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// appendMMDB appends a value in the format of the data section.
func appendMMDB(dst []byte, v any) []byte {
	number := func(dst []byte, n uint64) []byte {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		return append(dst, b[:]...)
	}
	switch v := v.(type) {
	case string:
		return append(append(dst, 2<<5|byte(len(v))), v...)
	case uint16:
		return append(dst, 5<<5|2, byte(v>>8), byte(v))
	case uint32:
		return append(append(dst, 6<<5|4), number(nil, uint64(v))[4:]...)
	case uint64:
		return number(append(dst, 8, 2), v)
	case []any:
		dst = append(dst, byte(len(v)), 4)
		for _, e := range v {
			dst = appendMMDB(dst, e)
		}
		return dst
	case map[string]any:
		dst = append(dst, 7<<5|byte(len(v)))
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			dst = appendMMDB(appendMMDB(dst, k), v[k])
		}
		return dst
	}
	panic("no such type")
}

func TestReadCountriesOfEveryVendor(t *testing.T) {
	m := newMMDB()
	iso := func(code string) map[string]any { return map[string]any{"iso_code": code} }
	m.add("1.0.0.0/24", map[string]any{"country": iso("AU")})
	m.add("2.0.0.0/8", map[string]any{"country": iso("US"), "subdivisions": []any{iso("CA"), iso("XX")}})
	m.add("3.0.0.0/8", map[string]any{"registered_country": iso("DE")})
	m.add("4.0.0.0/8", map[string]any{"country": "fr"})
	m.add("5.0.0.0/8", map[string]any{"country_code": "NL"})
	m.add("6.0.0.0/8", map[string]any{"continent": map[string]any{"code": "EU"}})
	m.add("2001:db8::/32", map[string]any{"country": iso("JP")})
	c, err := ReadCountries(m.write(t, "Test-City"))
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]string{
		"1.0.0.1": "AU", "1.0.1.0": "", "2.255.255.255": "US US-CA", "3.1.1.1": "DE", "4.1.1.1": "FR", "5.1.1.1": "NL", "6.1.1.1": "", "2001:db8::1": "JP", "2001:db9::": "",
		"::ffff:1.0.0.1": "AU",
	} {
		if got := strings.TrimSpace(c.Country(addr(a)) + " " + c.Region(addr(a))); got != want {
			t.Errorf("%s is in %q, want %q", a, got, want)
		}
	}
}

func TestReadASNsOfEveryVendor(t *testing.T) {
	m := newMMDB()
	m.add("1.0.0.0/24", map[string]any{"autonomous_system_number": uint32(13335), "autonomous_system_organization": "CLOUDFLARENET"})
	m.add("2.0.0.0/8", map[string]any{"asn": "AS64496"})
	m.add("2001:db8::/32", map[string]any{"autonomous_system_number": uint32(4200000000)})
	s, err := ReadASNs(m.write(t, "Test-ASN"))
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]uint32{"1.0.0.1": 13335, "2.3.4.5": 64496, "3.0.0.0": 0, "2001:db8::1": 4200000000} {
		if got := s.ASN(addr(a)); got != want {
			t.Errorf("%s is in AS%d, want %d", a, got, want)
		}
	}
}

func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	m := newMMDB()
	m.add("1.0.0.0/24", map[string]any{"autonomous_system_number": uint32(13335)})
	file := m.write(t, "Test-ASN")
	if _, err := ReadCountries(file); err == nil {
		t.Error("countries are read from a file of AS numbers")
	}
	if _, err := ReadASNs(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing file is read")
	}
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadASNs(broken); err == nil {
		t.Error("a broken file is read")
	}
}
