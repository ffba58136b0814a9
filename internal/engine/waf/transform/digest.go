package transform

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"strconv"
)

// The digests are raw bytes: AWS says so of MD5, and SecLang follows them with t:hexEncode.

func md5Sum(dst, src []byte) ([]byte, bool) {
	sum := md5.Sum(src)
	return append(dst, sum[:]...), true
}

func sha1Sum(dst, src []byte) ([]byte, bool) {
	sum := sha1.Sum(src)
	return append(dst, sum[:]...), true
}

func sha256Sum(dst, src []byte) ([]byte, bool) {
	sum := sha256.Sum256(src)
	return append(dst, sum[:]...), true
}

// length is the number of bytes in decimal.
func length(dst, src []byte) ([]byte, bool) {
	return strconv.AppendInt(dst, int64(len(src)), 10), true
}
