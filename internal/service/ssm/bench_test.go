package ssm

import (
	"fmt"
	"strings"
	"testing"

	"fastness/internal/api/ssmapi"
	"fastness/internal/store"
)

func BenchmarkGetParameter(b *testing.B) {
	for _, kind := range []struct {
		name   string
		change []func(*ssmapi.PutParameterRequest)
	}{
		{"String", nil}, {"SecureString", []func(*ssmapi.PutParameterRequest){secure}},
		{"SecureStringAdvanced", []func(*ssmapi.PutParameterRequest){secure, advanced}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			h := newHarness(b)
			h.put("/app/prod/db", strings.Repeat("x", 64), kind.change...)
			c, in := h.admin(), &ssmapi.GetParameterRequest{Name: new("/app/prod/db"), WithDecryption: new(true)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.GetParameter(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGetParametersByPath reads a page out of the middle of all parameters: its cost
// does not depend on how many there are.
func BenchmarkGetParametersByPath(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		h := newHarness(b)
		h.fill(n)
		for _, recursive := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/recursive=%v", n, recursive), func(b *testing.B) {
				c := h.admin()
				in := &ssmapi.GetParametersByPathRequest{Path: new(fmt.Sprintf("/app/%06d", n/200)), Recursive: &recursive}
				b.ReportAllocs()
				for b.Loop() {
					out, err := c.GetParametersByPath(b.Context(), in)
					if err != nil || len(out.Parameters) != 10 || out.NextToken == nil {
						b.Fatalf("%d parameters, %v", len(out.Parameters), err)
					}
				}
			})
		}
	}
}

// fill writes parameters, a hundred in each path.
func (h *harness) fill(n int) {
	h.Helper()
	for first := 0; first < n; first += 50 {
		if _, err := h.store.Update(h.Context(), func(tx store.Txn) error {
			for i := first; i < min(n, first+50); i++ {
				p := &parameterRecord{
					Account: testAccount, Region: testRegion, Name: fmt.Sprintf("/app/%06d/%02d", i/100, i%100), ID: newID(), Last: 1, Versions: 1,
					Latest: version{Number: 1, Type: ssmapi.ParameterTypeString, Value: strings.Repeat("x", 64), DataType: dataText, Tier: ssmapi.ParameterTierStandard},
				}
				if err := h.service.tables.parameters.Put(tx, p); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			h.Fatal(err)
		}
	}
}
