package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Worker is a program in a box that answers each line of JSON with a line of JSON. If it ends without an answer, or takes too
// long, it is started anew for the next question.
type Worker struct {
	box     *Box
	program string
	args    []string
	most    time.Duration

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	// said are the last words of the program that has ended.
	said bytes.Buffer
}

// ErrEnded is the error of a question that has ended the program, or that it had no answer to in time.
var ErrEnded = errors.New("sandbox: the program ended without an answer")

// longest is the longest answer, in bytes.
const longest = 1 << 20

// NewWorker makes a worker, whose answers take most at the most.
func NewWorker(box *Box, most time.Duration, program string, args ...string) *Worker {
	return &Worker{box: box, program: program, args: args, most: most}
}

// Ask asks a question. An answer that is none is ErrEnded.
func (w *Worker) Ask(ctx context.Context, question, answer any) error {
	if w.cmd == nil {
		if err := w.start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	type read struct {
		line []byte
		err  error
	}
	got := make(chan read, 1)
	out := w.out
	go func() {
		l, err := out.ReadBytes('\n')
		got <- read{l, err}
	}()
	_, err = w.in.Write(append(line, '\n'))
	timer := time.NewTimer(w.most)
	defer timer.Stop()
	var r read
	if err == nil {
		select {
		case r = <-got:
			err = r.err
		case <-timer.C:
			err = errors.New("it took too long")
		case <-ctx.Done():
			w.Close()
			return ctx.Err()
		}
	}
	if err == nil && len(r.line) <= longest {
		err = json.Unmarshal(r.line, answer)
	}
	if err != nil {
		w.Close()
		return fmt.Errorf("%w: %w %.300s", ErrEnded, err, w.said.Bytes())
	}
	return nil
}

func (w *Worker) start(ctx context.Context) (err error) {
	cmd := w.box.Command(ctx, w.program, w.args...)
	w.said.Reset()
	cmd.Stderr = &bounded{&w.said}
	if w.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	w.cmd, w.out = cmd, bufio.NewReader(out)
	return nil
}

// Close ends the program.
func (w *Worker) Close() {
	if w.cmd == nil {
		return
	}
	_ = w.in.Close()
	_ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = w.cmd.Wait()                                      // it was killed
	w.cmd = nil
}

// bounded keeps the first words.
type bounded struct{ b *bytes.Buffer }

func (w *bounded) Write(p []byte) (int, error) {
	if n := 4096 - w.b.Len(); n > 0 {
		w.b.Write(p[:min(n, len(p))])
	}
	return len(p), nil
}
