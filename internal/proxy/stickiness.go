package proxy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"fastness/internal/http1"
	"fastness/internal/proxy/upstream"
)

// The cookies of stickiness, with AWS's names. Each has a twin that browsers also send with
// requests from other sites.
const (
	targetCookie      = "AWSALB"
	groupCookie       = "AWSALBTG"
	applicationCookie = "AWSALBAPP-0"
	twin              = "CORS"
)

// sealer seals the values of cookies: a client shall neither choose its target nor learn
// addresses.
type sealer struct{ keys []cipher.AEAD }

// newSealer makes a sealer of keys, or of own if there are none.
func newSealer(keys [][]byte, own []byte) (*sealer, error) {
	if len(keys) == 0 {
		keys = [][]byte{own}
	}
	s := &sealer{}
	for _, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("a cookie key has %d bytes, not 32", len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, aead)
	}
	return s, nil
}

// seal makes the value of the cookie of a name: text, until a time.
func (s *sealer) seal(name, text string, until time.Time) string {
	aead := s.keys[0]
	b := make([]byte, aead.NonceSize(), aead.NonceSize()+8+len(text)+aead.Overhead())
	_, _ = rand.Read(b) // never fails
	plain := append(binary.BigEndian.AppendUint64(nil, uint64(until.Unix())), text...)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(b, b, plain, []byte(name)))
}

// open returns the text of a cookie, or "" if it is none of ours or its time is over.
func (s *sealer) open(name, value string, now time.Time) string {
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return ""
	}
	for _, aead := range s.keys {
		n := aead.NonceSize()
		if len(b) < n {
			return ""
		}
		plain, err := aead.Open(nil, b[:n], b[n:], []byte(name))
		if err == nil && len(plain) > 8 && now.Unix() < int64(binary.BigEndian.Uint64(plain)) {
			return string(plain[8:])
		}
	}
	return ""
}

// maxCookies bounds how many cookies of a name are tried.
const maxCookies = 4

// cookie finds the sealed text of a cookie that the request came with.
func (f *flow) cookie(name string) string {
	tries := 0
	for i := range f.route.fields {
		field := &f.route.fields[i]
		if !equalFold(field.Name, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(field.Value, ";") {
			key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if !ok || key != name {
				continue
			}
			if text := f.listener.cookies.open(name, value, f.seen.Time); text != "" {
				return text
			}
			if tries++; tries == maxCookies {
				return ""
			}
		}
	}
	return ""
}

// setCookie appends a cookie and its twin.
func (f *flow) setCookie(fields []http1.Field, name, text string, life time.Duration) []http1.Field {
	until := f.seen.Time.Add(life)
	value := f.listener.cookies.seal(name, text, until)
	attributes := "; Expires=" + until.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "; Path=/"
	fields = append(fields, http1.Field{Name: "Set-Cookie", Value: name + "=" + value + attributes})
	if name == applicationCookie {
		return fields
	}
	value = f.listener.cookies.seal(name+twin, text, until)
	attributes += "; SameSite=None"
	if f.scheme == "https" {
		attributes += "; Secure"
	}
	return append(fields, http1.Field{Name: "Set-Cookie", Value: name + twin + "=" + value + attributes})
}

// stuck returns the text of a cookie or of its twin.
func (f *flow) stuck(name string) string {
	if text := f.cookie(name); text != "" || name == applicationCookie {
		return text
	}
	return f.cookie(name + twin)
}

// chooseGroup returns the group for a forward action: the one the client met first, if it
// shall stay there.
func (f *flow) chooseGroup(a *action) *group {
	if a.sticky > 0 && len(a.groups) > 1 {
		if g := a.has(f.stuck(groupCookie)); g != nil {
			return g
		}
	}
	return a.choose()
}

// stuckTarget returns the target that the client shall stay at, if it serves.
func (f *flow) stuckTarget(g *group) *upstream.Target {
	if g.sticky == nil {
		return nil
	}
	name := targetCookie
	if g.sticky.Cookie != "" {
		name = applicationCookie
	}
	arn, addr, ok := strings.Cut(f.stuck(name), " ")
	if !ok || arn != g.arn {
		return nil
	}
	return g.up.Find(addr)
}

// stick appends the cookies of stickiness to the fields of a target's response.
func (f *flow) stick(fields []http1.Field) []http1.Field {
	a, g := f.action, f.group
	if a.sticky > 0 && len(a.groups) > 1 {
		fields = f.setCookie(fields, groupCookie, g.arn, a.sticky)
	}
	if g.sticky == nil {
		return fields
	}
	life := time.Duration(g.sticky.Seconds) * time.Second
	if g.sticky.Cookie == "" {
		return f.setCookie(fields, targetCookie, g.arn+" "+f.target.Addr, life)
	}
	for i := range fields {
		if equalFold(fields[i].Name, "set-cookie") && strings.HasPrefix(fields[i].Value, g.sticky.Cookie+"=") {
			return f.setCookie(fields, applicationCookie, g.arn+" "+f.target.Addr, life)
		}
	}
	return fields
}
