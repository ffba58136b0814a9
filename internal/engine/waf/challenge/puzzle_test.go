package challenge

import (
	"bytes"
	"encoding/binary"
	"html"
	"image/png"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// puzzled is a puzzle as its form carries it, and what is in it.
func puzzled(t *testing.T, g *Gate, r *request.Request) (page []byte, sealed string, p puzzle) {
	t.Helper()
	a, err := g.Answer(r, waf.Captcha, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed = attribute(t, a.Body, `name="p" value`)
	if p, err = g.openPuzzle(r, sealed); err != nil {
		t.Fatal(err)
	}
	return a.Body, sealed, p
}

func TestAnswerToPuzzleGivesAToken(t *testing.T) {
	for name, answer := range map[string]func(p *puzzle) string{
		"letters": func(p *puzzle) string {
			return strings.ToLower(" " + string(p.picture[:3]) + " " + string(p.picture[3:]))
		},
		"digits": func(p *puzzle) string { return string(p.sound[:]) },
	} {
		g := newGate(t, Options{})
		page, sealed, p := puzzled(t, g, get("www.example.com", "/a?b=1&c"))
		form := url.Values{"p": {sealed}, "answer": {answer(&p)}, "to": {html.UnescapeString(attribute(t, page, `name="to" value`))}}
		a := serve(t, g, post("www.example.com", puzzlePath, form))
		if a.Status != 303 || a.field("Location") != "/a?b=1&c" {
			t.Fatalf("%s: %d %v", name, a.Status, a.Fields)
		}
		token := g.Token(get("www.example.com", "/", cookieOf(t, a)), nil, start)
		if token.Status != waf.TokenValid || token.CaptchaSolved != start.Unix() || token.ChallengeSolved != start.Unix() {
			t.Errorf("%s: %+v", name, token)
		}
		if again := serve(t, g, post("www.example.com", puzzlePath, form)); again.Status != 403 || again.field("Set-Cookie") != "" {
			t.Errorf("%s, again: %d", name, again.Status)
		}
	}
}

func TestPuzzleTakesOneAttempt(t *testing.T) {
	g := newGate(t, Options{})
	_, sealed, p := puzzled(t, g, get("www.example.com", "/"))
	wrong := serve(t, g, post("www.example.com", puzzlePath, url.Values{"p": {sealed}, "answer": {"000000"}, "to": {"/x"}}))
	if wrong.Status != 403 || wrong.field("Set-Cookie") != "" || !bytes.Contains(wrong.Body, []byte(`role="alert"`)) {
		t.Fatalf("wrong answer: %d", wrong.Status)
	}
	if next := attribute(t, wrong.Body, `name="p" value`); next == sealed {
		t.Error("the same puzzle again")
	}
	if late := serve(t, g, post("www.example.com", puzzlePath, url.Values{"p": {sealed}, "answer": {string(p.sound[:])}})); late.Status != 403 {
		t.Errorf("second attempt: %d", late.Status)
	}
	_, sealed, p = puzzled(t, g, get("www.example.com", "/"))
	for name, change := range map[string]func(r *request.Request){
		"too late":     func(r *request.Request) { r.Time = start.Add(DefaultLifetime) },
		"other host":   func(r *request.Request) { r.Host = "www.example.org" },
		"other client": func(r *request.Request) { r.Fields[0].Value = "Script/1" },
	} {
		r := post("www.example.com", puzzlePath, url.Values{"p": {sealed}, "answer": {string(p.picture[:])}, "to": {"//evil.example"}})
		change(r)
		if a := serve(t, g, r); a.Status != 303 || a.field("Set-Cookie") != "" || a.field("Location") != "/" {
			t.Errorf("%s: %d %v", name, a.Status, a.Fields)
		}
	}
}

func TestAnswerIsNotInThePage(t *testing.T) {
	g := newGate(t, Options{})
	page, sealed, p := puzzled(t, g, get("www.example.com", "/"))
	raw, _ := encoding.DecodeString(sealed)
	for _, answer := range [][]byte{p.picture[:], p.sound[:], p.nonce[:]} {
		if bytes.Contains(page, answer) || bytes.Contains(raw, answer) {
			t.Errorf("%q is there", answer)
		}
	}
}

func TestWithoutScriptThePuzzleIsInstead(t *testing.T) {
	g := newGate(t, Options{})
	page := challenged(t, g, get("www.example.com", "/a")).Body
	if !bytes.Contains(page, []byte("<noscript>\n<form method=\"get\" action=\""+puzzlePath)) {
		t.Fatal("no form without script")
	}
	query := "?c=" + attribute(t, page, `name="c" value`) + "&to=%2Fa"
	a := serve(t, g, get("www.example.com", puzzlePath+query))
	if a.Status != 200 || attribute(t, a.Body, `name="to" value`) != "/a" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	late := get("www.example.com", puzzlePath+query)
	late.Time = start.Add(time.Hour)
	if a := serve(t, g, late); a.Status != 303 || a.field("Location") != "/a" {
		t.Errorf("later: %d %v", a.Status, a.Fields)
	}
}

func TestPictureIsAlwaysTheSame(t *testing.T) {
	g := newGate(t, Options{})
	page, _, p := puzzled(t, g, get("www.example.com", "/"))
	target := attribute(t, page, "<img src")
	one, two := serve(t, g, get("www.example.com", target)), serve(t, g, get("www.example.com", target))
	if one.ContentType != "image/png" || !bytes.Equal(one.Body, two.Body) {
		t.Errorf("%s, %d and %d bytes", one.ContentType, len(one.Body), len(two.Body))
	}
	img, err := png.Decode(bytes.NewReader(one.Body))
	if err != nil {
		t.Fatal(err)
	}
	dark := make([]int, pictureLength) // every letter left ink in its cell
	for y := range pictureHeight {
		for x := range pictureLength * cellWidth {
			if r, _, _, _ := img.At(pictureMargin+x, y).RGBA(); r < 0x3000 {
				dark[x/cellWidth]++
			}
		}
	}
	for i, n := range dark {
		if n < 200 || n > 2500 {
			t.Errorf("letter %c: %d dark points", p.picture[i], n)
		}
	}
	if a := serve(t, g, get("www.example.com", picturePath+"?p=x")); a.Status != 404 {
		t.Errorf("no puzzle: %d", a.Status)
	}
}

// A listener's way: find the tones, measure their pitch by zero crossings, count the high ones between pauses.
func TestSoundCanBeCounted(t *testing.T) {
	g := newGate(t, Options{})
	for range 8 {
		page, _, p := puzzled(t, g, get("www.example.com", "/"))
		a := serve(t, g, get("www.example.com", attribute(t, page, `preload="none" src`)))
		b := a.Body
		if string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || int(binary.LittleEndian.Uint32(b[4:])) != len(b)-8 || int(binary.LittleEndian.Uint32(b[40:])) != len(b)-44 {
			t.Fatalf("not a WAV file: % x", b[:44])
		}
		b = b[44:]
		if len(b) > maxSamples {
			t.Errorf("%d samples", len(b))
		}
		var heard []byte
		count, quiet := 0, 0
		for at := 0; at+80 <= len(b); { // 10 ms at a time
			if !loud(b[at : at+80]) {
				if quiet++; quiet == 60 && count > 0 {
					heard, count = append(heard, byte('0'+count)), 0
				}
				at += 80
				continue
			}
			quiet = 0
			crossings, from := 0, at
			for ; at+80 <= len(b) && loud(b[at:at+80]); at += 80 {
				for i := at; i < at+79; i++ {
					if (b[i] < 128) != (b[i+1] < 128) {
						crossings++
					}
				}
			}
			if pitch := float64(crossings) / 2 / float64(at-from) * sampleRate; math.Abs(pitch-highTone) < 200 {
				count++
			}
		}
		if string(heard) != string(p.sound[:]) {
			t.Errorf("heard %s, played %s", heard, p.sound)
		}
	}
}

func loud(b []byte) bool {
	for _, s := range b {
		if s > 150 || s < 106 {
			return true
		}
	}
	return false
}

func BenchmarkPicture(b *testing.B) {
	p := puzzle{picture: [pictureLength]byte([]byte("ACEWXZ"))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.png(); err != nil {
			b.Fatal(err)
		}
	}
}
