package contest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// measured is what one server did in one window.
type measured struct {
	rate     float64       // requests per second
	cpu      time.Duration // processor time of the server process per request
	p50, p99 time.Duration // latency
}

// warmUp comes before each window and does not count.
const warmUp = 200 * time.Millisecond

// patience is how long an answer may take, connecting included. A server that takes
// longer is not measured.
const patience = 15 * time.Second

// load replays requests, one to each connection, for the window, which a slow server
// draws out until the first answer. Every answer must have status 200 or 204.
//
// vary, if set, changes a request before it is sent, each time.
func load(ctx context.Context, addr string, requests [][]byte, vary func([]byte), window time.Duration, cpu func() (time.Duration, error)) (measured, error) {
	var counting, stop atomic.Bool
	var wg sync.WaitGroup
	latencies := make([][]time.Duration, len(requests))
	errs := make([]error, len(requests))
	conns := make([]net.Conn, len(requests))
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(warmUp+window+patience))
	defer cancel()
	for i := range requests {
		conn, err := dial(ctx, addr)
		if err != nil {
			for _, conn := range conns[:i] {
				conn.Close()
			}
			return measured{}, err
		}
		conns[i] = conn
	}
	first := make(chan struct{}) // closed by the first answer that counts, or failure
	once := sync.OnceFunc(func() { close(first) })
	for i, request := range requests {
		wg.Go(func() {
			latencies[i], errs[i] = replay(ctx, conns[i], addr, request, vary, &counting, &stop, once)
			if errs[i] != nil {
				once()
			}
		})
	}
	wait := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	wait(warmUp)
	before, err1 := cpu()
	start := time.Now()
	counting.Store(true)
	wait(window)
	select {
	case <-first:
	case <-ctx.Done():
	}
	counting.Store(false)
	elapsed := time.Since(start)
	after, err2 := cpu()
	stop.Store(true)
	wg.Wait()
	// Connections to one server fail alike: the first says it.
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return measured{}, errs[i]
	}
	if err := errors.Join(err1, err2, ctx.Err()); err != nil {
		return measured{}, err
	}
	all := slices.Concat(latencies...)
	if len(all) == 0 {
		return measured{}, errors.New("no request was answered in the window")
	}
	slices.Sort(all)
	return measured{
		rate: float64(len(all)) / elapsed.Seconds(), cpu: (after - before) / time.Duration(len(all)),
		p50: all[len(all)/2], p99: all[len(all)*99/100],
	}, nil
}

// dial connects. The connection ends at the deadline of ctx, which must have one: a
// server that stops accepting or answering is an error, not a wait without end.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline()
	return conn, conn.SetDeadline(until)
}

// replay sends one request over and over. It returns the latencies of the answers
// that came while counting was set, and calls counted after the first of them.
func replay(ctx context.Context, conn net.Conn, addr string, request []byte, vary func([]byte), counting, stop *atomic.Bool, counted func()) ([]time.Duration, error) {
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	r := bufio.NewReaderSize(conn, 16<<10)
	var latencies []time.Duration
	for !stop.Load() {
		if vary != nil {
			vary(request)
		}
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		_, closes, err := readAnswer(r, false)
		if err != nil {
			return nil, err
		}
		if closes {
			conn.Close()
			if conn, err = dial(ctx, addr); err != nil {
				return nil, err
			}
			r.Reset(conn)
		}
		if counting.Load() {
			if latencies = append(latencies, time.Since(start)); len(latencies) == 1 {
				counted()
			}
		}
	}
	return latencies, nil
}

// readChunks reads a chunked body (RFC 9112 §7.1), which some peers answer with.
func readChunks(r *bufio.Reader) (body []byte, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 24)
		if err != nil {
			return nil, err
		}
		chunk := make([]byte, n+2) // with the line end behind it
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, err
		}
		if n == 0 {
			return body, nil
		}
		body = append(body, chunk[:n]...)
	}
}

// readAnswer reads one HTTP/1.1 answer, as cheaply as can be:
// the load generator shares the machine with what it measures. With keep it returns
// the body.
func readAnswer(r *bufio.Reader, keep bool) (body []byte, closes bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, false, err
	}
	ok := len(line) > 12 && (string(line[9:12]) == "200" || string(line[9:12]) == "204")
	status := string(line)
	if ok {
		status = ""
	}
	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, false, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return nil, false, err
			}
		}
		closes = closes || bytes.EqualFold(line, []byte("connection: close"))
		chunked = chunked || bytes.EqualFold(line, []byte("transfer-encoding: chunked"))
	}
	if chunked {
		body, err = readChunks(r)
		return body, closes, err
	}
	if ok && !keep {
		_, err := r.Discard(length)
		return nil, closes, err
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, fmt.Errorf("answered %s%s", status, body)
	}
	return body, closes, nil
}
