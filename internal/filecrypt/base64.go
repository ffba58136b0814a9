package filecrypt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// decoded reads what r has as base64, white space in it ignored.
func decoded(r io.Reader) io.Reader {
	return &decoder{base64.NewDecoder(base64.StdEncoding, &unspaced{r})}
}

type decoder struct{ r io.Reader }

var errNotBase64 = errors.New("--decode: the input is not base64 text")

func (d *decoder) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", errNotBase64, err)
	}
	return n, err
}

// unspaced leaves out white space. The decoder itself ignores line ends only.
type unspaced struct{ r io.Reader }

func (u *unspaced) Read(p []byte) (int, error) {
	for {
		n, err := u.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			switch c {
			case ' ', '\t', '\n', '\r', '\v', '\f':
			default:
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}

// decodedBound is the most bytes that base64 text of n bytes can stand for.
func decodedBound(n int64) int64 { return n/4*3 + n%4*3/4 }
