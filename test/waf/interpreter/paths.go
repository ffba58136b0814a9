package interpreter

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

//go:embed paths.py
var pathsPython string

//go:embed paths.php
var pathsPHP string

// outsideMark is in each file that no page may show.
const outsideMark = "this is outside"

// tree are the files of a server: pages below /var/www/html/pages, and others.
var tree = func() map[string]string {
	files := map[string]string{
		"/var/www/html/pages/home.html": "home", "/var/www/html/pages/home.php": "home", "/var/www/html/pages/img/logo.png": "logo", "/var/www/html/pages/lang/en.php": "en",
	}
	for _, name := range strings.Fields(`/etc/passwd /etc/shadow /etc/group /etc/hosts /etc/hostname /etc/issue /etc/motd /etc/fstab /etc/crontab /etc/profile /etc/resolv.conf /etc/os-release /etc/networks /etc/services
/etc/ssh/sshd_config /etc/ssh/ssh_host_rsa_key /etc/apache2/apache2.conf /etc/apache2/sites-enabled/000-default.conf /etc/httpd/conf/httpd.conf /etc/nginx/nginx.conf /etc/mysql/my.cnf /etc/my.cnf /etc/php.ini /etc/php/8.2/apache2/php.ini
/etc/vsftpd.conf /etc/proftpd/proftpd.conf /etc/samba/smb.conf /etc/sudoers /etc/inittab /etc/ldap/ldap.conf /proc/self/environ /proc/self/cmdline /proc/self/status /proc/self/maps /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2
/proc/version /proc/cpuinfo /proc/meminfo /proc/mounts /proc/net/tcp /proc/net/arp /proc/cmdline /proc/1/cmdline /proc/1/environ /var/log/apache2/access.log /var/log/apache2/error.log /var/log/apache/access.log /var/log/apache/error.log
/var/log/httpd/access_log /var/log/httpd/error_log /var/log/nginx/access.log /var/log/nginx/error.log /var/log/auth.log /var/log/syslog /var/log/messages /var/log/mail.log /var/log/vsftpd.log /var/mail/www-data /var/www/html/index.php /var/www/html/config.php
/var/www/html/.htaccess /var/lib/mysql/mysql/user.frm /root/.bash_history /root/.ssh/id_rsa /home/anne/.ssh/id_rsa /home/anne/.bash_history /boot.ini /windows/win.ini /winnt/win.ini /windows/system32/drivers/etc/hosts /opt/tomcat/conf/tomcat-users.xml
/usr/local/apache2/conf/httpd.conf /usr/local/etc/php.ini`) {
		files[name] = outsideMark + "\n"
	}
	return files
}()

type paths struct {
	box         *sandbox.Box
	python, php *sandbox.Worker
}

// NewPaths makes the judge of paths and wrappers.
func NewPaths() (Judge, error) {
	if err := need(python, phpCLI); err != nil {
		return nil, err
	}
	spec := debian(map[string]string{"/judge/paths.py": pathsPython, "/judge/paths.php": pathsPHP})
	for name, text := range tree {
		if strings.HasPrefix(name, "/usr/") {
			continue // which is Debian's
		}
		spec.Files[name] = text
	}
	box, err := sandbox.New(spec)
	if err != nil {
		return nil, err
	}
	return &paths{box: box, python: sandbox.NewWorker(box, patience, "/usr/bin/python3", "-I", "/judge/paths.py", outsideMark),
		php: sandbox.NewWorker(box, patience, "/usr/bin/php", "-n", "-d", "display_errors=0", "-d", "allow_url_include=1", "/judge/paths.php", outsideMark)}, nil
}

func (p *paths) Close() error { return closeAll(p.box, p.python, p.php) }

// fitting maps characters to those that Windows takes for them in code pages (Microsoft's bestfit1252.txt).
var fitting = strings.NewReplacer("\u2215", "/", "\u2044", "/", "\u2216", `\`, "\u2024", ".", "\u2025", "..", "\u20e5", `\`, "\uff0f", "/", "\uff3c", `\`, "\uff0e", ".", "\u00a5", `\`)

var parameter = regexp.MustCompile(`;[^/\\]*`)

// pathReadings are what applications make of a value before they open it.
func pathReadings(v string) []string {
	all := with(percent.Readings(v, percent.Decode), lenient)
	all = with(all, func(s string) string { return fitting.Replace(norm.NFKC.String(s)) })
	all = with(all, func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s })
	all = with(all, func(s string) string { return parameter.ReplaceAllString(s, "") }) // as Tomcat takes parameters away
	all = with(all, func(s string) string { return strings.ReplaceAll(s, "../", "") })  // as those do who do it once
	all = with(all, func(s string) string { return strings.ReplaceAll(s, `..\`, "") })
	return all
}

// opened is what became of a path.
type opened struct {
	Place, Shown, Left, Named string
}

func (p *paths) Judge(ctx context.Context, value string) (j Judgement, err error) {
	j.take(verdict.Neither, "", "")
	for _, reading := range pathReadings(value) {
		for _, w := range []*sandbox.Worker{p.python, p.php} {
			var all []opened
			if err := w.Ask(ctx, map[string][]byte{"Value": []byte(reading)}, &all); ended(err) {
				continue
			} else if err != nil {
				return j, err
			}
			for _, o := range all {
				switch {
				case o.Shown != "":
					j.take(verdict.Shown, o.Place, "%s: %.200q: shows %s", o.Place, reading, o.Shown)
				case o.Left != "":
					j.take(verdict.Active, o.Place, "%s: %.200q: leaves for %s", o.Place, reading, o.Left)
				case o.Named != "":
					j.take(verdict.Possible, o.Place, "%s: %.200q: names %s", o.Place, reading, o.Named)
				}
			}
			if j.Verdict == verdict.Shown {
				return j, nil
			}
		}
	}
	return j, nil
}
