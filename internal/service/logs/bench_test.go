package logs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/store"
	"fastness/internal/store/table"

	"github.com/klauspost/compress/s2"
)

// BenchmarkPutLogEvents writes batches of events as long as those of a web application firewall. The floor only
// compresses the same text, and writes it to the same sealed store.
func BenchmarkPutLogEvents(b *testing.B) {
	for _, n := range []int{1, 100, 700} {
		h := newHarness(b)
		h.made("g", "s")
		events := make([]logsapi.InputLogEvent, n)
		var text []byte
		for i := range events {
			message := fmt.Sprintf(`{"n":%d,%s}`, i, strings.Repeat(fmt.Sprintf(`{"name":"header-%d","value":"value %d"},`, i, i*i), 30))
			events[i] = h.at(0, message)
			text = append(text, message...)
		}
		run := func(name string, write func(i int)) {
			b.Run(fmt.Sprint(n, "/", name), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					write(i)
					i++
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
		run("fastness", func(int) { h.put("g", "s", events...) })
		run("floor", func(i int) {
			if _, err := h.store.Update(b.Context(), func(tx store.Txn) error {
				for at := 0; at < len(text); at += blockBytes {
					key := table.Key(table.String(""), table.String(""), table.String("bench"), table.String("floor"), table.Uint(uint64(i)), table.Uint(uint64(at)))
					if err := tx.Put(key, s2.Encode(nil, text[at:min(at+blockBytes, len(text))])); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkFilterLogEvents looks through 10,000 events of 760 bytes. The peer is encoding/json, which reads the same
// messages from memory.
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
	b.Run("fastness", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.admin().FilterLogEvents(b.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new(`{ $.action = "BLOCK" }`)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		message := []byte(*h.at(0, fmt.Sprintf(`{"action":"ALLOW","n":%d,"headers":[%s]}`, 1, strings.Repeat(`{"name":"x","value":"y"},`, 30)+`{}`)).Message)
		b.ReportAllocs()
		for b.Loop() {
			for range 10_000 {
				var m struct{ Action string }
				if err := json.Unmarshal(message, &m); err != nil || m.Action == "BLOCK" {
					b.Fatal(err)
				}
			}
		}
	})
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
