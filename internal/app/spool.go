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
	// maxSpoolDeleted is how many rows a transaction deletes.
	maxSpoolDeleted = 100
)

// slotSpan is what an object has the records of: AWS makes one every five minutes.
const slotSpan = 5 * time.Minute

// spool keeps records for buckets in the store, sealed like everything there, until they are objects. What
// was taken survives a crash; an object that was put just before one may be put again, under its same
// name.
type spool struct {
	store   store.Store
	objects objects
	clock   clock.Clock
	log     *slog.Logger
	most    int64
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
	return reg.Reserve("app", "waf-spool", func(b []byte) error { _, err := spoolLines(b); return err })
}

var spoolSpace = table.Key(table.String(""), table.String(""), table.String("app"), table.String("waf-spool"))

// slotKey is what the rows of an object lie under.
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
	slot := p.clock.Now().Unix() / int64(slotSpan.Seconds())
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
		if err := p.clock.Sleep(ctx, spoolPeriod); err != nil {
			return err
		}
		if err := p.drain(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("records for buckets could not be read; they stay", "error", err)
		}
	}
}

// drain puts the objects whose time has ended. A bucket that takes nothing is left alone for a while.
func (p *spool) drain(ctx context.Context) error {
	after := bytes.Clone(spoolSpace)
	for {
		o, next, err := p.next(ctx, after)
		if err != nil || o == nil {
			return err
		}
		after = next
		if o.open(p.clock.Now()) || p.wait[o.bucket()].until.After(p.clock.Now()) {
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
func (o *logObject) open(now time.Time) bool {
	return now.Unix() < (o.slot+1)*int64(slotSpan.Seconds())
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
			} else if destination != o.destination || acl != o.acl || int64(slot) != o.slot || len(o.lines) >= spoolObjectBytes {
				return nil
			}
			next = append(bytes.Clone(it.Key), 0)
			if o.open(now) {
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

func (p *spool) forget(ctx context.Context, o *logObject) error {
	for keys := o.keys; len(keys) > 0; {
		n := min(len(keys), maxSpoolDeleted)
		if _, err := p.store.Update(ctx, func(tx store.Txn) error {
			for _, k := range keys[:n] {
				if err := tx.Delete(k); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		keys = keys[n:]
	}
	p.bytes.Add(-o.packed)
	return nil
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
	at := time.Unix(o.slot*int64(slotSpan.Seconds()), 0).UTC()
	name := fmt.Sprintf("AWSLogs/%s/WAFLogs/%s/%s/%s/%s_waflogs_%s_%s_%s_%s.log.gz",
		account, region, acl, at.Format("2006/01/02/15/04"), account, region, acl, at.Format("20060102T1504Z"), hex.EncodeToString(h.Sum(nil)[:4]))
	if _, prefix, ok := strings.Cut(o.destination, "/"); ok && strings.Trim(prefix, "/") != "" {
		name = strings.Trim(prefix, "/") + "/" + name
	}
	return name, nil
}
