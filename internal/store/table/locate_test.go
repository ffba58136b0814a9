package table_test

import (
	"errors"
	"reflect"
	"testing"

	"fastness/internal/store/table"
)

func TestLocate(t *testing.T) {
	s := table.String
	for name, tt := range map[string]struct {
		key  []byte
		want table.Place
	}{
		"a record": {
			table.Key(s("1"), s("eu"), s("kms"), s("key"), s("id"), table.Uint(7)),
			table.Place{Scope: table.Scope{Account: "1", Region: "eu"}, Service: "kms", Kind: "key", Parts: []table.Part{s("id"), table.Uint(7)}},
		},
		"an entry of an index": {
			table.Key(s(""), s("eu"), s("kms"), s("key@reference"), s("x\x00y")),
			table.Place{Scope: table.Scope{Region: "eu"}, Service: "kms", Kind: "key", Index: "reference", Parts: []table.Part{s("x\x00y")}},
		},
		"zero bytes in the scope": {
			table.Key(s("\x00\x01"), s("\x00"), s("ssm"), s("parameter")),
			table.Place{Scope: table.Scope{Account: "\x00\x01", Region: "\x00"}, Service: "ssm", Kind: "parameter", Parts: []table.Part{}},
		},
	} {
		got, err := table.Locate(tt.key)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got := table.Service(tt.key); string(got) != tt.want.Service {
			t.Errorf("%s: service %q", name, got)
		}
	}
	for name, key := range map[string][]byte{
		"nothing":                      nil,
		"no tuple":                     []byte("seal/keyring"),
		"no table":                     table.Key(s("1"), s("eu")),
		"no kind":                      table.Key(s("1"), s("eu"), s("kms")),
		"a number for a service":       table.Key(s("1"), s("eu"), table.Uint(1), s("key")),
		"a number for a Region":        table.Key(s("1"), table.Uint(1), s("kms"), s("key")),
		"an end that is missing":       table.Key(s("1"), s("eu"), s("kms"), s("key"))[:9],
		"a string with a wrong escape": {0x02, 0x00, 0x02},
	} {
		if _, err := table.Locate(key); !errors.Is(err, table.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzService(f *testing.F) {
	s := table.String
	f.Add(table.Key(s("1"), s("eu"), s("kms"), s("key"), s("id")))
	f.Add(table.Key(s("\x00"), s(""), s("iam"), s("user@group")))
	f.Add([]byte{0x02, 0x00, 0xff, 0x00})
	f.Fuzz(func(t *testing.T, key []byte) {
		p, err := table.Locate(key)
		service := string(table.Service(key))
		if err == nil && len(p.Service) > 0 && table.Service(key) != nil && string(table.Key(s(p.Service))) != "\x02"+service+"\x00\x01" {
			t.Errorf("%q: service %q, %q", key, p.Service, service)
		}
		if err == nil && p.Service != "" && table.Service(key) == nil {
			t.Errorf("%q: no service", key)
		}
	})
}

func BenchmarkService(b *testing.B) {
	key := table.Key(table.String("111122223333"), table.String("us-east-1"), table.String("audit"), table.String("batch"), table.Uint(1))
	b.ReportAllocs()
	for b.Loop() {
		if string(table.Service(key)) == "kms" {
			b.Fatal("kms")
		}
	}
}
