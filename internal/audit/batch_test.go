package audit

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// batchCases are events at the corners of the format.
func batchCases() [][]*Event {
	full := &Event{
		ID: NewID(), Time: testTime.Add(123456789), Account: testAccount, Region: testRegion, Name: "CreateKey",
		Source: "kms.amazonaws.com", AccessKeyID: "AKIAEXAMPLE", UserName: "alice", JSON: []byte(`{"a":1}`),
		Resources: []Resource{{"AWS::KMS::Key", "arn:aws:kms:eu-central-1:111122223333:key/1", testAccount}, {"", "arn", ""}},
	}
	bare := &Event{Time: time.Unix(0, 0).UTC()}
	wide := &Event{ID: "not a UUID", Time: testTime, UserName: strings.Repeat("ü", 3000), ReadOnly: true, JSON: bytes.Repeat([]byte{0, 255}, 20000)}
	many := &Event{ID: NewID(), Time: testTime}
	for i := range maxResources {
		many.Resources = append(many.Resources, Resource{"T", fmt.Sprint(i), testAccount})
	}
	return [][]*Event{{full}, {bare}, {wide}, {many}, {full, bare, wide, many, full}}
}

func encodeBatch(events []*Event) []byte {
	b := []byte{batchPlain}
	for _, e := range events {
		b = appendEvent(b, e)
	}
	return b
}

func TestBatchKeepsEvents(t *testing.T) {
	for i, events := range batchCases() {
		got, err := decodeBatch(encodeBatch(events))
		if err != nil || len(got) != len(events) {
			t.Fatalf("case %d: %d events, %v", i, len(got), err)
		}
		for j := range got {
			want := *events[j]
			if len(want.JSON) == 0 {
				want.JSON = got[j].JSON[:0:0]
			}
			if !reflect.DeepEqual(got[j], want) {
				t.Errorf("case %d, event %d: %+v, want %+v", i, j, got[j], want)
			}
		}
	}
}

func TestDamagedBatchesAreRefused(t *testing.T) {
	whole := encodeBatch(batchCases()[0])
	if _, err := decodeBatch(nil); err == nil {
		t.Error("an empty batch was read")
	}
	if _, err := decodeBatch(append([]byte{batchPacked + 1}, whole[1:]...)); err == nil {
		t.Error("a batch of another version was read")
	}
	for n := 2; n < len(whole); n++ {
		if events, err := decodeBatch(whole[:n]); err == nil {
			t.Errorf("a batch cut at %d of %d was read as %d events", n, len(whole), len(events))
		}
	}
	if _, err := decodeBatch(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("a batch with a byte too many was read")
	}
}

func FuzzDecodeBatch(f *testing.F) {
	for _, events := range batchCases()[:2] {
		f.Add(encodeBatch(events))
	}
	f.Add([]byte{batchPlain, 0, 0, 0, 1, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := decodeBatch(b)
		if err != nil {
			return
		}
		again := []byte{batchPlain}
		for i := range events {
			again = appendEvent(again, &events[i])
		}
		twice, err := decodeBatch(again)
		if err != nil || !reflect.DeepEqual(events, twice) {
			t.Fatalf("events change when written again: %v", err)
		}
	})
}
