package rotator

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		entry string
		name  string // what the document says; empty if it is the address
		addr  string
		port  int
		want  bool
	}{
		{"db.example.com", "db.example.com", "10.0.0.7", 5432, true},
		{"DB.Example.com.", "db.example.com", "10.0.0.7", 5432, true},
		{"db.example.com", "x.db.example.com", "10.0.0.7", 5432, false},
		{"db.example.com", "", "10.0.0.7", 5432, false},
		{"db.example.com:5432", "db.example.com", "10.0.0.7", 5432, true},
		{"db.example.com:5432", "db.example.com", "10.0.0.7", 22, false},
		{"*.example.com", "a.b.example.com", "10.0.0.7", 1, true},
		{"*.example.com", "example.com", "10.0.0.7", 1, false},
		{"*.example.com", "badexample.com", "10.0.0.7", 1, false},
		{"10.0.0.7", "", "10.0.0.7", 1, true},
		{"10.0.0.7", "", "::ffff:10.0.0.7", 1, true},
		{"10.0.0.7", "any.name", "10.0.0.7", 1, true},
		{"10.0.0.7", "", "10.0.0.8", 1, false},
		{"10.0.0.0/8:3306", "", "10.255.0.1", 3306, true},
		{"10.0.0.0/8:3306", "", "10.255.0.1", 3307, false},
		{"[2001:db8::/32]:5432", "", "2001:db8::1", 5432, true},
		{"2001:db8::1", "", "2001:db8::1", 1, true},
		{"2001:db8::1", "", "2001:db8::1%eth0", 1, false},

		// What a name or a wide range does not open.
		{"db.example.com", "db.example.com", "127.0.0.1", 1, false},
		{"db.example.com", "db.example.com", "169.254.169.254", 80, false},
		{"db.example.com", "db.example.com", "::1", 1, false},
		{"db.example.com", "db.example.com", "fd00:ec2::254", 80, false},
		{"db.example.com", "db.example.com", "::ffff:169.254.169.254", 80, false},
		{"db.example.com", "db.example.com", "64:ff9b::a9fe:a9fe", 80, false},
		{"0.0.0.0/0", "", "169.254.169.254", 80, false},
		{"0.0.0.0/0", "", "127.0.0.1", 1, false},
		{"0.0.0.0/0", "", "0.0.0.0", 1, false},
		{"0.0.0.0/0", "", "224.0.0.1", 1, false},
		{"0.0.0.0/0", "", "100.100.100.200", 80, false},
		{"0.0.0.0/0", "", "168.63.129.16", 80, false},
		{"0.0.0.0/0", "", "8.8.8.8", 1, true},
		{"::/0", "", "::1", 1, false},
		{"::/0", "", "fe80::1", 1, false},
		{"::/0", "", "2002:a9fe:a9fe::", 1, false},
		{"::/0", "", "10.0.0.1", 1, false},
		{"127.0.0.1", "", "127.0.0.1", 1, true},
		{"127.0.0.0/8", "", "127.9.9.9", 1, true},
		{"169.254.169.254", "", "169.254.169.254", 80, true},
		{"localhost", "localhost", "127.0.0.1", 1, true},
		{"localhost", "localhost", "::1", 1, true},
		{"localhost", "localhost", "169.254.169.254", 80, false},
		{"localhost", "", "127.0.0.1", 1, false},
	} {
		if got := hosts(t, c.entry).allows(c.name, netip.MustParseAddr(c.addr), c.port); got != c.want {
			t.Errorf("%s allows %s %s port %d: %v", c.entry, c.name, c.addr, c.port, got)
		}
	}
	if (Hosts{}).allowsName("db.example.com", 1) || (Hosts{}).allows("", netip.MustParseAddr("10.0.0.1"), 1) {
		t.Error("no list allows something")
	}
}

func TestParseHostsRejects(t *testing.T) {
	for _, entry := range []string{"*", "*.", "a b", "http://x", "x:0", "x:65536", "x:y", "[::1", "[::1]5432", "10.0.0.0/33", "a..b", "-a.b", "1.2.3", "0x7f.1", "fe80::1%eth0", "::ffff:10.0.0.0/104", "user@host", "*.*.com"} {
		if _, err := ParseHosts([]string{entry}); err == nil {
			t.Errorf("%q was taken", entry)
		}
	}
	if _, err := ParseHosts(make([]string, maxHostEntries+1)); err == nil {
		t.Error("a list without bound was taken")
	}
	if h, err := ParseHosts([]string{" ", ""}); err != nil || len(h.entries) != 0 {
		t.Errorf("blanks: %v %v", h, err)
	}
}

func FuzzParseHosts(f *testing.F) {
	for _, seed := range []string{"db.example.com:5432", "*.x.y", "[2001:db8::/32]:1", "10.0.0.0/8", "localhost"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		h, err := ParseHosts([]string{entry})
		if err != nil {
			return
		}
		// Nothing opens the metadata service by accident.
		metadata := netip.MustParseAddr("169.254.169.254")
		if h.allows("metadata.example.com", metadata, 80) && len(h.entries) > 0 && h.entries[0].prefix.Bits() < 16 {
			t.Errorf("%q opens link-local addresses", entry)
		}
	})
}

// answers is a resolver whose answers change from one look-up to the next.
type answers struct{ lists [][]netip.Addr }

func (a *answers) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	list := a.lists[0]
	if len(a.lists) > 1 {
		a.lists = a.lists[1:]
	}
	return list, nil
}

func TestWhatWasCheckedIsDialled(t *testing.T) {
	good, bad := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("169.254.169.254")
	for _, c := range []struct {
		name  string
		lists [][]netip.Addr
		want  Reason
		dials []netip.Addr
	}{
		{"a second look-up would rebind", [][]netip.Addr{{good}, {bad}}, Unreachable, []netip.Addr{good}},
		{"one of the addresses is denied", [][]netip.Addr{{good, bad}}, Forbidden, nil},
		{"the address is denied", [][]netip.Addr{{bad}}, Forbidden, nil},
		{"no address", [][]netip.Addr{{}}, Unreachable, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry := New(Config{Hosts: hosts(t, "db.example.com"), Resolver: &answers{c.lists}})
			var dialled []netip.Addr
			registry.dial = func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
				dialled = append(dialled, to.Addr())
				return nil, errors.New("nobody is there")
			}
			s := newSecret(t, lookup(t, registry, "PostgreSQLSingleUser"), doc{"engine": "postgres", "host": "db.example.com", "username": "app", "password": "p"}, nil)
			s.create()
			err := s.rotator.Set(context.Background(), s.stages)
			if e, ok := errors.AsType[*Error](err); !ok || e.Reason != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
			if len(dialled) != len(c.dials) || len(dialled) > 0 && dialled[0] != c.dials[0] {
				t.Errorf("dialled %v, want %v", dialled, c.dials)
			}
		})
	}
}

// Every server's driver goes through the list: none resolves or dials by itself.
func TestHostsThatAreNotListed(t *testing.T) {
	registry := New(Config{Hosts: hosts(t, "db.example.com", "10.0.0.0/8"), AllowPlaintext: true, Resolver: &answers{[][]netip.Addr{{netip.MustParseAddr("192.0.2.1")}}}})
	registry.dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("no")
	}
	for name, engine := range map[string]string{"PostgreSQLSingleUser": "postgres", "MySQLSingleUser": "mysql", "MariaDBSingleUser": "mariadb", "MongoDBSingleUser": "mongo", "SecretsManagerElasticacheUserRotation": "redis"} {
		for _, host := range []string{"evil.example.com", "192.0.2.1", "127.0.0.1", "localhost", "169.254.169.254", "[::1]", "::1", "/var/run/socket", "2130706433", "0x7f000001", "127.1", "a b", "db.example.com@evil"} {
			s := newSecret(t, lookup(t, registry, name), doc{"engine": engine, "host": host, "username": "app", "password": "p"}, nil)
			s.create()
			err := s.rotator.Set(context.Background(), s.stages)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != Forbidden && e.Reason != Misconfigured {
				t.Errorf("%s to %s: %v", name, host, err)
			}
		}
	}
}
