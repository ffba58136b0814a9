package challenge

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
)

// The size of pictures, in pixels.
const (
	pictureWidth  = 264
	pictureHeight = 88
	pictureMargin = 12 // at the sides, into which turned letters reach
	cellWidth     = (pictureWidth - 2*pictureMargin) / pictureLength
)

// pictureColors are paper, ink, and what is between for noise.
var pictureColors = color.Palette{color.Gray{Y: 245}, color.Gray{Y: 30}, color.Gray{Y: 120}, color.Gray{Y: 190}}

// png draws the letters: each turned, sheared and sized by itself, all of them bent by waves, with lines across and
// specks.
func (p *puzzle) png() ([]byte, error) {
	random := p.noise("picture")
	between := func(from, to float64) float64 { return from + random.Float64()*(to-from) }

	type placed struct {
		glyph      *[glyphHeight]string
		x, y       float64 // its middle
		a, b, c, d float64 // from pixels around the middle to points of the glyph
	}
	var letters [pictureLength]placed
	for i, letter := range p.picture {
		at := strings.IndexByte(alphabet, letter)
		if at < 0 {
			return nil, fmt.Errorf("challenge: no letter %q", letter)
		}
		angle, shear, size := between(-0.35, 0.35), between(-0.25, 0.25), between(6.0, 7.2)
		sin, cos := math.Sincos(angle)
		letters[i] = placed{
			glyph: &glyphs[at],
			x:     float64(pictureMargin+i*cellWidth) + cellWidth/2 + between(-4, 4), y: pictureHeight/2 + between(-6, 6),
			a: (cos + shear*sin) / size, b: (sin - shear*cos) / size, c: -sin / size, d: cos / size,
		}
	}

	// Waves move what is seen at (x, y) to where the letters are straight.
	var across [pictureHeight]float64
	var down [pictureWidth]float64
	one, two := between(0, 2*math.Pi), between(0, 2*math.Pi)
	slow, fast := between(0.06, 0.10), between(0.04, 0.07)
	for y := range across {
		across[y] = 3 * math.Sin(slow*float64(y)+one)
	}
	for x := range down {
		down[x] = 4 * math.Sin(fast*float64(x)+two)
	}

	img := image.NewPaletted(image.Rect(0, 0, pictureWidth, pictureHeight), pictureColors)
	for y := range pictureHeight {
		for x := range pictureWidth {
			fx, fy := float64(x)+across[y], float64(y)+down[x]
			cell := (int(fx) - pictureMargin) / cellWidth // a letter reaches no farther than beside its own
			for i := max(0, cell-1); i <= min(cell+1, pictureLength-1); i++ {
				l := &letters[i]
				dx, dy := fx-l.x, fy-l.y
				u, v := l.a*dx+l.b*dy+glyphWidth/2.0, l.c*dx+l.d*dy+glyphHeight/2.0
				if inked(l.glyph, u, v) {
					img.Pix[y*img.Stride+x] = 1
				}
			}
		}
	}
	set := func(x, y int, index uint8) {
		if x >= 0 && y >= 0 && x < pictureWidth && y < pictureHeight {
			img.Pix[y*img.Stride+x] = index
		}
	}
	for range 4 { // lines of ink, and of paper that cuts through letters
		index := uint8(1 - random.IntN(2))
		y, slope, swing, phase := between(10, pictureHeight-10), between(-0.15, 0.15), between(3, 9), between(0, 2*math.Pi)
		for x := range pictureWidth {
			at := int(y + slope*float64(x-pictureWidth/2) + swing*math.Sin(0.05*float64(x)+phase))
			set(x, at, index)
			set(x, at+1, index)
		}
	}
	for range 900 {
		set(random.IntN(pictureWidth), random.IntN(pictureHeight), uint8(random.IntN(len(pictureColors))))
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("challenge: picture: %w", err)
	}
	return out.Bytes(), nil
}

// inked tells whether a place in a glyph, in points, has ink. A point is a disc that just touches those beside
// it on the diagonal.
func inked(glyph *[glyphHeight]string, u, v float64) bool {
	const radius = 0.72
	if u < -1 || v < -1 || u > glyphWidth+1 || v > glyphHeight+1 {
		return false
	}
	for y := max(0, int(v)-1); y <= min(glyphHeight-1, int(v)+1); y++ {
		for x := max(0, int(u)-1); x <= min(glyphWidth-1, int(u)+1); x++ {
			if dx, dy := u-float64(x)-0.5, v-float64(y)-0.5; glyph[y][x] == '#' && dx*dx+dy*dy < radius*radius {
				return true
			}
		}
	}
	return false
}
