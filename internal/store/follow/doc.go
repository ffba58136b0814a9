// Package follow keeps what a process has in memory of the store true when others change
// the store: another process on the same cluster, or a second service in this one.
//
// A room that answers from memory has two ways to hear of a change. Its own transactions
// tell it at once: what it gives to Memory.OnCommit runs when the commit is durable and
// before its caller is answered, so a process reads its own writes. Everybody else's
// commits arrive through one watch of the store (Follower.Run), in order and without
// gaps, a moment after they were made: until then the room answers as it would have
// before. A commit that the room has taken in by itself is not told twice.
//
// The watch delivers keys without values. A room that keeps snapshots of what is in use
// forgets the one whose key changed, and reads it again when it is asked for. A room that
// keeps everything reads what changed, as it is by then: it may be newer than the commit,
// and the commits in between are told all the same.
//
// When the watch has a gap (the process was away for longer than the store keeps its
// log), every room is told to forget all.
package follow
