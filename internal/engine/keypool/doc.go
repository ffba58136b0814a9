// Package keypool keeps keys that are slow to make ready before they are asked
// for. Making an RSA key takes from tens of milliseconds to seconds, which is too
// long for a GenerateDataKeyPair or CreateKey call to wait.
//
// A [Pool] holds, for each kind of key, up to a configured number of fresh keys.
// [Pool.Take] hands one out at once, or reports that none is there, and the caller
// makes one itself: the pool never makes anyone wait. A key is handed out once.
//
// # Refilling
//
// One goroutine at most makes keys, the kind that is emptiest first, and ends when
// the pool is full. Before each key it waits for [Config.Quiet], which the caller
// supplies and which may block for as long as the process has better things to
// do; [Gate] is one that waits until no request is being served. Lowering the
// priority of its thread instead would be a mistake: a Go thread that the kernel
// holds back delays every garbage collection.
//
// With no sizes configured the pool is off: it holds nothing, starts nothing, and
// Take always says no.
//
// # Secrets
//
// Close stops the filling, waits for it, and destroys every key that was not
// taken. Keys are only ever in memory.
package keypool
