package clienthello

import (
	"errors"
	"io"
)

const (
	// MaxSize is the most that a ClientHello may have, in bytes, with its header.
	MaxSize = 16 << 10
	// maxRead bounds what is read for it: records add five bytes each, and may be short.
	maxRead = MaxSize + 4<<10
	// recordHandshake is the content type of a record, messageHello the type of a message
	// (RFC 8446 §5.1, §4).
	recordHandshake = 22
	messageHello    = 1
)

// ErrNotTLS is the error of Capture when the connection does not begin as TLS does.
var ErrNotTLS = errors.New("clienthello: not a TLS connection")

// ErrTooLarge is that for a message of more than MaxSize.
var ErrTooLarge = errors.New("clienthello: message too large")

// Capture reads a ClientHello. read is all that was read, also with an error; message is the
// handshake message in it, with its header of four bytes.
func Capture(src io.Reader) (read, message []byte, err error) {
	buf := make([]byte, 0, 2<<10)
	more := func(n int) error {
		if n > maxRead {
			return ErrTooLarge
		}
		for len(buf) < n {
			if cap(buf) < n {
				buf = append(make([]byte, 0, min(2*n, maxRead)), buf...)
			}
			k, err := src.Read(buf[len(buf):cap(buf)])
			if buf = buf[:len(buf)+k]; k == 0 && err != nil {
				if err == io.EOF { //nolint:errorlint // as a connection returns it
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		return nil
	}
	for at := 0; ; {
		if err := more(at + 1); err != nil {
			return buf, nil, err
		}
		if buf[at] != recordHandshake {
			return buf, nil, ErrNotTLS
		}
		if err := more(at + 5); err != nil {
			return buf, nil, err
		}
		size := int(buf[at+3])<<8 | int(buf[at+4])
		if buf[at+1] != 3 || size == 0 {
			return buf, nil, ErrNotTLS
		}
		if size > MaxSize {
			return buf, nil, ErrTooLarge
		}
		if err := more(at + 5 + size); err != nil {
			return buf, nil, err
		}
		message = append(message, buf[at+5:at+5+size]...)
		at += 5 + size
		if len(message) < 4 {
			continue
		}
		if message[0] != messageHello {
			return buf, nil, ErrNotTLS
		}
		whole := 4 + int(message[1])<<16 + int(message[2])<<8 + int(message[3])
		if whole > MaxSize {
			return buf, nil, ErrTooLarge
		}
		if len(message) >= whole {
			return buf, message[:whole], nil
		}
	}
}
