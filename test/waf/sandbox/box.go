package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Spec says what is in a box.
type Spec struct {
	// Files are those of the box by their paths, which begin with "/". What begins with "#!" may be run.
	Files map[string]string
	// Links are further names of what is in the box: from the name to the path.
	Links map[string]string
	// Shown are files and directories of the host that are in the box too, at the path of their name, read-only.
	Shown map[string]string
	// Copied are programs of the host that are copied into the box: those that nobody else may see.
	Copied map[string]string
	// Writable are directories in memory, of 16 MiB each, empty at first.
	Writable []string
	// Work is the directory that the program begins in.
	Work string
	// Processes is how many there may be at a time; 64 if it is 0.
	Processes int
	// Environment is what the program gets, and nothing else.
	Environment []string
}

// Box is a root directory that programs can be run in.
type Box struct {
	spec Spec
	root string
}

// The users that a program is: outside, that of Debian's nobody, and inside, that of its web servers.
const outside, inside = 65534, 33

// Bounds on what a program in a box uses.
const (
	fileSize  = 8 << 20
	openFiles = 256
	memory    = "16m"
)

// devices are those that a box has.
var devices = []string{"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"}

// New lays the files of a box in a new directory, which [Box.Close] removes.
func New(spec Spec) (*Box, error) {
	for _, program := range []string{"setpriv", "unshare", "prlimit", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("sandbox: missing: %s (Debian's util-linux and mount)", program)
		}
	}
	root, err := os.MkdirTemp("", "box")
	if err != nil {
		return nil, err
	}
	b := &Box{spec, root}
	if err := b.lay(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close removes what New made. No program may run any more.
func (b *Box) Close() error { return os.RemoveAll(b.root) }

func (b *Box) lay() error {
	if err := os.Chmod(b.root, 0o755); err != nil {
		return err
	}
	at := func(name string) (string, error) {
		if !filepath.IsAbs(name) || filepath.Clean(name) != name {
			return "", fmt.Errorf("sandbox: %q is no clean absolute path", name)
		}
		p := filepath.Join(b.root, name)
		return p, os.MkdirAll(filepath.Dir(p), 0o755)
	}
	for name, text := range b.spec.Files {
		p, err := at(name)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			return err
		}
		if err := os.Chmod(p, mode); err != nil { // whatever the mask is
			return err
		}
	}
	shown := b.shown()
	for name, host := range shown {
		p, err := at(name)
		if err != nil {
			return err
		}
		info, err := os.Stat(host)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		if info.IsDir() {
			err = os.MkdirAll(p, 0o755)
		} else {
			err = os.WriteFile(p, nil, 0o644)
		}
		if err != nil {
			return err
		}
	}
	for name, host := range b.spec.Copied {
		p, err := at(name)
		if err != nil {
			return err
		}
		program, err := os.ReadFile(host)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		if err := os.WriteFile(p, program, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(p, 0o755); err != nil {
			return err
		}
	}
	for _, name := range b.spec.Writable {
		p, err := at(name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(p, 0o755); err != nil {
			return err
		}
	}
	for name, to := range b.spec.Links {
		p, err := at(name)
		if err != nil {
			return err
		}
		if err := os.Symlink(to, p); err != nil {
			return err
		}
	}
	return nil
}

// shown are what is shown of the host, with the devices.
func (b *Box) shown() map[string]string {
	all := map[string]string{}
	for _, d := range devices {
		all[d] = d
	}
	for name, host := range b.spec.Shown {
		all[name] = host
	}
	return all
}

// setup mounts what is shown and what can be written, and runs the program. Its arguments are the root, the working directory,
// the processes at most, then names and hosts of what is shown, a dash, what can be written, a dash, and the program.
const setup = `
root=$1 work=$2 processes=$3; shift 3
mount --bind "$root" "$root"
while [ "$1" != - ]; do
	case $1 in
	/dev/*) mount --bind "$2" "$root$1" ;;
	*) mount --bind -o ro,nosuid "$2" "$root$1" ;;
	esac
	shift 2
done
shift
while [ "$1" != - ]; do
	mount -t tmpfs -o "nosuid,nodev,mode=1777,size=` + memory + `,nr_inodes=4096" tmpfs "$root$1"
	shift
done
shift
mount -o remount,bind,ro,nosuid "$root"
exec prlimit "--nproc=$processes" --core=0 "--fsize=$FILESIZE" "--nofile=$OPENFILES" \
	setpriv --no-new-privs -- unshare --user --map-user="$INSIDE" --map-group="$INSIDE" --root="$root" --wd="$work" -- "$@"
`

// Command is a program of the box with arguments. Its environment is the box's; it ends, with all that it started, when ctx does.
func (b *Box) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	line := []string{"unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL", "--", "/bin/sh", "-ec", setup, "box"}
	if os.Geteuid() == 0 {
		nobody := strconv.Itoa(outside)
		line = append([]string{"setpriv", "--reuid=" + nobody, "--regid=" + nobody, "--clear-groups", "--"}, line...)
	}
	processes := b.spec.Processes
	if processes == 0 {
		processes = 64
	}
	work := b.spec.Work
	if work == "" {
		work = "/"
	}
	line = append(line, b.root, work, strconv.Itoa(processes))
	shown := b.shown()
	for _, name := range slices.Sorted(keys(shown)) {
		line = append(line, name, shown[name])
	}
	line = append(line, "-")
	line = append(line, b.spec.Writable...)
	// The box's own environment is set behind the setup, which needs Debian's PATH.
	line = append(line, "-", program)
	line = append(line, args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "FILESIZE=" + strconv.Itoa(fileSize), "OPENFILES=" + strconv.Itoa(openFiles), "INSIDE=" + strconv.Itoa(inside)}, b.spec.Environment...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
