package challenge

import (
	"encoding/binary"
	"math"
)

// The sound is PCM of 8 bits, one channel, in a WAV file (RIFF, "Multimedia Programming Interface and
// Data Specifications 1.0").
const (
	sampleRate = 8000 // per second
	toneLength = sampleRate * 13 / 100
	gapLength  = sampleRate * 17 / 100
	pause      = sampleRate * 5 / 4
	highTone   = 1100.0 // Hz, more than an octave above the low ones
	lowTone    = 360.0
	maxDecoys  = 2 // low tones in a group
	// maxSamples is 26.6 seconds.
	maxSamples = (soundLength+1)*pause + soundLength*(maxTones+maxDecoys)*(toneLength+gapLength)
)

// wav plays the digits: a group of tones for each, of which the high ones count.
func (p *puzzle) wav() ([]byte, error) {
	random := p.noise("sound")
	between := func(from, to float64) float64 { return from + random.Float64()*(to-from) }
	const header = 44
	b := make([]byte, header, header+maxSamples+1)
	silence := func(samples int) {
		for range samples {
			b = append(b, 128+byte(random.IntN(7))-3)
		}
	}
	silence(pause / 2)
	for _, digit := range p.sound {
		high := int(digit - '0')
		tones := make([]bool, high, maxTones+maxDecoys)
		for i := range tones {
			tones[i] = true
		}
		for range random.IntN(maxDecoys + 1) {
			tones = append(tones, false)
		}
		random.Shuffle(len(tones), func(i, j int) { tones[i], tones[j] = tones[j], tones[i] })
		for _, high := range tones {
			pitch := lowTone
			if high {
				pitch = highTone
			}
			pitch *= between(0.94, 1.06)
			loud := between(60, 90)
			for i := range toneLength {
				// In and out within a few milliseconds, or it clicks.
				edge := min(1, float64(min(i, toneLength-i))/(sampleRate/100))
				s := loud * edge * math.Sin(2*math.Pi*pitch*float64(i)/sampleRate)
				b = append(b, byte(128+int(s)+random.IntN(7)-3))
			}
			silence(gapLength)
		}
		silence(pause - gapLength)
	}
	if len(b)%2 != 0 { // chunks have an even length
		silence(1)
	}
	le := binary.LittleEndian
	copy(b[0:], "RIFF")
	le.PutUint32(b[4:], uint32(len(b)-8))
	copy(b[8:], "WAVEfmt ")
	le.PutUint32(b[16:], 16)
	le.PutUint16(b[20:], 1) // PCM
	le.PutUint16(b[22:], 1)
	le.PutUint32(b[24:], sampleRate)
	le.PutUint32(b[28:], sampleRate)
	le.PutUint16(b[32:], 1)
	le.PutUint16(b[34:], 8)
	copy(b[36:], "data")
	le.PutUint32(b[40:], uint32(len(b)-header))
	return b, nil
}
