package crash

import (
	"compress/gzip"
	"io"
)

// unzipped reads what was compressed; half of it is an error.
func unzipped(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(z)
}
