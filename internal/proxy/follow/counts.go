package follow

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/proxy"
)

// CountsPath is where counts are exchanged.
const CountsPath = "/_fastness/proxy/v1/counts"

// Period is the time between two exchanges. A request counts at other proxies after two periods and two
// round trips at most.
const Period = 250 * time.Millisecond

// Bounds of an exchange.
const (
	// MaxCounts is how many bytes one has at most, in each direction.
	MaxCounts = 8 << 20
	// MaxKeys is how many keys are given at a time, roughly.
	MaxKeys = 100_000
)

// Counts is what a proxy gives in an exchange, and Answer what it gets.
type Counts struct {
	// Proxy names the proxy; After is Answer.Next of the last exchange, 0 in the first one.
	Proxy string
	After uint64
	Rules []RuleCounts `json:",omitempty"`
}

// Answer is what others have counted.
type Answer struct {
	Next  uint64
	Rules []RuleCounts `json:",omitempty"`
	// Alone tells that there are no other proxies: then nothing has to be exchanged soon.
	Alone bool `json:",omitempty"`
}

// RuleCounts are counts of a rate-based rule.
type RuleCounts struct {
	WebACL, Rule, Settings string
	// Deltas has 20 bytes for each key: the key (16) and a count (4, big-endian).
	Deltas []byte
}

const deltaSize = 16 + 4

var errDeltas = errors.New("follow: counts are 20 bytes each")

// Pack makes the form of counts in which they are sent.
func Pack(shared []proxy.Shared) (all []RuleCounts) {
	for i := range shared {
		s := &shared[i]
		b := make([]byte, 0, len(s.Deltas)*deltaSize)
		for _, d := range s.Deltas {
			b = binary.BigEndian.AppendUint32(append(b, d.Key[:]...), d.N)
		}
		all = append(all, RuleCounts{s.WebACL, s.Rule, s.Settings, b})
	}
	return all
}

// Unpack reads what Pack made.
func Unpack(packed []RuleCounts) (all []proxy.Shared, err error) {
	for i := range packed {
		p := &packed[i]
		if len(p.Deltas)%deltaSize != 0 {
			return nil, errDeltas
		}
		s := proxy.Shared{WebACL: p.WebACL, RuleCounts: waf.RuleCounts{Rule: p.Rule, Settings: p.Settings}}
		for b := p.Deltas; len(b) > 0; b = b[deltaSize:] {
			d := rate.Delta{N: binary.BigEndian.Uint32(b[16:])}
			copy(d.Key[:], b)
			s.Deltas = append(s.Deltas, d)
		}
		all = append(all, s)
	}
	return all, nil
}

// Exchange gives counts and gets those of others.
func (c *Client) Exchange(ctx context.Context, counts *Counts) (*Answer, error) {
	body, err := json.Marshal(counts)
	if err != nil {
		return nil, err
	}
	if len(body) > MaxCounts {
		return nil, fmt.Errorf("follow: counts of %d bytes", len(body))
	}
	res, err := c.do(ctx, http.MethodPost, CountsPath, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, refused(res)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, MaxCounts+1))
	if err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if len(text) > MaxCounts {
		return nil, errors.New("control plane: the counts are too large")
	}
	answer := new(Answer)
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(answer); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	return answer, nil
}
