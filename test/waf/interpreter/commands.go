package interpreter

import (
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

// line is a line of the shell that an application makes by putting what somebody sent into it.
type line struct{ name, text string }

// shellLines are the places, those first at which most do something. The programs of the applications begin with "shop-".
var shellLines = []line{
	{"argument", "shop-look VALUE"},
	{"double quotes", `shop-look "VALUE"`},
	{"single quotes", "shop-look 'VALUE'"},
	{"whole line", "VALUE"},
	{"argument before others", "shop-ping -c 1 VALUE -q >/dev/null 2>&1"},
	{"single quotes before others", "shop-convert 'VALUE' -resize 10x10 out.png"},
	{"name of a file", `shop-convert "/var/www/uploads/VALUE.png" out.png`},
	{"backquotes", "shop-look `shop-name VALUE`"},
	{"substitution", `shop-look "$(shop-name "VALUE")"`},
	{"parentheses", "(shop-look VALUE; shop-count)"},
	{"find", `shop-find /var/www -name 'VALUE' -exec shop-print {} \;`},
	{"shell in a shell", `sh -c "set -x; shop-look 'VALUE'"`},
	{"document", "shop-mail <<END\nHello VALUE,\nEND"},
}

// shells are the interpreters.
var shells = []string{"/bin/dash", "/bin/bash"}

// programs have harmless programs under their names in the box: what Unix and Windows have, as far as anybody would start it.
var programs = strings.Fields(`
[ acpid adduser addgroup apache2 apachectl apt apt-get ar arch arp arping as ascii2xfr at awk base32 base64 basename bc bg busybox bzip2 bunzip2 cal cat chage chattr chgrp chmod chown chpasswd
chroot chsh cksum clear cmp column comm composer cp cpio cpp cron crontab csh curl cut cvs date dc dd df diff dig dir dirname dmesg dmidecode dnf docker dpkg dos2unix du dvips easy_install ed egrep emacs
env eqn ex exiftool expand expect expr factor false fdisk fetch fgrep file find finger fmt fold free ftp fuser gawk gcc gdb gem getent getfacl ghc git go grep groff groups gtester gunzip gzip hd head help
hexdump host hostid hostname hostnamectl hping3 htop httpd iconv id ifconfig init insmod install ionice ip iptables java javac jjs join journalctl jps jq kill killall ksh last lastb lastlog
ld ldconfig ldd less lftp link ln locate logger login logname logsave look lp lpr ls lsattr lsb_release lsblk lscpu lsmod lsof lspci ltrace lua lwp-download lwp-request lynx lzma mail mailx make man mawk md5sum mkdir mkfifo
mkfs mknod mktemp modprobe more mount mpg123 mtr mv mysql mysqldump nano nasm nawk nc nc.openbsd nc.traditional ncat neofetch netcat netstat nice nl nm nmap node nohup npm nproc nroff nsenter nslookup objdump od openssl passwd paste patch
pdb perl pg pgrep php pico pidof ping ping6 pip pip3 pkill pmap poweroff pr printenv printf ps psql pstree puppet pwd python python2 python2.7 python3 rake rcp readelf readlink realpath reboot red rename renice reset rev
rlogin rlwrap rm rmdir route rpm rpmquery rsh rsync ruby run-mailcap run-parts rvim scp screen script sed sendmail seq service setarch setfacl setsid sftp sg sha1sum sha256sum shred shuf shutdown sleep smbclient socat
sort split sqlite3 ss ssh ssh-keygen stat strace strings stty su sudo sum svn sync sysctl systemctl tac tail tar taskset tclsh tcpdump tcsh tee telnet test tftp time timeout tmux top touch tr tracepath traceroute true truncate tty
ul umount uname unexpand uniq unlink unzip uptime useradd userdel usermod users uudecode uuencode valgrind vi view vim vimdiff visudo vmstat w wall watch wc wget whereis which who whoami whois wish
write xargs xdg-open xmodmap xterm xxd xz yes yum zcat zip zsh zypper echo touch
assoc attrib bitsadmin bitsadmin.exe cacls certutil certutil.exe cls cmd cmd.exe copy cscript del driverquery erase findstr fsutil gpresult icacls ipconfig ipconfig.exe md mkdir mklink more move msg mshta msiexec nbtstat net net.exe net1 netsh
powershell powershell.exe pwsh qprocess query quser rd reg reg.exe regsvr32 ren rundll32 rundll32.exe sc schtasks start systeminfo taskkill tasklist tree ver vol vssadmin wevtutil where wmic wmic.exe wscript xcopy notepad notepad.exe calc calc.exe ping.exe nslookup.exe whoami.exe
`)

// quiet are what shells do by themselves without an effect.
var quiet = strings.Fields(": true false test [ [[ (( let")

// builtins are what shells do by themselves.
var builtins = strings.Fields(". alias bg bind builtin caller cd command compgen complete compopt declare dirs disown echo enable eval exec exit export fc fg getopts hash help history jobs kill local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend times trap type typeset ulimit umask unalias unset wait")

// ofCompounds are the first words of what Bash traces and that is no command.
var ofCompounds = strings.Fields("for case select if while until function { ( time coproc")

// decoy stands under the name of a program in the box: it notes that it was started, and nothing else.
const decoy = "#!/bin/dash\necho \"$0\" >>/judge/ran/names\n"

// systemFiles are files that values read.
var systemFiles = map[string]string{
	"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n", "/etc/hosts": "127.0.0.1 localhost\n", "/etc/hostname": "shop\n",
	"/etc/shadow": "root:*:19000:0:99999:7:::\n", "/etc/group": "root:x:0:\n", "/etc/issue": "Debian GNU/Linux 12\n", "/etc/os-release": "ID=debian\n", "/etc/profile": "\n",
	"/etc/resolv.conf": "nameserver 192.0.2.53\n", "/etc/fstab": "\n", "/etc/crontab": "\n", "/etc/motd": "\n", "/etc/services": "http 80/tcp\n", "/etc/networks": "\n",
	"/var/www/html/index.php": "<?php\n", "/var/log/apache2/access.log": "-\n",
}

type commands struct {
	box      *sandbox.Box
	worker   *sandbox.Worker
	harmless map[string]ran
	known    map[string]bool
}

// NewCommands makes the judge of commands.
func NewCommands() (Judge, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &commands{known: map[string]bool{}}
	spec := sandbox.Spec{
		Files: map[string]string{}, Links: map[string]string{"/lib": "usr/lib", "/lib64": "usr/lib64"},
		Copied:   map[string]string{shellDriver: self, "/bin/dash": "/bin/dash", "/bin/sh": "/bin/dash", "/bin/bash": "/bin/bash"},
		Shown:    map[string]string{"/usr/lib": "/usr/lib"},
		Writable: []string{"/tmp", "/var/tmp", "/dev/shm", "/var/www/html", "/judge/ran"}, Work: "/var/www/html", Processes: 48,
		Environment: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/var/www", "USER=www-data", "SHELL=/bin/bash", "LC_ALL=C", "LANG=C"},
	}
	if _, err := os.Stat("/usr/lib64"); err == nil {
		spec.Shown["/usr/lib64"] = "/usr/lib64"
	}
	for _, name := range programs {
		c.known[name] = true
		spec.Files["/bin/"+name] = decoy
		for _, d := range []string{"/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/local/bin/"} {
			spec.Links[d+name] = "/bin/" + name
		}
	}
	for _, name := range []string{"sh", "dash", "bash"} {
		c.known[name] = true
		spec.Links["/usr/bin/"+name] = "/bin/" + name
	}
	for _, l := range []string{"look", "ping", "convert", "print", "count", "name", "find", "mail"} {
		spec.Files["/usr/local/bin/shop-"+l] = "#!/bin/dash\n"
	}
	for name, text := range systemFiles {
		spec.Files[name] = text
	}
	delete(spec.Files, "/var/www/html/index.php") // it would lie under what can be written
	if c.box, err = sandbox.New(spec); err != nil {
		return nil, err
	}
	c.worker = sandbox.NewWorker(c.box, patience, shellDriver)
	return c, nil
}

func (c *commands) Close() error { return closeAll(c.box, c.worker) }

// mark begins the lines of a trace.
const mark = "judge@ "

// prelude has a shell trace what it does, and bounds the time of the processor that it may take.
const prelude = "ulimit -t 1\nPS4='" + mark + "'\nexport PS4\nBASH_XTRACEFD=9\nset -x\n"

var (
	assigned = regexp.MustCompile(`^[A-Za-z_]\w*(?:\[[^]]*\])?\+?=`)
	// refused is what shells say of a file that cannot be opened.
	refused = regexp.MustCompile(`(?m)(?:cannot (?:open|create) (\S*/\S*): |line \d+: (\S*/\S*): (?:No such file|Read-only|Permission denied|Is a directory|Network is unreachable|Cannot assign))`)
)

// run runs a line, once.
func (c *commands) run(ctx context.Context, shell, text string) (r ran, err error) {
	err = c.worker.Ask(ctx, toRun{shell, prelude + text}, &r)
	return r, err
}

// started are the commands of a trace.
func started(r ran) (names []string) {
	// Of commands that run at the same time the marks may come together.
	for _, text := range strings.Split(r.Trace, mark)[1:] {
		text, _, _ = strings.Cut(text, "\n")
		for assigned.MatchString(text) { // of a command's own variables
			_, rest, found := strings.Cut(text, " ")
			if !found {
				text = ""
				break
			}
			text = rest
		}
		name, _, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
		name = strings.Trim(name, `'"`)
		if name != "" && !slices.Contains(ofCompounds, name) {
			names = append(names, name)
		}
	}
	return append(names, r.Ran...)
}

func (c *commands) Judge(ctx context.Context, value string) (j Judgement, err error) {
	if c.harmless == nil {
		c.harmless = map[string]ran{}
		for _, s := range shells {
			for _, l := range shellLines {
				r, err := c.run(ctx, s, strings.ReplaceAll(l.text, "VALUE", "x"))
				if err != nil {
					return j, err
				}
				c.harmless[s+l.name] = r
			}
		}
	}
	j.take(verdict.Neither, "", "")
	for _, reading := range with(with(percent.Readings(value, percent.Decode), spaced), unquoted) {
		if !strings.ContainsAny(reading, "\n;|&`$<>(\"'\\# ") {
			if !c.known[reading] {
				continue // a word
			}
		}
		reading = strings.ReplaceAll(reading, "\x00", "")
		for _, l := range shellLines {
			if l.name != "whole line" && !strings.ContainsAny(reading, "\n;|&`$<>('\"\\{") {
				continue
			}
			for _, s := range shells {
				r, err := c.run(ctx, s, strings.ReplaceAll(l.text, "VALUE", reading))
				if err != nil && !ended(err) {
					return j, err
				}
				v, why := c.did(c.harmless[s+l.name], r, l.name == "whole line")
				j.take(v, l.name, "%s, %s: %.200q: %s", path.Base(s), l.name, reading, why)
				if rank(j.Verdict) >= rank(verdict.Active) {
					return j, nil
				}
			}
		}
	}
	v, why := windows(value)
	j.take(v, "cmd", "cmd: %s", why)
	return j, nil
}

// did tells what a line did that a harmless one did not. Words of a line that is a value as a whole are no commands if there is none of the name.
func (c *commands) did(harmless, r ran, whole bool) (verdict.Verdict, string) {
	best, why := verdict.Neither, ""
	if r.Hung && !harmless.Hung {
		return verdict.Active, "it has no end"
	}
	take := func(v verdict.Verdict, format string, args ...any) {
		if rank(v) > rank(best) {
			best, why = v, fmt.Sprintf(format, args...)
		}
	}
	left := started(harmless)
	for _, name := range started(r) {
		if i := slices.Index(left, name); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		switch base := path.Base(name); {
		case strings.HasPrefix(base, "shop-"):
		case slices.Contains(quiet, name):
			take(verdict.Possible, "%q", name)
		case slices.Contains(builtins, name), c.known[base] && (name == base || path.IsAbs(name)):
			take(verdict.Active, "%q", name)
		case !whole:
			take(verdict.Possible, "%q, which there is not", name)
		}
	}
	for _, f := range r.Files {
		if !slices.Contains(harmless.Files, f) {
			if strings.HasPrefix(f, "/var/www/html/") {
				take(verdict.Possible, "the file %q", f)
			} else {
				take(verdict.Active, "the file %q", f)
			}
		}
	}
	if !whole {
		for _, m := range refused.FindAllStringSubmatch(r.Said, -1) {
			if f := m[1] + m[2]; f != "" && !strings.Contains(harmless.Said, f) {
				take(verdict.Possible, "would open %q", f)
			}
		}
		if strings.Contains(r.Said, "/dev/tcp/") || strings.Contains(r.Said, "/dev/udp/") {
			take(verdict.Active, "a connection")
		}
	}
	return best, why
}
