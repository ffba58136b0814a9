package follow

import (
	"bytes"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/proxy"
)

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 20))
	f.Add(make([]byte, 41))
	f.Fuzz(func(t *testing.T, deltas []byte) {
		packed := []RuleCounts{{WebACL: "a", Rule: "r", Settings: "s", Deltas: deltas}}
		shared, err := Unpack(packed)
		if err != nil {
			if len(deltas)%deltaSize == 0 {
				t.Error(err)
			}
			return
		}
		if again := Pack(shared); len(again) != 1 || !bytes.Equal(again[0].Deltas, deltas) {
			t.Errorf("%x became %x", deltas, again[0].Deltas)
		}
	})
}

func TestCountsGoThereAndBack(t *testing.T) {
	in := []proxy.Shared{{WebACL: "acl", RuleCounts: waf.RuleCounts{Rule: "g/r", Settings: "s", Deltas: []rate.Delta{{Key: rate.Key{1, 2, 3}, N: 7}, {Key: rate.Key{15: 9}, N: 1 << 31}}}}}
	out, err := Unpack(Pack(in))
	if err != nil || len(out) != 1 || out[0].WebACL != "acl" || out[0].Rule != "g/r" || out[0].Settings != "s" || len(out[0].Deltas) != 2 || out[0].Deltas[0] != in[0].Deltas[0] || out[0].Deltas[1] != in[0].Deltas[1] {
		t.Errorf("%+v, %v", out, err)
	}
}
