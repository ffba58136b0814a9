package inplace

import (
	"slices"
	"testing"
)

func TestLonger(t *testing.T) {
	list := make([]int, 2, 3)
	list[0], list[1], list[:3][2] = 1, 2, 3
	if list = Longer(list); !slices.Equal(list, []int{1, 2, 3}) {
		t.Errorf("with room: %v", list)
	}
	list = Longer(list)
	if list[3] = 4; !slices.Equal(list, []int{1, 2, 3, 4}) {
		t.Errorf("without room: %v", list)
	}
	if n := testing.AllocsPerRun(100, func() { list = Longer(list[:2]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
