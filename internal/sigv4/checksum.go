package sigv4

import (
	"crypto/fips140"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"
)

// ChecksumPrefix begins the name of every checksum header and trailer.
const ChecksumPrefix = "x-amz-checksum-"

// crc64NVME is the polynomial of the NVM Express base specification (section
// "64b CRC"), bit-reversed.
var crc64NVME = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9A6C9329AC4BC9B5) })

// NewChecksum makes the hash that a checksum header names, by its lower-case name:
// x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1 or -sha256. The header's value
// is the standard base64 of the hash's Sum (big-endian for the CRCs). SHA-1 is
// unknown where FIPS 140-3 is enforced.
func NewChecksum(header string) (hash.Hash, bool) {
	name, ok := strings.CutPrefix(header, ChecksumPrefix)
	if !ok {
		return nil, false
	}
	switch name {
	case "crc32":
		return crc32.NewIEEE(), true
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli)), true
	case "crc64nvme":
		return crc64.New(crc64NVME()), true
	case "sha1":
		if fips140.Enforced() {
			return nil, false
		}
		return sha1.New(), true
	case "sha256":
		return sha256.New(), true
	}
	return nil, false
}
