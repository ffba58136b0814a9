package pebble

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walCategory is how the tree names its write-ahead log when it makes a file.
const walCategory vfs.DiskWriteCategory = "pebble-wal"

// Bounds of how far a file of the write-ahead log is filled beyond what is written, in
// bytes. The step grows with the file, so that a process that writes little fills little.
const (
	minAhead = 64 << 10
	maxAhead = 256 << 10
)

// walSpace is a file system in which the files of the write-ahead log have zeros in front
// of where they are written. A write into space that the disk knows as part of the file
// needs no change of the file system's own records at its sync, neither of the length nor
// of which blocks hold data: on ext4 such a sync takes half the time and half the processor
// of one that appends, also of one into space from fallocate. The tree uses its old logs
// again for this reason; a young store has none yet, and those of a process that ended are
// not taken.
//
// Whoever reads a log meets zeros behind its end, as in a log that was used again the rest
// of what it was before; the tree knows both for the end of the log.
type walSpace struct{ vfs.FS }

// Unwrap implements vfs.FS.
func (fs walSpace) Unwrap() vfs.FS { return fs.FS }

// Create implements vfs.FS.
func (fs walSpace) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil || category != walCategory {
		return f, err
	}
	return fs.ahead(f, name, category)
}

// ReuseForWrite implements vfs.FS.
func (fs walSpace) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(oldname, newname, category)
	if err != nil || category != walCategory {
		return f, err
	}
	return fs.ahead(f, newname, category)
}

// ahead opens a file that f has been opened for, which it closes, in the one way that allows
// writes at both places.
func (fs walSpace) ahead(f vfs.File, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Close(); err != nil {
		return nil, err
	}
	f, err := fs.OpenReadWrite(name, category)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &walFile{File: f, end: info.Size()}, nil
}

// walFile is a file of the write-ahead log. One goroutine at a time writes it.
type walFile struct {
	vfs.File
	written int64 // where the next Write goes
	end     int64 // of the file
}

var zeros [32 << 10]byte // only read

// Write implements vfs.File.
func (f *walFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.written += int64(n)
	if err == nil && f.written > f.end {
		f.fill()
	}
	return n, err
}

// fill writes zeros behind what is written. They save time and mean nothing, so a disk that
// has no room for them is not an error: it is one when it has none for what matters.
func (f *walFile) fill() {
	f.end = f.written
	for until := f.written + min(max(f.written, minAhead), maxAhead); f.end < until; {
		n, err := f.File.WriteAt(zeros[:min(until-f.end, int64(len(zeros)))], f.end)
		f.end += int64(n)
		if err != nil {
			return
		}
	}
}
