// Package residency keeps small what an idle process holds of its program file.
//
// A program maps its file, and every page that it touched counts as its resident memory, until
// the kernel needs the page for something else. What starting touches (initializations,
// tables that are read once) is most of the file, and on kernels whose page cache has large folios a
// touch maps up to 2 MiB. ReleaseProgram takes those pages out of the process: the page cache
// still has them, nothing is read from the disk, and what is touched again is mapped again by a
// minor fault (some hundred of them, half a millisecond in all, for the first request).
// WhileIdle does so when a process that has worked is idle for a while.
//
// Only pages that nobody can have changed are released: those of mappings of the program's own file that
// are not writable and hold no private copies.
//
// Linux only; elsewhere nothing happens.
package residency
