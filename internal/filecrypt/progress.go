package filecrypt

import (
	"fmt"
	"io"
	"time"

	"fastness/internal/clock"
)

const (
	// progressDelay is how long a file takes before anybody wants to know.
	progressDelay = time.Second
	progressPause = 100 * time.Millisecond
)

// progress counts what is read and keeps a line on a terminal up to date, from within the
// reads: no goroutine, no lock.
type progress struct {
	io.Reader
	terminal io.Writer // nil: says nothing
	clock    clock.Clock
	name     string
	total    int64 // bytes, or 0 when nobody knows
	read     int64
	began    time.Time
	drawn    time.Time // zero: nothing is on the screen
}

func newProgress(r io.Reader, e *Environment, name string, total int64) *progress {
	p := &progress{Reader: r, clock: e.Clock, name: name, total: total}
	if e.Terminal != nil {
		p.terminal, p.began = e.Terminal, e.Clock.Now()
	}
	return p
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.read += int64(n)
	if p.terminal != nil {
		if now := p.clock.Now(); now.Sub(p.began) >= progressDelay && now.Sub(p.drawn) >= progressPause {
			p.draw(now)
		}
	}
	return n, err
}

// draw replaces the line. A terminal that cannot be written to is no reason to fail.
func (p *progress) draw(now time.Time) {
	p.drawn = now
	elapsed := now.Sub(p.began).Seconds()
	rate := float64(p.read) / elapsed
	line := fmt.Sprintf("%s  %s  %s/s", shortened(p.name, 32), sizeText(float64(p.read)), sizeText(rate))
	if p.total > 0 && p.read <= p.total {
		line = fmt.Sprintf("%s  %3d%%  %s of %s  %s/s", shortened(p.name, 32), int(float64(p.read)/float64(p.total)*100), sizeText(float64(p.read)), sizeText(float64(p.total)), sizeText(rate))
		if rate > 0 {
			left := time.Duration(float64(p.total-p.read) / rate * float64(time.Second))
			line += "  " + left.Round(time.Second).String() + " left"
		}
	}
	_, _ = fmt.Fprintf(p.terminal, "\r%s\x1b[K", line)
}

// done takes the line away.
func (p *progress) done() {
	if p.terminal != nil && !p.drawn.IsZero() {
		_, _ = io.WriteString(p.terminal, "\r\x1b[K")
	}
}

// shortened keeps the end of a name, in runes that a terminal shows and does not obey.
func shortened(name string, limit int) string {
	runes := []rune(printable(name))
	if len(runes) > limit {
		return "…" + string(runes[len(runes)-limit+1:])
	}
	return string(runes)
}

// sizeText writes a number of bytes in units of 1024.
func sizeText(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", n)
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
