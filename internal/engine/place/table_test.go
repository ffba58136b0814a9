package place

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// span is a range with its value.
type span struct {
	first, last string
	value       uint32
}

func build(t testing.TB, spans []span) *table {
	t.Helper()
	b := newBuilder()
	for _, s := range spans {
		if err := b.add(addr(s.first), addr(s.last), s.value); err != nil {
			t.Fatal(err)
		}
	}
	return b.finish()
}

// edges has ranges at every kind of edge.
var edges = []span{
	{"0.0.0.0", "0.255.255.255", 1},
	{"1.0.0.0", "1.0.0.0", 2},
	{"1.0.0.1", "1.0.0.255", 2}, // belongs to the one before
	{"1.0.2.0", "1.0.2.255", 3},
	{"10.0.0.0", "12.255.255.255", 4}, // over several of the index
	{"200.0.0.0", "200.0.127.255", 5},
	{"200.0.128.0", "200.0.128.127", 6},
	{"255.255.255.0", "255.255.255.255", 7},
	{"::", "::ffff:ffff:ffff:ffff", 8},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 9},
	{"2001:db9:1::", "2001:db9:1::ff", 10}, // a part of 64 bits: left out
	{"2a00::", "2a0f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 11},
	{"ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 12},
}

func TestLookup(t *testing.T) {
	table := build(t, edges)
	packed, err := table.pack()
	if err != nil {
		t.Fatal(err)
	}
	again, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr string
		want uint32
	}{
		{"0.0.0.0", 1}, {"0.255.255.255", 1}, {"1.0.0.0", 2}, {"1.0.0.1", 2}, {"1.0.0.255", 2}, {"1.0.1.0", 0}, {"1.0.1.255", 0}, {"1.0.2.0", 3}, {"1.0.3.0", 0},
		{"9.255.255.255", 0}, {"10.0.0.0", 4}, {"11.5.5.5", 4}, {"12.255.255.255", 4}, {"13.0.0.0", 0}, {"200.0.127.255", 5}, {"200.0.128.127", 6}, {"200.0.128.128", 0},
		{"255.255.254.255", 0}, {"255.255.255.255", 7},
		{"::", 8}, {"::1", 8}, {"0:0:0:1::", 0}, {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 0}, {"2001:db8::1", 9}, {"2001:db8:ffff::", 9}, {"2001:db9::", 0}, {"2001:db9:1::1", 0},
		{"2a00::1", 11}, {"2a05::1", 11}, {"2a0f:ffff::", 11}, {"2a10::", 0}, {"fffe::", 0}, {"ffff::1", 12}, {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 12},
		{"::ffff:10.1.2.3", 4}, {"fe80::1%eth0", 0},
	} {
		if got := table.value(addr(c.addr)); got != c.want {
			t.Errorf("%s has %d, want %d", c.addr, got, c.want)
		}
		if got := again.value(addr(c.addr)); got != c.want {
			t.Errorf("unpacked, %s has %d, want %d", c.addr, got, c.want)
		}
	}
	if table.value(netip.Addr{}) != 0 {
		t.Error("no address has a value")
	}
	empty := newBuilder().finish()
	if empty.value(addr("1.2.3.4")) != 0 || empty.value(addr("2001:db8::")) != 0 || empty.name(addr("1.2.3.4")) != "" {
		t.Error("an empty table knows an address")
	}
}

func TestBuilderRefusesDisorder(t *testing.T) {
	for _, s := range [][]span{
		{{"1.0.0.0", "1.0.0.255", 1}, {"1.0.0.255", "1.0.1.0", 2}},
		{{"2.0.0.0", "2.0.0.1", 1}, {"1.0.0.0", "1.0.0.1", 2}},
		{{"1.0.0.1", "1.0.0.0", 1}},
		{{"1.0.0.1", "2001:db8::", 1}},
		{{"2001::", "2001::ffff:ffff:ffff:ffff", 1}, {"2001::", "2001:0:0:1:ffff:ffff:ffff:ffff", 1}},
		{{"ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1}, {"1::", "1::ffff:ffff:ffff:ffff", 1}},
	} {
		b := newBuilder()
		var err error
		for _, r := range s {
			if err = b.add(addr(r.first), addr(r.last), r.value); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%v is accepted", s)
		}
	}
}

// A table of random ranges gives what going through the ranges gives.
func TestLookupAgreesWithARangeScan(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	type span4 struct{ first, last, value uint32 }
	for range 20 {
		var spans []span4
		b := newBuilder()
		at := uint64(0)
		for at < 1<<32-1 && len(spans) < 2000 {
			first := at + r.Uint64N(1<<r.IntN(24))
			last := first + r.Uint64N(1<<r.IntN(24))
			if last >= 1<<32 {
				break
			}
			s := span4{uint32(first), uint32(last), r.Uint32N(5)}
			spans = append(spans, s)
			if err := b.add(addr4(s.first), addr4(s.last), s.value); err != nil {
				t.Fatal(err)
			}
			at = last + 1
		}
		table := b.finish()
		for range 5000 {
			a := r.Uint32N(spans[len(spans)-1].last + 1000)
			if r.IntN(2) == 0 { // near an edge
				s := spans[r.IntN(len(spans))]
				a = s.first - 1 + r.Uint32N(3)
			}
			want := uint32(0)
			i, _ := slices.BinarySearchFunc(spans, a, func(s span4, a uint32) int {
				if s.last < a {
					return -1
				}
				return 1
			})
			if i < len(spans) && spans[i].first <= a {
				want = spans[i].value
			}
			if got := table.value(addr4(a)); got != want {
				t.Fatalf("%s has %d, want %d", addr4(a), got, want)
			}
		}
	}
}

func addr4(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

func FuzzUnpack(f *testing.F) {
	packed, err := build(f, edges).pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed[len(packedMagic):])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := unpack(append([]byte(packedMagic), b...))
		if err != nil {
			return
		}
		for _, a := range []string{"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			table.name(addr(a))
		}
	})
}

// FuzzColumns is FuzzUnpack behind the compression.
func FuzzColumns(f *testing.F) {
	f.Add(appendColumns(nil, []uint64{0, 5, 1 << 40}, []uint32{1, 2, 1}))
	f.Add(appendColumns(nil, nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parser{raw: b}
		starts, values := p.columns()
		if p.bad {
			return
		}
		if len(starts) != len(values) || !slices.IsSorted(starts) {
			t.Fatalf("%v, %v", starts, values)
		}
		q := parser{raw: appendColumns(nil, starts, values)}
		starts2, values2 := q.columns()
		if q.bad || !slices.Equal(starts, starts2) || !slices.Equal(values, values2) {
			t.Fatalf("%v, %v came back as %v, %v", starts, values, starts2, values2)
		}
	})
}

func TestUnpackRefusesWhatIsNoTable(t *testing.T) {
	packed, err := build(t, edges).pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, []byte("FPLACE1\n"), []byte("hello"), packed[:len(packed)-1], bytes.Replace(packed, []byte("FPLACE1"), []byte("FPLACE2"), 1)} {
		if _, err := unpack(b); err == nil {
			t.Errorf("%.20q is accepted", b)
		}
	}
}
