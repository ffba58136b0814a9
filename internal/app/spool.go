package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
	"fastness/internal/service/wafv2"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/waflog"

	"github.com/klauspost/compress/s2"
)

// objects puts objects into buckets (bucket.Client).
type objects interface {
	Exists(ctx context.Context, bucket string) error
	Put(ctx context.Context, bucket, key, contentType string, body []byte) error
}

// The bounds of the spool, in bytes.
const (
	// DefaultSpoolBytes is how much may wait for a bucket that takes nothing.
	DefaultSpoolBytes = 256 << 20
	spoolRowBytes     = 256 << 10 // of a row, before compression
	spoolObjectBytes  = 16 << 20  // of an object, before compression (AWS: 75 MB)
	maxSpoolRow       = 4 << 20
	// maxSpoolRows is how many rows make an object, maxSpoolDeleted how many a transaction deletes.
	maxSpoolRows    = 2000
	maxSpoolDeleted = 100
)

// DefaultSpoolPeriod is what an object has the records of: AWS makes one every five minutes.
const DefaultSpoolPeriod = 5 * time.Minute

// spool keeps records for buckets in the store, sealed like everything there, until they are objects. What
// was taken survives a crash; an object that was put just before one may be put again, under its same
// name. (So that this holds, the rows of an object go together: where one transaction cannot delete them all,
// the first one notes which they are.)
type spool struct {
	store   store.Store
	objects objects
	clock   clock.Clock
	log     *slog.Logger
	most    int64
	period  time.Duration
	bytes   atomic.Int64
	// wait is how long the next attempt at a bucket waits, until when, by its name. Run alone uses it.
	wait map[string]spoolWait
}

type spoolWait struct {
	until time.Time
	pause time.Duration
}

// reserveSpool takes the spool's keys.
func reserveSpool(reg *table.Registry) error {
	if err := reg.Reserve("app", "waf-spool", func(b []byte) error { _, err := spoolLines(b); return err }); err != nil {
		return err
	}
	return reg.Reserve("app", "waf-spool-put", func(b []byte) error { _, err := spoolNote(b); return err })
}

var (
	spoolSpace = table.Key(table.String(""), table.String(""), table.String("app"), table.String("waf-spool"))
	// spoolPutSpace has notes of objects that were put, and whose rows are being deleted.
	spoolPutSpace = table.Key(table.String(""), table.String(""), table.String("app"), table.String("waf-spool-put"))
)

// slotKey is what the rows of an object lie under. A slot is the second, since 1970, with which its time begins.
func slotKey(bucket, acl string, slot int64) []byte {
	return table.AppendKey(bytes.Clone(spoolSpace), table.String(bucket), table.String(acl), table.Uint(uint64(slot)))
}

// spoolLines unpacks a row.
func spoolLines(b []byte) ([]byte, error) {
	if n, err := s2.DecodedLen(b); err != nil || n > maxSpoolRow {
		return nil, errors.New("app: damaged row of records for a bucket")
	}
	return s2.Decode(nil, b)
}

// openSpool finds out how much waits.
func openSpool(ctx context.Context, s store.Store, to objects, c *Config) (*spool, error) {
	p := &spool{store: s, objects: to, clock: c.Clock, log: c.Log, most: DefaultSpoolBytes, wait: make(map[string]spoolWait)}
	if c.WAFLogs.SpoolBytes > 0 {
		p.most = c.WAFLogs.SpoolBytes
	}
	if p.period = c.WAFLogs.Period; p.period <= 0 {
		p.period = DefaultSpoolPeriod
	}
	if err := p.resume(ctx); err != nil {
		return nil, err
	}
	err := s.View(ctx, func(r store.Reader) error {
		for it, err := range r.Scan(store.Prefix(spoolSpace)) {
			if err != nil {
				return err
			}
			p.bytes.Add(int64(len(it.Value)))
		}
		return nil
	})
	return p, err
}

// Bucket implements wafv2.Buckets.
func (p *spool) Bucket(ctx context.Context, name string) error {
	const most = 5 * time.Second // a call waits for it
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	name, _, _ = strings.Cut(name, "/")
	err := p.objects.Exists(ctx, name)
	if err != nil {
		p.log.Warn("a bucket for logs of web ACLs is not there", "bucket", name, "error", err)
	}
	return err
}

var errSpoolFull = errors.New("app: more records wait for buckets than may")

// take puts records aside, durably. destination is a bucket, with a prefix behind a slash if there is
// one.
func (p *spool) take(ctx context.Context, acl, destination string, records []waflog.Record) error {
	slot := p.clock.Now().Truncate(p.period).Unix()
	var lines []byte
	for i, r := range records {
		lines = append(append(lines, r.Text...), '\n')
		if len(lines) < spoolRowBytes && i < len(records)-1 {
			continue
		}
		row := s2.Encode(nil, lines)
		lines = lines[:0]
		size := int64(len(row))
		if p.bytes.Add(size) > p.most {
			p.bytes.Add(-size)
			return errSpoolFull
		}
		var n [8]byte
		_, _ = rand.Read(n[:])
		key := table.AppendKey(slotKey(destination, acl, slot), table.Uint(uint64(p.clock.Now().UnixMicro())), table.Uint(binary.BigEndian.Uint64(n[:])))
		if _, err := p.store.Update(ctx, func(tx store.Txn) error { return tx.Put(key, row) }); err != nil {
			p.bytes.Add(-size)
			return err
		}
	}
	return nil
}

// The pauses between attempts at a bucket.
const (
	spoolPeriod   = 10 * time.Second
	maxSpoolPause = 5 * time.Minute
)

// run makes objects until ctx is done.
func (p *spool) run(ctx context.Context) error {
	for {
		if err := p.clock.Sleep(ctx, min(spoolPeriod, p.period)); err != nil {
			return err
		}
		if err := p.drain(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("records for buckets could not be read; they stay", "error", err)
		}
	}
}

// drain puts the objects whose time has ended. A bucket that takes nothing is left alone for a while.
func (p *spool) drain(ctx context.Context) error {
	if err := p.resume(ctx); err != nil {
		return err
	}
	after := bytes.Clone(spoolSpace)
	for {
		o, next, err := p.next(ctx, after)
		if err != nil || o == nil {
			return err
		}
		after = next
		if o.open(p.clock.Now(), p.period) || p.wait[o.bucket()].until.After(p.clock.Now()) {
			after = store.PrefixEnd(slotKey(o.destination, o.acl, o.slot))
			continue
		}
		if err := p.deliver(ctx, o); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w := p.wait[o.bucket()]
			w.pause = min(max(2*w.pause, spoolPeriod), maxSpoolPause)
			w.until = p.clock.Now().Add(w.pause)
			p.wait[o.bucket()] = w
			p.log.Warn("a bucket does not take the logs of a web ACL; they wait", "bucket", o.bucket(), "webACL", o.acl, "again in", w.pause, "error", err)
			after = store.PrefixEnd(slotKey(o.destination, o.acl, o.slot))
			continue
		}
		delete(p.wait, o.bucket())
	}
}

// logObject is the rows of an object, or of one of several for a slot.
type logObject struct {
	destination, acl string
	slot             int64
	keys             [][]byte
	lines            []byte
	packed           int64
}

func (o *logObject) bucket() string {
	name, _, _ := strings.Cut(o.destination, "/")
	return name
}

// open tells whether more records may come.
func (o *logObject) open(now time.Time, period time.Duration) bool {
	return now.Before(time.Unix(o.slot, 0).Add(period))
}

// next reads the rows of the next object behind a key, and returns the key behind them. While records may
// come for it, only its first row is read.
func (p *spool) next(ctx context.Context, after []byte) (o *logObject, next []byte, err error) {
	now := p.clock.Now()
	err = p.store.View(ctx, func(r store.Reader) error {
		for it, err := range r.Scan(store.Range{Start: after, End: store.PrefixEnd(spoolSpace)}) {
			if err != nil {
				return err
			}
			parts, err := table.ParseKey(it.Key[len(spoolSpace):])
			if err != nil || len(parts) != 5 {
				return table.ErrKey
			}
			destination, _ := parts[0].Str()
			acl, _ := parts[1].Str()
			slot, _ := parts[2].Num()
			if o == nil {
				o = &logObject{destination: destination, acl: acl, slot: int64(slot)}
			} else if destination != o.destination || acl != o.acl || int64(slot) != o.slot || len(o.lines) >= spoolObjectBytes || len(o.keys) >= maxSpoolRows {
				return nil
			}
			next = append(bytes.Clone(it.Key), 0)
			if o.open(now, p.period) {
				return nil
			}
			lines, err := spoolLines(it.Value)
			if err != nil {
				return err
			}
			o.keys = append(o.keys, bytes.Clone(it.Key))
			o.lines = append(o.lines, lines...)
			o.packed += int64(len(it.Value))
		}
		return nil
	})
	return o, next, err
}

// deliver puts an object and forgets its rows.
func (p *spool) deliver(ctx context.Context, o *logObject) error {
	name, err := o.name()
	if err != nil {
		p.log.Error("records of what is no web ACL are dropped", "webACL", o.acl)
		return p.forget(ctx, o)
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write(o.lines); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := p.objects.Put(ctx, o.bucket(), name, "application/x-gzip", body.Bytes()); err != nil {
		return err
	}
	return p.forget(ctx, o)
}

// forget deletes the rows of an object that was put.
func (p *spool) forget(ctx context.Context, o *logObject) error {
	if len(o.keys) <= maxSpoolDeleted {
		_, err := p.store.Update(ctx, func(tx store.Txn) error { return deleteAll(tx, o.keys) })
		if err == nil {
			p.bytes.Add(-o.packed)
		}
		return err
	}
	note := append(bytes.Clone(spoolPutSpace), o.keys[0][len(spoolSpace):]...)
	if _, err := p.store.Update(ctx, func(tx store.Txn) error { return tx.Put(note, noteOf(o.keys)) }); err != nil {
		return err
	}
	p.bytes.Add(-o.packed)
	return p.finish(ctx, note, o.keys)
}

func deleteAll(tx store.Txn, keys [][]byte) error {
	for _, k := range keys {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// finish deletes the rows that a note names, and the note with the last of them.
func (p *spool) finish(ctx context.Context, note []byte, keys [][]byte) error {
	for {
		n := min(len(keys), maxSpoolDeleted)
		last := n == len(keys)
		if _, err := p.store.Update(ctx, func(tx store.Txn) error {
			if err := deleteAll(tx, keys[:n]); err != nil || !last {
				return err
			}
			return tx.Delete(note)
		}); err != nil || last {
			return err
		}
		keys = keys[n:]
	}
}

// resume finishes what was interrupted between putting objects and forgetting their rows.
func (p *spool) resume(ctx context.Context) error {
	notes := make(map[string][][]byte)
	if err := p.store.View(ctx, func(r store.Reader) error {
		for it, err := range r.Scan(store.Prefix(spoolPutSpace)) {
			if err != nil {
				return err
			}
			keys, err := spoolNote(it.Value)
			if err != nil {
				return err
			}
			notes[string(it.Key)] = keys
		}
		return nil
	}); err != nil {
		return err
	}
	for note, keys := range notes {
		if err := p.finish(ctx, []byte(note), keys); err != nil {
			return err
		}
	}
	return nil
}

// noteOf lists keys: each with its length before it.
func noteOf(keys [][]byte) (note []byte) {
	for _, k := range keys {
		note = append(binary.AppendUvarint(note, uint64(len(k))), k...)
	}
	return s2.Encode(nil, note)
}

// spoolNote reads what noteOf made.
func spoolNote(b []byte) (keys [][]byte, err error) {
	if b, err = spoolLines(b); err != nil {
		return nil, err
	}
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) || !bytes.HasPrefix(b[size:size+int(n)], spoolSpace) {
			return nil, errors.New("app: damaged note of records that were put into a bucket")
		}
		keys = append(keys, b[size:size+int(n)])
		b = b[size+int(n):]
	}
	return keys, nil
}

// name is an object's key (AWS WAF Developer Guide, "Sending web ACL traffic logs to an Amazon Simple Storage
// Service bucket"). Its last part is a hash of what it is made of: the same rows are the same object.
func (o *logObject) name() (string, error) {
	account, region, _, ok := wafv2.LogStream(o.acl)
	if !ok {
		return "", fmt.Errorf("app: %q is no web ACL", o.acl)
	}
	if wafv2.IsGlobal(o.acl) {
		region = "cloudfront"
	}
	acl := o.acl[:strings.LastIndexByte(o.acl, '/')]
	acl = acl[strings.LastIndexByte(acl, '/')+1:]
	h := sha256.New()
	for _, k := range o.keys {
		h.Write(k)
	}
	at := time.Unix(o.slot, 0).UTC()
	name := fmt.Sprintf("AWSLogs/%s/WAFLogs/%s/%s/%s/%s_waflogs_%s_%s_%s_%s.log.gz",
		account, region, acl, at.Format("2006/01/02/15/04"), account, region, acl, at.Format("20060102T1504Z"), hex.EncodeToString(h.Sum(nil)[:4]))
	if _, prefix, ok := strings.Cut(o.destination, "/"); ok && strings.Trim(prefix, "/") != "" {
		name = strings.Trim(prefix, "/") + "/" + name
	}
	return name, nil
}
