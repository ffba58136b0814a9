package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxMessage bounds a message of the browser's, in bytes.
const maxMessage = 64 << 20

// pipe speaks the Chrome DevTools Protocol over the two pipes of --remote-debugging-pipe: messages of JSON with a NUL behind each.
type pipe struct {
	w       io.Writer
	mu      sync.Mutex // of what is below, and of w
	next    int
	waiting map[int]chan answer
	hears   map[string]func(method string, params json.RawMessage) // by session
	ended   error
	end     chan struct{}
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// refusal is what the browser says to a command that it does not carry out.
type refusal string

func (r refusal) Error() string { return string(r) }

func newPipe(w io.Writer, r io.Reader) *pipe {
	p := &pipe{w: w, waiting: map[int]chan answer{}, hears: map[string]func(string, json.RawMessage){}, end: make(chan struct{})}
	go p.read(r)
	return p
}

func (p *pipe) read(r io.Reader) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxMessage)
	sc.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		for i, c := range data {
			if c == 0 {
				return i + 1, data[:i], nil
			}
		}
		return 0, nil, nil
	})
	for sc.Scan() {
		var m struct {
			answer
			ID        int
			Method    string
			SessionID string
			Params    json.RawMessage
		}
		if err := json.Unmarshal(sc.Bytes(), &m); err != nil {
			continue
		}
		p.mu.Lock()
		waiting, hears := p.waiting[m.ID], p.hears[m.SessionID]
		delete(p.waiting, m.ID)
		p.mu.Unlock()
		switch {
		case m.ID != 0 && waiting != nil:
			waiting <- m.answer
		case m.ID == 0 && hears != nil:
			hears(m.Method, m.Params)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = errors.Join(errors.New("the browser has ended"), sc.Err())
	close(p.end)
}

// hear calls f with each event of a session, one after the other.
func (p *pipe) hear(session string, f func(method string, params json.RawMessage)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f == nil {
		delete(p.hears, session)
		return
	}
	p.hears[session] = f
}

// send sends a command. wait, if not nil, gets its answer.
func (p *pipe) send(session, method string, params any, wait chan answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	m := map[string]any{"id": p.next, "method": method, "params": params}
	if params == nil {
		delete(m, "params")
	}
	if session != "" {
		m["sessionId"] = session
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if wait != nil {
		p.waiting[p.next] = wait
	}
	_, err = p.w.Write(append(b, 0))
	return err
}

// call sends a command and waits for what it answers.
func (p *pipe) call(ctx context.Context, session, method string, params, result any) error {
	wait := make(chan answer, 1)
	if err := p.send(session, method, params, wait); err != nil {
		return fmt.Errorf("browser: %s: %w", method, err)
	}
	select {
	case a := <-wait:
		if a.Error != nil {
			return fmt.Errorf("browser: %s: %w", method, refusal(a.Error.Message))
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Result, result)
	case <-p.end:
		return fmt.Errorf("browser: %s: %w", method, p.ended)
	case <-ctx.Done():
		return fmt.Errorf("browser: %s: %w", method, ctx.Err())
	}
}
