package keyalg

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

// affineMult multiplies a point by a scalar with the textbook formulas of affine
// coordinates. It shares nothing with the code under test but the parameters of
// the curve.
func affineMult(k, x, y *big.Int) (*big.Int, *big.Int) {
	p := sm2.P256().Params().P
	add := func(x1, y1, x2, y2 *big.Int) (*big.Int, *big.Int) {
		if x1 == nil {
			return x2, y2
		}
		slope := new(big.Int)
		if x1.Cmp(x2) == 0 { // doubling; a = -3
			slope.Mul(x1, x1).Mul(slope, big.NewInt(3)).Sub(slope, big.NewInt(3))
			slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(y1, 1), p))
		} else {
			dx := new(big.Int).Sub(x2, x1)
			slope.Sub(y2, y1).Mul(slope, dx.ModInverse(dx.Mod(dx, p), p))
		}
		slope.Mod(slope, p)
		x3 := new(big.Int).Mul(slope, slope)
		x3.Sub(x3, x1).Sub(x3, x2).Mod(x3, p)
		y3 := new(big.Int).Sub(x1, x3)
		y3.Mul(y3, slope).Sub(y3, y1).Mod(y3, p)
		return x3, y3
	}
	var rx, ry *big.Int
	for i := k.BitLen() - 1; i >= 0; i-- {
		if rx != nil {
			rx, ry = add(rx, ry, rx, ry)
		}
		if k.Bit(i) == 1 {
			rx, ry = add(rx, ry, x, y)
		}
	}
	return rx, ry
}

func TestSM2SharedSecretIsTheCoordinateOfThePoint(t *testing.T) {
	for range 5 {
		a, err := generateSM2()
		if err != nil {
			t.Fatal(err)
		}
		b, err := generateSM2()
		if err != nil {
			t.Fatal(err)
		}
		half := len(b.pub.point) / 2
		x, y := new(big.Int).SetBytes(b.pub.point[1:1+half]), new(big.Int).SetBytes(b.pub.point[1+half:])
		want, _ := affineMult(new(big.Int).SetBytes(a.scalar), x, y)
		got, err := a.agree(b.pub)
		if err != nil || !bytes.Equal(got, want.FillBytes(make([]byte, 32))) {
			t.Fatalf("secret %x, want %x: %v", got, want, err)
		}
	}
}
