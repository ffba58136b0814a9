package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
)

// BenchmarkPutLogEvents writes batches of events as long as those of a web application firewall.
func BenchmarkPutLogEvents(b *testing.B) {
	for _, n := range []int{1, 100, 700} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := newHarness(b)
			h.made("g", "s")
			events := make([]logsapi.InputLogEvent, n)
			bytes := 0
			for i := range events {
				text := fmt.Sprintf(`{"n":%d,%s}`, i, strings.Repeat(fmt.Sprintf(`{"name":"header-%d","value":"value %d"},`, i, i*i), 30))
				events[i] = h.at(0, text)
				bytes += len(text)
			}
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				h.put("g", "s", events...)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkFilterLogEvents(b *testing.B) {
	h := newHarness(b)
	h.made("g", "s")
	for i := range 20 {
		var events []logsapi.InputLogEvent
		for j := range 500 {
			events = append(events, h.at(time.Duration(20-i)*time.Second, fmt.Sprintf(`{"action":"ALLOW","n":%d,"headers":[%s]}`, j, strings.Repeat(`{"name":"x","value":"y"},`, 30)+`{}`)))
		}
		h.put("g", "s", events...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.admin().FilterLogEvents(b.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new(`{ $.action = "BLOCK" }`)}); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDecodeBlock(f *testing.F) {
	b := &block{ingested: 2, events: []event{{1, "a"}, {3, "bc"}}}
	f.Add(b.encode()[0], int64(1))
	f.Fuzz(func(t *testing.T, data []byte, first int64) {
		h, err := decodeHead(data)
		if err != nil || h.parts != 1 {
			return
		}
		_, _ = h.decode(first)
	})
}
