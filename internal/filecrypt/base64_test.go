package filecrypt

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecodedIgnoresWhiteSpace(t *testing.T) {
	const text = " SGVs\r\nbG8s\n\n IHdv\tcmxkIQ== \n"
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		if got, err := io.ReadAll(decoded(r)); err != nil || string(got) != "Hello, world!" {
			t.Errorf("%q %v", got, err)
		}
	}
	for _, bad := range []string{"SGVsbG8", "SGV%bG8s", "SGVsbG8=SGVs", "é"} {
		if _, err := io.ReadAll(decoded(strings.NewReader(bad))); !errors.Is(err, errNotBase64) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestDecodedBoundIsNeverTooSmall(t *testing.T) {
	for n := range 100 {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
			if text := e.EncodeToString(make([]byte, n)); decodedBound(int64(len(text))) < int64(n) {
				t.Errorf("%d bytes: %d", n, decodedBound(int64(len(text))))
			}
		}
	}
}
