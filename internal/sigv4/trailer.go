package sigv4

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
)

const trailerSignature = "x-amz-trailer-signature"

// maxBlankLines bounds the empty lines of a trailer.
const maxBlankLines = 3

// readTrailer reads the lines behind the last chunk up to the end of the body. They
// must be exactly what X-Amz-Trailer announced and, in the signed mode, the
// trailer's signature; then it verifies both. A line may end in a bare line feed,
// and a few empty lines may stand anywhere: S3's own examples and its clients differ
// in both, and neither changes what the trailer says.
func (c *chunkReader) readTrailer() error {
	c.trailer = make(map[string]string, len(c.sums))
	signature := ""
	complete := func() bool { return len(c.trailer) == len(c.sums) && (signature != "") == c.signed }
	blanks := 0
	for {
		line, err := c.br.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 && complete() {
			break
		}
		if err != nil {
			return c.broken(err)
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		if len(line) == 0 {
			if blanks++; blanks > maxBlankLines {
				return c.badTrailer()
			}
			continue
		}
		rawName, rawValue, ok := bytes.Cut(line, []byte(":"))
		name, value := strings.ToLower(string(rawName)), string(bytes.Trim(rawValue, " \t"))
		_, repeated := c.trailer[name]
		switch {
		case !ok || repeated || signature != "":
			return c.badTrailer()
		case name == trailerSignature && c.signed:
			signature = value
		case c.sum(name) != nil:
			c.trailer[name] = value
		default:
			return c.badTrailer()
		}
	}
	if c.signed && c.key != nil {
		if err := c.checkTrailer(signature); err != nil {
			return err
		}
	}
	return c.checkSums()
}

func (c *chunkReader) badTrailer() error { return c.s.fail(KindTrailer, textTrailerS3, "") }

// checkTrailer verifies the trailer's signature: algorithm-TRAILER, time, scope,
// previous signature, hash of the lines "name:value\n" sorted by name.
func (c *chunkReader) checkTrailer(signature string) error {
	var lines []byte
	for _, name := range slices.Sorted(maps.Keys(c.trailer)) {
		lines = append(append(lines, name...), ':')
		lines = append(append(lines, c.trailer[name]...), '\n')
	}
	sts := c.begin("-TRAILER\n")
	c.sc.sum = sha256.Sum256(lines)
	c.sc.sts = hex.AppendEncode(sts, c.sc.sum[:])
	return c.check(signature)
}

func (c *chunkReader) checkSums() error {
	for i := range c.sums {
		name := c.sums[i].name
		want, err := base64.StdEncoding.Strict().DecodeString(c.trailer[name])
		if err != nil {
			return c.s.fail(KindTrailer, "Value for "+name+" trailing header is invalid.", "")
		}
		if subtle.ConstantTimeCompare(want, c.sums[i].hash.Sum(nil)) != 1 {
			kind := strings.ToUpper(strings.TrimPrefix(name, ChecksumPrefix))
			return c.s.fail(KindChecksum, "The "+kind+" you specified did not match the calculated checksum.", "")
		}
	}
	return nil
}
