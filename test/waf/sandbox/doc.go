// Package sandbox runs programs on values that may be attacks, where they can do no harm: what runs them is what judges them
// (package interpreter).
//
// A [Box] is a root directory of its own. Its program sees the files that it was given, read-only directories of the host that were asked
// for (the interpreters and their libraries), and directories in memory that it may write to; no /proc, no devices but /dev/null and
// those of numbers. It is nobody on the host and www-data inside, without any capability and without the way to one (no_new_privs,
// and no user namespace can be made in a changed root), in namespaces of users, mounts, processes, the network and
// interprocess communication of its own: the network has no interface that is up. Processes, the size of files, open files and time are limited. All end with the first one.
//
// Linux does this with Debian's util-linux (setpriv, unshare, prlimit) and mount. Where a user may make no namespaces it is
// an error, never less protection. [Verify] tries from inside what must not be possible, and is called before anything is run on a
// value.
package sandbox
