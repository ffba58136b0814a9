package interpreter

import (
	"fmt"
	"slices"
	"strings"

	"fastness/test/waf/percent"
	"fastness/test/waf/verdict"
)

// windowsNames are commands and programs of Windows.
var windowsNames = strings.Fields(`arp assoc at attrib bitsadmin cacls calc cd certutil chdir cls cmd copy cscript curl date del dir driverquery echo erase expand explorer fc find findstr for format fsutil ftp
getmac gpresult hostname icacls if ipconfig makecab md mkdir more move msg mshta msiexec nbtstat net net1 netsh netstat notepad nslookup path pathping perl php ping powershell print prompt pushd pwsh python qprocess
query quser rd reg regsvr32 rem ren rename rmdir robocopy route rundll32 sc schtasks set setx shutdown sort start systeminfo taskkill tasklist telnet tftp time timeout title tracert tree type ver vol vssadmin wevtutil where whoami wmic wscript xcopy`)

// windows reads a value as the documentation of cmd says that it reads lines: outside of quotation marks a command ends at &, |, && and ||,
// everywhere at the end of a line; a circumflex takes the meaning of the next character. It tells whether a command of Windows follows
// the first one, or is the whole value and has a path or a switch behind it. No interpreter of Windows can be had here, so this is
// possible at most.
func windows(value string) (verdict.Verdict, string) {
	for _, v := range with(percent.Readings(value, percent.Decode), spaced) {
		for _, quoted := range []bool{false, true} {
			for i, c := range cmdCommands(v, quoted) {
				c = strings.TrimLeft(c, " \t@(,;=")
				name, rest, _ := strings.Cut(c, " ")
				if j := strings.IndexAny(name, "/,;=<>(\"\t"); j >= 0 {
					name, rest = name[:j], name[j:]
				}
				name = strings.ToLower(name[strings.LastIndexByte(name, '\\')+1:])
				for _, kind := range []string{".exe", ".com"} {
					name = strings.TrimSuffix(name, kind)
				}
				if slices.Contains(windowsNames, name) && (i > 0 || !quoted && strings.ContainsAny(rest, `\/`)) {
					return verdict.Possible, fmt.Sprintf("%q in %.200q", name, v)
				}
			}
		}
	}
	return verdict.Neither, ""
}

// cmdCommands splits a line of cmd into its commands. quoted tells that it begins within quotation marks.
func cmdCommands(line string, quoted bool) (all []string) {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case c == '\n', c == '\r', !quoted && (c == '&' || c == '|'):
			all = append(all, b.String())
			b.Reset()
			if c == '\n' || c == '\r' {
				quoted = false
			}
		case c == '^' && !quoted:
			if i++; i < len(line) {
				b.WriteByte(line[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return append(all, b.String())
}
