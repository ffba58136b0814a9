package account

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// decoded is the beginning of a body without its content coding, at most MaxAnswerBody bytes of it; what
// cannot be decoded is left as it is.
func decoded(body []byte, fields []request.Field) []byte {
	coding := ""
	for i := range fields {
		if strings.EqualFold(fields[i].Name, "content-encoding") {
			coding = strings.ToLower(strings.TrimSpace(fields[i].Value))
		}
	}
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // RFC 9110 §8.4.1.2 means zlib; some send the bare stream
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return body
	}
	if err != nil {
		return body
	}
	// The beginning of a stream ends in the middle of it: what there is counts.
	text, _ := io.ReadAll(io.LimitReader(r, waf.MaxAnswerBody))
	return text
}
