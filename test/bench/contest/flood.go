package contest

import (
	"bufio"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Flood sends n requests, which request makes, over a number of connections, as fast as
// they are answered. The first answer other than 200 or 204 ends it with an error.
func (s *Server) Flood(ctx context.Context, conns, n int, request func(i int) ([]byte, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			if err := s.drain(ctx, &next, n, request); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// drain sends the requests that are left over one connection.
func (s *Server) drain(ctx context.Context, next *atomic.Int64, n int, request func(i int) ([]byte, error)) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := dial(within, s.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 16<<10)
	for ctx.Err() == nil {
		i := int(next.Add(1)) - 1
		if i >= n {
			return nil
		}
		b, err := request(i)
		if err != nil {
			return err
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := conn.Write(b); err != nil {
			return err
		}
		if _, _, err := readAnswer(r, false); err != nil {
			return err
		}
	}
	return nil
}
