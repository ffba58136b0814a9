package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// probeName is the name under which the probe finds itself in its box.
const probeName = "/judge/probe"

// probed is what a probe could do and must not be able to, and what it could not do that it must.
type probed struct{ Faults []string }

// Probe has to be the first thing that the main of a program does which calls [Verify]: in a box that program is the probe, and ends in Probe.
func Probe() {
	if os.Args[0] != probeName {
		return
	}
	probe(os.Args[1], []string{"/tmp"}, []string{"/", "/judge", "/usr", "/shown", "/dev"})
	os.Exit(0)
}

// Verify has this program try, from inside of a box, what must not be possible there: to write outside of the directories that can be written, to reach
// the network, to gain rights, to see processes, devices and files of the host.
func Verify(ctx context.Context) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	secret, err := os.CreateTemp("", "secret")
	if err != nil {
		return err
	}
	shown, err := os.MkdirTemp("", "shown")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, secret.Close(), os.Remove(secret.Name()), os.RemoveAll(shown)) }()
	if err := os.Chmod(shown, 0o777); err != nil { // anybody may write there, but not from a box
		return err
	}
	box, err := New(Spec{Copied: map[string]string{probeName: self}, Shown: map[string]string{"/usr": "/usr", "/shown": shown}, Links: map[string]string{"/lib": "usr/lib", "/lib64": "usr/lib64"}, Writable: []string{"/tmp"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	var out, said bytes.Buffer
	cmd := box.Command(ctx, probeName, secret.Name())
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sandbox: no box can be made (needs user namespaces): %w %.300s", err, said.Bytes())
	}
	var p probed
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		return fmt.Errorf("sandbox: the probe said %.100q", out.Bytes())
	}
	if len(p.Faults) > 0 {
		return fmt.Errorf("sandbox: a box does not hold: %s", strings.Join(p.Faults, "; "))
	}
	return nil
}

// probe prints what was possible, as JSON. hostFile is a file of the host that is not in the box.
func probe(hostFile string, writable, forbidden []string) {
	var p probed
	fault := func(format string, args ...any) { p.Faults = append(p.Faults, fmt.Sprintf(format, args...)) }
	if os.Getuid() != inside || os.Geteuid() != inside || os.Getgid() != inside {
		fault("user %d, %d, group %d", os.Getuid(), os.Geteuid(), os.Getgid())
	}
	for _, d := range writable {
		name := filepath.Join(d, "written")
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			fault("cannot write: %v", err)
		} else if err := os.Remove(name); err != nil {
			fault("cannot remove: %v", err)
		}
	}
	for _, d := range forbidden {
		name := filepath.Join(d, "written")
		if err := os.WriteFile(name, []byte("x"), 0o600); err == nil {
			fault("can write %s", name)
		}
		if err := os.Chmod(d, 0o777); err == nil {
			fault("can change the mode of %s", d)
		}
	}
	if _, err := os.Stat(hostFile); !errors.Is(err, os.ErrNotExist) {
		fault("%s of the host: %v", hostFile, err)
	}
	for _, name := range []string{"/proc/1/status", "/proc/self/exe", "/sys/kernel", "/dev/sda", "/dev/vda", "/dev/mem", "/root"} {
		if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
			fault("%s is there: %v", name, err)
		}
	}
	for _, a := range []string{"127.0.0.1:22", "127.0.0.1:80", "192.0.2.1:80", "[::1]:80"} {
		c, err := net.DialTimeout("tcp", a, time.Second)
		if err == nil {
			_ = c.Close()
		}
		if err == nil || !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EHOSTUNREACH) {
			fault("the network answers for %s: %v", a, err)
		}
	}
	interfaces, err := net.Interfaces()
	for _, i := range interfaces {
		if i.Flags&net.FlagUp != 0 {
			fault("interface %s is up", i.Name)
		}
	}
	if err != nil {
		fault("interfaces: %v", err)
	}
	for _, id := range []int{0, 65534} {
		if err := syscall.Setuid(id); err == nil {
			fault("can become %d", id)
		}
	}
	if err := syscall.Chroot("/"); err == nil {
		fault("can change the root")
	}
	if err := syscall.Mount("tmpfs", "/", "tmpfs", 0, ""); err == nil {
		fault("can mount")
	}
	if err := syscall.Mknod("/tmp/device", syscall.S_IFCHR|0o600, 1<<8|1); err == nil {
		fault("can make a device")
	}
	if err := syscall.Kill(-1, 0); err == nil {
		fault("there are other processes")
	}
	for _, e := range os.Environ() {
		for _, secret := range []string{"TOKEN", "SECRET", "KEY", "HOME=/root"} {
			if strings.Contains(e, secret) {
				fault("the environment has a name with %s", secret)
			}
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(p) // whoever reads it sees that there is none
}
