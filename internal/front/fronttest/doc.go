// Package fronttest puts the rooms that a test is about behind the real front door, on a real
// store in memory, sealed as in the product, under a clock that the test moves. Only IAM is
// played: People says what identity policies somebody has.
//
//	house.go   what a room is made of, and the door in front of several
//	people.go  who calls, and what IAM says of them
//	caller.go  calls through the door; the door for a room that is made before it
//	jobs.go    the jobs that are due
//	errors.go  what a caller sees of an error
package fronttest
