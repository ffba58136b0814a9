package filecrypt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"fastness/encryptionsdk"
)

// errMissingContext: the message's encryption context is not what was demanded.
var errMissingContext = errors.New("the encryption context is not as demanded")

// process does one job. Its output is there as a whole afterwards, or not at all, except
// on devices, pipes and standard output, which cannot be taken back.
func (r *run) process(ctx context.Context, j *job) error {
	source, size, err := r.openSource(j)
	if err != nil {
		return err
	}
	if source != nil {
		defer source.Close()
	}
	if j.dir != nil {
		if skip, err := r.decide(j, source); err != nil || skip {
			return err
		}
	}
	r.log.info("%s %s to %s", string(r.Mode), j.source, j.output)
	in := r.Stdin
	if source != nil {
		in = source
	}
	out, t, err := r.openTarget(j)
	if err != nil {
		return fmt.Errorf("output %s: %w", printable(j.output), err)
	}
	done := make(chan outcome, 1)
	// The work is left alone when the context ends, because nothing wakes a blocked read of
	// a terminal; the target knows that it is over.
	go func() { done <- r.transform(ctx, j, in, out, size) }()
	var result outcome
	select {
	case result = <-done:
	case <-ctx.Done():
		result.err = context.Cause(ctx)
	}
	if device, ok := out.(*os.File); ok {
		result.err = errors.Join(result.err, device.Close())
	}
	if result.err == nil && t != nil {
		switch result.err = t.commit(r.NoOverwrite); {
		case errors.Is(result.err, errExists):
			r.log.warn("skipping %s: it exists", j.output)
			return nil
		case result.err != nil:
			return result.err
		}
	}
	if result.err != nil && t != nil {
		result.err = errors.Join(result.err, t.abort())
	}
	if result.record != nil && (result.err == nil || result.record.Skipped) {
		result.err = errors.Join(result.err, r.metadata.write(result.record))
	}
	return result.err
}

// openSource opens the input. size is -1 when nobody knows.
func (r *run) openSource(j *job) (source *os.File, size int64, err error) {
	if j.open == nil {
		return nil, -1, nil
	}
	if source, err = j.open(); err != nil {
		return nil, 0, err
	}
	st, err := source.Stat()
	if err == nil && st.IsDir() {
		err = errors.New("it has become a directory")
	}
	if err != nil {
		return nil, 0, errors.Join(err, source.Close())
	}
	if !st.Mode().IsRegular() {
		return source, -1, nil
	}
	return source, st.Size(), nil
}

// decide looks at a file that is in the output's place.
func (r *run) decide(j *job, source *os.File) (skip bool, err error) {
	old, err := j.dir.Stat(j.name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if source != nil {
		st, err := source.Stat()
		if err != nil {
			return false, err
		}
		if os.SameFile(st, old) {
			return false, errors.New("input and output are the same file")
		}
	}
	switch {
	case r.NoOverwrite:
		r.log.warn("skipping %s: it exists", j.output)
		return true, nil
	case r.Interactive:
		if _, err := fmt.Fprintf(r.Stderr, "Overwrite existing output file %q with new contents? [y/N]: ", j.output); err != nil {
			return false, err
		}
		answer, err := r.answers.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
			r.log.warn("skipping %s: it exists", j.output)
			return true, nil
		}
	}
	r.log.info("replacing %s", j.output)
	return false, nil
}

// openTarget opens the output; t is nil for what cannot be taken back.
func (r *run) openTarget(j *job) (out io.Writer, t *target, err error) {
	switch {
	case j.dir != nil:
		if parent := parentOf(j.name); parent != "" {
			if err := j.dir.MkdirAll(strings.TrimSuffix(parent, "/"), 0o777); err != nil {
				return nil, nil, err
			}
		}
		if t, err = newTarget(j.dir, j.name); err != nil {
			return nil, nil, err
		}
		return t, t, nil
	case j.name != "":
		f, err := os.OpenFile(j.name, os.O_WRONLY, 0)
		return f, nil, err
	}
	return struct{ io.Writer }{r.Stdout}, nil, nil
}

// outcome is how a transformation has ended.
type outcome struct {
	record *record
	err    error
}

// writeBuffer is what is collected before base64 text is written, in bytes.
const writeBuffer = 64 << 10

// transform moves one input through the Encryption SDK.
func (r *run) transform(ctx context.Context, j *job, in io.Reader, out io.Writer, size int64) (o outcome) {
	counted := newProgress(in, r.Environment, j.source, max(size, 0))
	defer counted.done()
	in = counted
	if r.Decode {
		in = decoded(in)
		if size >= 0 {
			size = decodedBound(size)
		}
	}
	// From the inside out: the message, base64, what is held back.
	finish := func() error { return nil }
	if r.Buffer && j.dir == nil {
		held := new(bytes.Buffer)
		defer func() { clear(held.Bytes()) }()
		final := out
		out, finish = held, func() error {
			_, err := held.WriteTo(final)
			return err
		}
	}
	if r.Encode {
		collected := bufio.NewWriterSize(out, writeBuffer)
		encoder, then := base64.NewEncoder(base64.StdEncoding, collected), finish
		out, finish = encoder, func() error {
			if err := encoder.Close(); err != nil {
				return err
			}
			if err := collected.Flush(); err != nil {
				return err
			}
			return then()
		}
	}
	if r.Mode.decrypts() {
		o = r.decrypt(ctx, in, out)
	} else {
		o = r.encrypt(ctx, in, out, size)
	}
	if o.record != nil {
		o.record.Mode, o.record.Input, o.record.Output = r.Mode, j.source, j.output
	}
	if o.err == nil {
		o.err = finish()
	}
	return o
}

func (r *run) encrypt(ctx context.Context, in io.Reader, out io.Writer, size int64) (o outcome) {
	options := encryptionsdk.EncryptOptions{
		Manager: r.manager, Suite: r.Suite, CommitmentPolicy: r.CommitmentPolicy,
		EncryptionContext: maps.Clone(r.EncryptionContext), FrameLength: r.FrameLength, MaxEncryptedDataKeys: r.MaxEncryptedDataKeys,
	}
	if r.Caching != nil && size >= 0 {
		// A cached data key is used for messages of a known length only.
		options.PlaintextLengthBound = max(size, 1)
	}
	e, err := encryptionsdk.NewEncrypter(ctx, out, options)
	if err != nil {
		return outcome{err: err}
	}
	if _, err := io.Copy(e, in); err != nil {
		return outcome{err: err}
	}
	if err := e.Close(); err != nil {
		return outcome{err: err}
	}
	return outcome{record: &record{Header: newRecordHeader(e.Header())}}
}

func (r *run) decrypt(ctx context.Context, in io.Reader, out io.Writer) (o outcome) {
	options := encryptionsdk.DecryptOptions{
		Manager: r.manager, CommitmentPolicy: r.CommitmentPolicy, MaxEncryptedDataKeys: r.MaxEncryptedDataKeys,
		MaxFrameLength: r.MaxLength, UnsignedOnly: r.Mode == DecryptUnsigned,
	}
	d, err := encryptionsdk.NewDecrypter(ctx, in, options)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { o.err = errors.Join(o.err, d.Close()) }()
	h := d.Header()
	o.record = &record{Header: newRecordHeader(h), HeaderAuth: newRecordAuth(h)}
	if keys, pairs := r.missing(h.EncryptionContext); len(keys) > 0 || len(pairs) > 0 {
		o.record.Skipped, o.record.Reason = true, missingReason
		o.record.MissingKeys, o.record.MissingPairs = keys, pairs
		names := slices.Clone(keys)
		for _, p := range pairs {
			names = append(names, p[0]+"="+p[1])
		}
		o.err = fmt.Errorf("%w: it lacks %s", errMissingContext, printable(strings.Join(names, ", ")))
		return o
	}
	_, o.err = io.Copy(out, d)
	return o
}

// missing lists the demanded keys and pairs that a context does not have.
func (r *run) missing(has encryptionsdk.EncryptionContext) (keys []string, pairs [][2]string) {
	keys, pairs = []string{}, [][2]string{}
	for _, k := range r.RequiredKeys {
		if _, ok := has[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(r.EncryptionContext)) {
		if v, ok := has[k]; !ok || v != r.EncryptionContext[k] {
			pairs = append(pairs, [2]string{k, r.EncryptionContext[k]})
		}
	}
	return keys, pairs
}
