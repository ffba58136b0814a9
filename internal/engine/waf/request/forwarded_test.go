package request

import (
	"net/netip"
	"slices"
	"testing"
)

func TestForwardedAddresses(t *testing.T) {
	const xff = "X-Forwarded-For"
	twelve := "1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7,1.0.0.8,1.0.0.9,1.0.0.10,1.0.0.11,1.0.0.12"
	for _, c := range []struct {
		name     string
		fields   []Field
		position Position
		want     []string
		found    Forwarding
	}{
		{"absent", []Field{{"Forwarded", "for=1.2.3.4"}}, FirstAddress, nil, NotForwarded},
		{"absent, any", nil, AnyAddress, nil, NotForwarded},
		// AWS's example: 10.1.1.1, 127.0.0.0, 10.10.10.10
		{"first", []Field{{xff, "10.1.1.1, 127.0.0.0, 10.10.10.10"}}, FirstAddress, []string{"10.1.1.1"}, Forwarded},
		{"default is first", []Field{{xff, "10.1.1.1, 127.0.0.0"}}, "", []string{"10.1.1.1"}, Forwarded},
		{"last", []Field{{xff, "10.1.1.1, 127.0.0.0, 10.10.10.10"}}, LastAddress, []string{"10.10.10.10"}, Forwarded},
		{"any", []Field{{"x-forwarded-for", "10.1.1.1, 127.0.0.0, 10.10.10.10"}}, AnyAddress, []string{"10.10.10.10", "127.0.0.0", "10.1.1.1"}, Forwarded},
		{"any looks at the last ten", []Field{{xff, twelve}}, AnyAddress, []string{"1.0.0.12", "1.0.0.11", "1.0.0.10", "1.0.0.9", "1.0.0.8", "1.0.0.7", "1.0.0.6", "1.0.0.5", "1.0.0.4", "1.0.0.3"}, Forwarded},
		{"any skips what is none", []Field{{xff, "unknown, 1.2.3.4, x"}}, AnyAddress, []string{"1.2.3.4"}, Forwarded},
		{"several fields, first", []Field{{xff, "1.1.1.1"}, {"Host", "x"}, {xff, "2.2.2.2, 3.3.3.3"}}, FirstAddress, []string{"1.1.1.1"}, Forwarded},
		{"several fields, last", []Field{{xff, "1.1.1.1"}, {"Host", "x"}, {xff, "2.2.2.2, 3.3.3.3"}}, LastAddress, []string{"3.3.3.3"}, Forwarded},
		{"several fields, any", []Field{{xff, "1.1.1.1"}, {"Host", "x"}, {xff, "2.2.2.2, 3.3.3.3"}}, AnyAddress, []string{"3.3.3.3", "2.2.2.2", "1.1.1.1"}, Forwarded},
		{"invalid first", []Field{{xff, "unknown, 1.2.3.4"}}, FirstAddress, nil, ForwardedInvalid},
		{"invalid last", []Field{{xff, "1.2.3.4, "}}, LastAddress, nil, ForwardedInvalid},
		{"empty", []Field{{xff, ""}}, FirstAddress, nil, ForwardedInvalid},
		{"empty, any", []Field{{xff, ""}}, AnyAddress, nil, ForwardedInvalid},
		{"IPv6", []Field{{xff, "2001:DB8::1"}}, FirstAddress, []string{"2001:db8::1"}, Forwarded},
		{"brackets", []Field{{xff, "[2001:db8::1]"}}, FirstAddress, []string{"2001:db8::1"}, Forwarded},
		{"brackets and port", []Field{{xff, "[2001:db8::1]:443"}}, FirstAddress, []string{"2001:db8::1"}, Forwarded},
		{"port", []Field{{xff, "1.2.3.4:5678"}}, FirstAddress, []string{"1.2.3.4"}, Forwarded},
		{"IPv4 in IPv6", []Field{{xff, "::ffff:1.2.3.4"}}, FirstAddress, []string{"1.2.3.4"}, Forwarded},
		{"zone", []Field{{xff, "fe80::1%eth0"}}, FirstAddress, nil, ForwardedInvalid},
		{"half a bracket", []Field{{xff, "[2001:db8::1"}}, FirstAddress, nil, ForwardedInvalid},
		{"bad port", []Field{{xff, "1.2.3.4:x"}}, FirstAddress, nil, ForwardedInvalid},
		{"long port", []Field{{xff, "1.2.3.4:123456"}}, FirstAddress, nil, ForwardedInvalid},
		{"leading zero", []Field{{xff, "01.2.3.4"}}, FirstAddress, nil, ForwardedInvalid},
		{"name", []Field{{xff, "localhost"}}, FirstAddress, nil, ForwardedInvalid},
		{"too long", []Field{{xff, "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"}}, FirstAddress, nil, ForwardedInvalid},
	} {
		got, found := (&Request{Fields: c.fields}).ForwardedAddresses(nil, xff, c.position)
		var want []netip.Addr
		for _, a := range c.want {
			want = append(want, netip.MustParseAddr(a))
		}
		if !slices.Equal(got, want) || found != c.found {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, found, want, c.found)
		}
	}
}
