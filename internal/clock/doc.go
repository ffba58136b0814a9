// Package clock is the only source of time in Fastness. Everything that asks for
// the time or waits for it takes a Clock, so that a test (or an operator who
// rehearses a year of rotations) moves time by hand.
package clock
