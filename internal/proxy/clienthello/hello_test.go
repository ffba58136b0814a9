package clienthello

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/crypto/cryptobyte"
)

func list(t *testing.T, s, sep string, base int) []uint16 {
	t.Helper()
	var all []uint16
	for part := range strings.SplitSeq(s, sep) {
		if part == "" {
			continue
		}
		n, err := strconv.ParseUint(part, base, 16)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, uint16(n))
	}
	return all
}

// build makes a message of lists, as a client would.
func build(h *Hello) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(messageHello)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(h.Version)
		b.AddBytes(make([]byte, 32))
		b.AddUint8LengthPrefixed(func(*cryptobyte.Builder) {})
		words := func(all []uint16) func(*cryptobyte.Builder) {
			return func(b *cryptobyte.Builder) {
				for _, n := range all {
					b.AddUint16(n)
				}
			}
		}
		b.AddUint16LengthPrefixed(words(h.Ciphers))
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint8(0) })
		if len(h.Extensions) == 0 {
			return
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, id := range h.Extensions {
				b.AddUint16(id)
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
					switch id {
					case extensionSupportedGroups:
						b.AddUint16LengthPrefixed(words(h.Groups))
					case extensionSignatureAlgorithms:
						b.AddUint16LengthPrefixed(words(h.SignatureAlgorithms))
					case extensionSupportedVersions:
						b.AddUint8LengthPrefixed(words(h.Versions))
					case extensionPointFormats:
						b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.PointFormats) })
					case extensionALPN:
						b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
							for _, p := range h.ALPN {
								b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(p)) })
							}
						})
					}
				})
			}
		})
	})
	return b.BytesOrPanic()
}

// TestJA3 has the examples of JA3's description, and what browserleaks.com answered a Chrome
// for Android.
func TestJA3(t *testing.T) {
	for text, want := range map[string]string{
		"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0": "ada70206e40642a3e4461f35503241d5",
		"769,4-5-10-9-100-98-3-6-19-18-99,,,":                                  "de350869b8c85de67a350c8d186f11e6",
		"771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27,4588-29-23-24,0": "98487aa16281980e7d1120d399efb6a4",
	} {
		parts := strings.Split(text, ",")
		version, err := strconv.Atoi(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		h := &Hello{Version: uint16(version), Ciphers: append([]uint16{0x1a1a}, list(t, parts[1], "-", 10)...), Groups: append([]uint16{0xfafa}, list(t, parts[3], "-", 10)...)}
		if parts[2] != "" {
			h.Extensions = append(append([]uint16{0x0a0a}, list(t, parts[2], "-", 10)...), 0xbaba)
		}
		if parts[4] != "" {
			h.PointFormats = []uint8{0}
		}
		got, err := Parse(build(h))
		if err != nil {
			t.Fatal(err)
		}
		if got.JA3Text() != text || got.JA3() != want {
			t.Errorf("%s\n%s: fingerprint %s, want %s", got.JA3Text(), text, got.JA3(), want)
		}
	}
}

// TestJA4 has the example of JA4's description (Chrome), and what browserleaks.com answered.
func TestJA4(t *testing.T) {
	for _, c := range []struct{ name, ciphers, extensions, algorithms, raw, want string }{
		{
			"browserleaks", "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
			"002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b",
			"0403,0804,0401,0503,0805,0501,0806,0601",
			"t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,fe0d,ff01_0403,0804,0401,0503,0805,0501,0806,0601",
			"t13d1516h2_8daaf6152771_d8a2da3f94cd",
		},
		{
			"description", "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
			"001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
			"0403,0804,0401,0503,0805,0501,0806,0601",
			"t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601",
			"t13d1516h2_8daaf6152771_e5627efa2ab1",
		},
	} {
		h := &Hello{
			Version: 0x0303, Ciphers: append([]uint16{0x2a2a}, list(t, c.ciphers, ",", 16)...),
			Extensions:          append([]uint16{0x3a3a}, list(t, c.extensions, ",", 16)...),
			SignatureAlgorithms: list(t, c.algorithms, ",", 16), Versions: []uint16{0xfafa, 0x0304, 0x0303}, ALPN: []string{"h2", "http/1.1"},
		}
		got, err := Parse(build(h))
		if err != nil {
			t.Fatal(err)
		}
		if got.JA4Raw() != c.raw || got.JA4() != c.want {
			t.Errorf("%s:\n%s %s, want\n%s %s", c.name, got.JA4Raw(), got.JA4(), c.raw, c.want)
		}
	}
}

func TestJA4OfUnusualClients(t *testing.T) {
	for _, c := range []struct {
		hello Hello
		want  string
	}{
		{Hello{Version: 0x0301}, "t10i000000_000000000000_000000000000"},
		{Hello{Version: 0x0300, Extensions: []uint16{16}, ALPN: []string{"\xab"}}, "ts3i0001ab_000000000000_000000000000"},
		{Hello{Version: 0x0303, Extensions: []uint16{16}, ALPN: []string{"\x30\xab"}}, "t12i00013b_000000000000_000000000000"},
		{Hello{Version: 0x0303, Extensions: []uint16{0, 16}, ALPN: []string{"h"}}, "t12d0002hh_000000000000_000000000000"},
		{Hello{Version: 0x7f7f}, "t00i000000_000000000000_000000000000"},
	} {
		got, err := Parse(build(&c.hello))
		if err != nil {
			t.Fatal(err)
		}
		if got.JA4() != c.want {
			t.Errorf("%+v: %s, want %s", c.hello, got.JA4(), c.want)
		}
	}
}

// real is what crypto/tls sends.
func real(t testing.TB) []byte {
	a, b := net.Pipe()
	go func() {
		_ = tls.Client(a, &tls.Config{ServerName: "example.com", NextProtos: []string{"h2"}}).Handshake()
		a.Close()
	}()
	read, _, err := Capture(b)
	b.Close()
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestCaptureReadsAcrossRecordsAndReads(t *testing.T) {
	whole := real(t)
	read, message, err := Capture(iotest.OneByteReader(bytes.NewReader(whole)))
	if err != nil || !bytes.Equal(read, whole) {
		t.Fatalf("one byte at a time: %d of %d bytes, %v", len(read), len(whole), err)
	}
	h, err := Parse(message)
	if err != nil || !h.ServerName || len(h.ALPN) != 1 || h.version() != "13" {
		t.Errorf("%+v, %v", h, err)
	}
	// The same message in records of 100 bytes.
	var split []byte
	for rest := message; len(rest) > 0; {
		n := min(100, len(rest))
		split = append(append(split, 22, 3, 1, 0, byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	read, again, err := Capture(bytes.NewReader(split))
	if err != nil || !bytes.Equal(read, split) || !bytes.Equal(again, message) {
		t.Errorf("in many records: %d of %d bytes, %v", len(read), len(split), err)
	}
}

func TestCaptureIsBounded(t *testing.T) {
	large := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0x40, 1}, make([]byte, 20<<10)...)
	tiny := bytes.Repeat([]byte{22, 3, 1, 0, 1, 0}, 10_000)
	copy(tiny, []byte{22, 3, 1, 0, 4, 1, 0, 0x3f, 0xf0})
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"large message":    {large, ErrTooLarge},
		"large record":     {[]byte{22, 3, 1, 0xff, 0xff}, ErrTooLarge},
		"HTTP":             {[]byte("GET / HTTP/1.1\r\n\r\n"), ErrNotTLS},
		"another message":  {[]byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, ErrNotTLS},
		"another record":   {[]byte{23, 3, 1, 0, 4, 2, 0, 0, 0}, ErrNotTLS},
		"empty record":     {[]byte{22, 3, 1, 0, 0}, ErrNotTLS},
		"early end":        {[]byte{22, 3, 1, 0, 9, 1}, io.ErrUnexpectedEOF},
		"nothing":          {nil, io.ErrUnexpectedEOF},
		"very short parts": {append([]byte{22, 3, 1, 0, 4, 1, 0, 0x3f, 0xf0}, bytes.Repeat([]byte{22, 3, 1, 0, 1, 0}, 10_000)...), ErrTooLarge},
	} {
		if read, _, err := Capture(bytes.NewReader(c.raw)); !errors.Is(err, c.want) || !bytes.HasPrefix(c.raw, read) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(real(f))
	f.Add([]byte{22, 3, 1, 0, 4, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		read, message, err := Capture(bytes.NewReader(raw))
		if !bytes.HasPrefix(raw, read) || len(read) > maxRead {
			t.Fatalf("read %d bytes that are not those sent", len(read))
		}
		if err != nil {
			return
		}
		h, err := Parse(message)
		if err != nil {
			return
		}
		ja3, ja4 := h.JA3(), h.JA4()
		if len(ja3) != 32 || len(ja4) != 36 || strings.Count(ja4, "_") != 2 {
			t.Fatal(fmt.Sprint(ja3, ja4))
		}
	})
}

func BenchmarkFingerprints(b *testing.B) {
	raw := real(b)
	b.ReportAllocs()
	for b.Loop() {
		_, message, err := Capture(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		h, err := Parse(message)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = h.JA3(), h.JA4()
	}
}
