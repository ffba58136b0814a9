package securemem

// Hardening tells what HardenProcess reached.
type Hardening struct {
	// NotDumpable: other processes of the same user cannot attach to or read this
	// one, and the kernel writes no core dump of it.
	NotDumpable bool
	// NoCore: the limit of core files is zero and cannot be raised again.
	NoCore bool
	// LockLimitBytes is how much memory the process may lock; -1 means no limit.
	LockLimitBytes int64
}
