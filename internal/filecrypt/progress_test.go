package filecrypt

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
)

func TestProgressAppearsForLongInputsOnly(t *testing.T) {
	now := clock.NewManual(time.Unix(0, 0))
	var screen bytes.Buffer
	e := &Environment{Terminal: &screen, Clock: now}
	p := newProgress(strings.NewReader(strings.Repeat("x", 4<<20)), e, "/tmp/\x1b[31mred", 4<<20)
	buffer := make([]byte, 1<<20)
	read := func() {
		t.Helper()
		if _, err := p.Read(buffer); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if screen.Len() > 0 {
		t.Fatalf("at once: %q", screen.String())
	}
	now.Advance(2 * time.Second)
	read()
	if got, want := screen.String(), "\r/tmp/\uFFFD[31mred   50%  2.0 MiB of 4.0 MiB  1.0 MiB/s  2s left\x1b[K"; got != want {
		t.Fatalf("%q, not %q", got, want)
	}
	read()
	if strings.Count(screen.String(), "\r") != 1 {
		t.Errorf("drawn too often: %q", screen.String())
	}
	screen.Reset()
	p.done()
	if screen.String() != "\r\x1b[K" {
		t.Errorf("left behind: %q", screen.String())
	}
	silent := newProgress(strings.NewReader("x"), &Environment{Clock: now}, "x", 1)
	if _, err := silent.Read(buffer); err != nil {
		t.Fatal(err)
	}
	silent.done()
}
