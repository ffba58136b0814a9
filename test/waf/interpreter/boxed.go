package interpreter

import "fastness/test/waf/sandbox"

// Main has to be the first thing that the main of a program does which uses this package: the program runs in boxes, too, as what it says there.
func Main() {
	sandbox.Probe()
}
