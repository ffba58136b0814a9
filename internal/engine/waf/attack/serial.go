package attack

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
)

// An object that an application makes again of bytes may run what is in it: Python's pickle, Ruby's Marshal, PHP's
// serialize, Java's object streams and .NET's. Most are no text, so no rule reads them: they are known here by how
// they are built, as they are, in base64 or hexadecimal, and packed by gzip or zlib in those.

const (
	// minSerial is the least length of base64 that is looked into.
	minSerial = 16
	// maxSerial is the longest beginning of an object that is read.
	maxSerial = 4096
	// maxSerials bounds how many pieces of a value are looked into.
	maxSerials = 4
	// inflateSteps is what unpacking costs at most, and serialSteps what reading costs a byte, in steps of package pattern.
	inflateSteps = 20_000
	serialSteps  = 2
)

// serial has the memory for objects.
type serial struct {
	decoded  []byte
	inflated []byte
	source   bytes.Reader
	flate    io.ReadCloser
}

// serialized tells which family of objects a value is one of or has in it, Families if none, and what that has cost in steps.
func (s *Scratch) serialized(b []byte) (f Family, steps int) {
	if len(b) < 6 {
		return Families, 0
	}
	if f = objectOf(b); f != Families {
		return f, serialSteps * min(len(b), maxSerial)
	}
	if b[0] == 0x1f || b[0] == 0x78 {
		f, steps = s.inflatedObject(b)
		if f != Families {
			return f, steps
		}
	}
	tried := 0
	for i := 0; i+minSerial <= len(b) && tried < maxSerials; i++ {
		if !beginsCoded[b[i]] || i > 0 && (word(b[i-1]) || b[i-1] == '+' || b[i-1] == '-' || b[i-1] == '_') {
			continue
		}
		code := codedObject(b[i:])
		if code == 0 {
			continue
		}
		end := i
		for end < len(b) && end-i < maxSerial*4/3 && base64Value[b[end]] <= 63 && !(b[end] == '-' && end+1 < len(b) && b[end+1] == '-') { // two hyphens are before a signature
			end++
		}
		if end-i < minSerial {
			continue
		}
		tried++
		if s.serial.decoded == nil {
			s.serial.decoded = make([]byte, 0, maxSerial+8)
		}
		d := s.serial.decoded[:0]
		if code == 'x' {
			for j := i; j+1 < end && isHex(b[j]) && isHex(b[j+1]) && len(d) < maxSerial; j += 2 {
				d = append(d, unhex(b[j])<<4|unhex(b[j+1]))
			}
		} else {
			d = appendBase64(d, b[i:end])
		}
		steps += serialSteps * len(d)
		if len(d) < 6 {
			continue
		}
		if f = objectOf(d); f == Families && (d[0] == 0x1f || d[0] == 0x78) {
			var more int
			f, more = s.inflatedObject(d)
			steps += more
		}
		if f != Families {
			return f, steps
		}
	}
	return Families, steps
}

// codedObject tells whether b begins as base64 ('b') or hexadecimal ('x') of an object or of packed data does.
func codedObject(b []byte) byte {
	switch b[0] {
	case 'g': // a pickle
		if b[1] == 'A' && b[2] >= 'I' && b[2] <= 'X' {
			return 'b'
		}
	case 'B': // Marshal
		if b[1] == 'A' && b[2] >= 'g' && b[2] <= 'j' {
			return 'b'
		}
	case 'H': // gzip
		if b[1] == '4' && b[2] == 's' && b[3] == 'I' {
			return 'b'
		}
	case 'e': // zlib
		if b[1] == 'A' || b[1] == 'F' || b[1] == 'J' || b[1] == 'N' {
			return 'b'
		}
	case 'T', 'Q': // PHP
		if b[1] == 'z' && b[2] == 'o' {
			return 'b'
		}
	case 'Y': // PHP, and a pickle of the first protocols
		if b[1] == 'T' && b[2] == 'o' || b[1] >= '1' && b[1] <= '3' {
			return 'b'
		}
	case 'f', 'K':
		if b[0] == 'f' && b[1] >= 'Q' && b[1] <= 'T' || b[0] == 'K' && b[1] >= 'A' && b[1] <= 'D' {
			return 'b'
		}
	case '0', '1', '4', '6', '7', '8':
		for _, x := range [...]string{"800", "0408", "1f8b08", "789c", "78da", "7801", "785e", "4f3a", "433a", "613a"} {
			if hasFold(b, x) {
				return 'x'
			}
		}
	}
	return 0
}

// beginsCoded are the bytes that codedObject knows something to begin with.
var beginsCoded = func() (t [256]bool) {
	for _, c := range "gBHeTQYfK014678" {
		t[c] = true
	}
	return
}()

// serialText is how text that is clear may have such an object in it, as the screen looks for it, in lower case.
var serialText = []string{
	`(?:^|[^a-z0-9+_-])(?:ga[i-x]|ba[g-j]|h4si|e[afjn]|[tq]zo|yto|y[1-3]|f[q-t]|k[a-d]|800|0408|1f8b08|789c|78da|7801|785e|4f3a|433a|613a)[a-z0-9+/_-]{12}`,
}

// appendBase64 appends what base64 of either alphabet stands for, up to maxSerial bytes.
func appendBase64(dst, t []byte) []byte {
	for len(t) >= 2 && len(dst) < maxSerial {
		var v uint32
		n := min(len(t), 4)
		for i := range 4 {
			v <<= 6
			if i < n {
				v |= uint32(base64Value[t[i]])
			}
		}
		out := [...]byte{byte(v >> 16), byte(v >> 8), byte(v)}
		dst = append(dst, out[:n-1]...)
		t = t[n:]
	}
	return dst
}

// inflatedObject tells which family of objects is packed in b by gzip or zlib.
func (s *Scratch) inflatedObject(b []byte) (f Family, steps int) {
	switch {
	case b[0] == 0x1f && len(b) > 18 && b[1] == 0x8b && b[2] == 8:
		flags := b[3]
		b = b[10:]
		if flags&4 != 0 && len(b) > 2 {
			b = b[min(2+int(binary.LittleEndian.Uint16(b)), len(b)):]
		}
		for _, text := range [...]byte{8, 16} { // a name, a comment
			if flags&text != 0 {
				end := bytes.IndexByte(b, 0)
				if end < 0 {
					return Families, 0
				}
				b = b[end+1:]
			}
		}
		if flags&2 != 0 && len(b) > 2 {
			b = b[2:]
		}
	case b[0] == 0x78 && len(b) > 6 && (uint16(b[0])<<8|uint16(b[1]))%31 == 0 && b[1]&0x20 == 0:
		b = b[2:]
	default:
		return Families, 0
	}
	p := &s.serial
	p.source.Reset(b)
	if p.flate == nil {
		p.flate = flate.NewReader(&p.source)
		p.inflated = make([]byte, maxSerial)
	} else if err := p.flate.(flate.Resetter).Reset(&p.source, nil); err != nil {
		return Families, 0
	}
	n, err := io.ReadFull(p.flate, p.inflated)
	if n < 6 || err != nil && err != io.ErrUnexpectedEOF {
		return Families, inflateSteps
	}
	return objectOf(p.inflated[:n]), inflateSteps
}

// objectOf tells which family of serialized objects b begins as one of, Families if none.
func objectOf(b []byte) Family {
	switch b[0] {
	case 0xac:
		if b[1] == 0xed && b[2] == 0 && b[3] == 5 && b[4] >= 0x70 && b[4] <= 0x7e {
			return Java
		}
	case 0x04:
		if b[1] == 8 && marshalsObject(b[2:min(len(b), maxSerial)]) {
			return Java
		}
	case 0x00:
		if bytes.HasPrefix(b, netHeader) {
			return Java
		}
	case 'O', 'C', 'a':
		if b[1] == ':' && phpObject(b[:min(len(b), maxSerial)]) {
			return PHP
		}
	}
	if (b[0] == 0x80 && b[1] <= 5 || bytes.IndexByte(b[:min(len(b), 256)], '\n') > 0) && pickles(b[:min(len(b), maxSerial)], len(b) > maxSerial) {
		return Java
	}
	return Families
}

// netHeader begins what .NET's BinaryFormatter writes ([MS-NRBF], section 2.6.1).
var netHeader = []byte{0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}

// phpObject tells whether there is an object with its name in b, as PHP's serialize writes it.
func phpObject(b []byte) bool {
	for i := 0; i+6 < len(b); i++ {
		if c := b[i]; c != 'O' && c != 'C' || b[i+1] != ':' || i > 0 && b[i-1] != '{' && b[i-1] != ';' && b[i-1] != '}' {
			continue
		}
		j, size := i+2, 0
		if b[j] == '+' {
			j++
		}
		for j < len(b) && b[j] >= '0' && b[j] <= '9' && size < 1000 {
			size = size*10 + int(b[j]-'0')
			j++
		}
		if size > 0 && j+2+size+1 < len(b) && b[j] == ':' && b[j+1] == '"' && b[j+2+size] == '"' && b[j+3+size] == ':' {
			return true
		}
	}
	return false
}

// marshalsObject tells whether an object of a class that has a name is in b, which Ruby's Marshal has written.
func marshalsObject(b []byte) bool {
	if bytes.IndexByte([]byte(`0TFi":;@[{}IouUScmMfl/eCd`), b[0]) < 0 {
		return false
	}
	for i := 0; i+3 < len(b); i++ {
		at := i + 2
		switch b[i] {
		case 'o', 'u', 'U', 'S', 'e', 'C', 'd':
			if b[i+1] != ':' {
				continue
			}
		case 'c', 'm', 'M':
			at = i + 1
		default:
			continue
		}
		size := int(b[at]) - 5 // small numbers are written so
		if size < 2 || size > 122 || at+1+size > len(b) {
			continue
		}
		name := b[at+1 : at+1+size]
		if name[0] < 'A' || name[0] > 'Z' || bytes.HasPrefix(name, []byte("ActionDispatch::Flash")) || bytes.HasPrefix(name, []byte("ActionController::Flash")) {
			continue // what frameworks of old keep in a session themselves
		}
		ok := true
		for _, c := range name {
			ok = ok && (word(c) || c == '_' || c == ':')
		}
		if ok {
			return true
		}
	}
	return false
}

// pickles tells whether b is a pickle of Python's that calls something: what it is made of has to be its instructions (the
// module pickletools has a list of them) to the end.
func pickles(b []byte, cut bool) bool {
	named, called := false, false
	line := func() bool {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return false
		}
		b = b[end+1:]
		return true
	}
	twoNames := func() bool {
		for range 2 {
			end := bytes.IndexByte(b, '\n')
			if end <= 0 || end > 200 {
				return false
			}
			for _, c := range b[:end] {
				if !word(c) && c != '_' && c != '.' {
					return false
				}
			}
			b = b[end+1:]
		}
		return true
	}
	for len(b) > 0 {
		op := b[0]
		b = b[1:]
		fixed, sized := 0, 0
		switch op {
		case '.':
			return named && called
		case '(', '0', '1', '2', 'N', 'Q', 'a', 'd', '}', 'e', 'l', ']', 's', 't', ')', 'u', 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x94, 0x97, 0x98:
		case 'R', 'b', 'o', 0x81, 0x92:
			called = true
		case 0x93:
			named = true
		case 'F', 'I', 'L', 'P', 'S', 'V', 'g', 'p':
			if !line() {
				return false
			}
		case 'c':
			if !twoNames() {
				return false
			}
			named = true
		case 'i':
			if !twoNames() {
				return false
			}
			named, called = true, true
		case 'K', 'h', 'q', 0x80, 0x82:
			fixed = 1
			named = named || op == 0x82
		case 'M', 0x83:
			fixed = 2
			named = named || op == 0x83
		case 'J', 'j', 'r', 0x84:
			fixed = 4
			named = named || op == 0x84
		case 'G', 0x95:
			fixed = 8
		case 'U', 'C', 0x8a, 0x8c:
			sized = 1
		case 'T', 'X', 'B', 0x8b:
			sized = 4
		case 0x8d, 0x8e, 0x96:
			sized = 8
		default:
			return false
		}
		if sized > 0 {
			if len(b) < sized {
				return cut && named && called
			}
			for i := range sized {
				if i < 3 {
					fixed |= int(b[i]) << (8 * i)
				} else if b[i] != 0 {
					return false
				}
			}
			b = b[sized:]
		}
		if len(b) < fixed {
			return cut && named && called
		}
		b = b[fixed:]
	}
	return cut && named && called
}
