// Package securemem keeps secrets outside the memory that the Go runtime manages.
//
// The garbage collector may copy a value whenever a stack grows, and clearing a
// slice says nothing about the copies. A Secret therefore lives in pages of its
// own, mapped by an Arena: locked into RAM (mlock), left out of core dumps
// (MADV_DONTDUMP), with an inaccessible page on either side, overwritten with zeros
// by Destroy. Secrets of up to 4096 bytes share pages in slabs of one size class
// each, so that a hundred thousand keys of 32 bytes cost 3.2 MB and not 400 MB.
//
// The bytes are reached only inside Secret.With, so that code which uses them is
// easy to find and review. A Secret prints as "[secret]" in every format.
//
// A cipher object of the standard library contains its key (the first round keys of
// AES are the key). Block and GCM are AES ciphers whose expanded state has been
// moved into an Arena too; see cipher.go for how and why that is sound. HMAC is a keyed
// hash that keeps its key there, and nothing of it elsewhere between two messages.
//
// Locking can be forbidden (RLIMIT_MEMLOCK). Then an Arena made with
// Options.RequireLock fails; any other goes on, and Stats says how much memory is
// not locked and why. On systems other than Linux the same interface works on
// ordinary memory, and Stats says so.
//
// What this does not protect from: a debugger or root on the same machine reading
// the live process, registers, and copies that callers make.
package securemem
