package seclang

import (
	"fmt"
	"strconv"
	"strings"
)

// Source is one file of rules.
type Source struct {
	Name string // for errors
	Text string
}

// Error says where a source was refused, and why.
type Error struct {
	File   string
	Line   int // the first one of the directive
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// directive is one directive with its arguments, quotation marks removed.
type directive struct {
	file string
	line int
	name string // in lower case
	args []string
}

func (d *directive) errorf(format string, args ...any) *Error {
	return &Error{File: d.file, Line: d.line, Reason: fmt.Sprintf(format, args...)}
}

// The bounds of what is parsed.
const (
	maxSource     = 8 << 20
	maxDirective  = 256 << 10
	maxDirectives = 50_000
)

// parseDirectives splits a source. A line that ends in a backslash goes on with the next; lines that
// begin with a number sign are comments, also between such lines.
func parseDirectives(src Source) ([]directive, *Error) {
	if len(src.Text) > maxSource {
		return nil, &Error{File: src.Name, Line: 1, Reason: fmt.Sprintf("the file is larger than %d bytes", maxSource)}
	}
	var out []directive
	var joined strings.Builder
	first, n := 0, 0
	flush := func() *Error {
		text := joined.String()
		joined.Reset()
		if strings.TrimSpace(text) == "" {
			return nil
		}
		d, err := parseDirective(src.Name, first, text)
		if err != nil {
			return err
		}
		if out = append(out, d); len(out) > maxDirectives {
			return d.errorf("more than %d directives", maxDirectives)
		}
		return nil
	}
	for rest, more := src.Text, true; more; {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if joined.Len() == 0 {
			first = n
		}
		if goesOn := strings.HasSuffix(line, `\`); goesOn {
			joined.WriteString(line[:len(line)-1])
			if joined.Len() > maxDirective {
				return nil, &Error{File: src.Name, Line: first, Reason: fmt.Sprintf("a directive of more than %d bytes", maxDirective)}
			}
			continue
		}
		joined.WriteString(line)
		if err := flush(); err != nil {
			return nil, err
		}
	}
	return out, flush()
}

// parseDirective splits a directive into its name and arguments. Arguments that hold spaces are in
// quotation marks, within which a backslash takes the special meaning of a quotation mark.
func parseDirective(file string, line int, text string) (directive, *Error) {
	d := directive{file: file, line: line}
	if len(text) > maxDirective {
		return d, d.errorf("a directive of more than %d bytes", maxDirective)
	}
	name, rest, _ := cutSpace(text)
	d.name = strings.ToLower(name)
	for rest != "" {
		if rest[0] != '"' {
			var arg string
			arg, rest, _ = cutSpace(rest)
			d.args = append(d.args, arg)
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				if rest[i+1] != '"' {
					b.WriteByte('\\')
				}
				i++
			}
			b.WriteByte(rest[i])
		}
		if i == len(rest) {
			return d, d.errorf("a quotation mark is not closed")
		}
		d.args = append(d.args, b.String())
		rest = strings.TrimLeft(rest[i+1:], " \t")
	}
	return d, nil
}

// cutSpace cuts s at its first run of spaces.
func cutSpace(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

// ignored are directives that say nothing about the rules of a request's phases: they set up
// logs, limits and the response, which are the platform's to configure.
var ignored = map[string]bool{
	"seccomponentsignature": true, "seccollectiontimeout": true, "secruleengine": true, "secrxprefilter": true,
	"secrequestbodyaccess": true, "secrequestbodylimit": true, "secrequestbodylimitaction": true, "secrequestbodyinmemorylimit": true,
	"secrequestbodynofileslimit": true, "secrequestbodyjsondepthlimit": true, "secargumentslimit": true,
	"secresponsebodyaccess": true, "secresponsebodymimetype": true, "secresponsebodylimit": true, "secresponsebodylimitaction": true,
	"secresponsebodyjsondepthlimit": true, "secdatadir": true, "sectmpdir": true, "secuploaddir": true, "secuploadkeepfiles": true,
	"secuploadfilemode": true, "secuploadfilelimit": true, "secauditengine": true, "secauditlog": true, "secauditlogparts": true,
	"secauditlogtype": true, "secauditlogformat": true, "secauditlogrelevantstatus": true, "secauditlogstoragedir": true,
	"secdebuglog": true, "secdebugloglevel": true, "secargumentseparator": true, "seccookieformat": true, "secstatusengine": true,
	"secunicodemapfile": true, "secpcrematchlimit": true, "secpcrematchlimitrecursion": true, "secserversignature": true,
	"secwebappid": true, "secsensorid": true,
}

// item is a rule or a marker, in the order of the files.
type item struct {
	rule   *ruleSpec
	marker string
}

// config is what the files say.
type config struct {
	items    []item
	defaults [3]*ruleSpec // SecDefaultAction of the phases 1 and 2
}

// parse reads all sources in order.
func parse(sources []Source) (*config, error) {
	c := &config{}
	var open *ruleSpec // the chain that goes on with the next rule
	for _, src := range sources {
		directives, err := parseDirectives(src)
		if err != nil {
			return nil, err
		}
		for i := range directives {
			if err := c.directive(&directives[i], &open); err != nil {
				return nil, err
			}
		}
		if open != nil {
			return nil, &Error{File: src.Name, Line: open.line, Reason: "a chain does not go on"}
		}
	}
	return c, nil
}

func (c *config) directive(d *directive, open **ruleSpec) *Error {
	if *open != nil && d.name != "secrule" {
		return d.errorf("a chain goes on with another SecRule, not with %s", d.name)
	}
	switch d.name {
	case "secrule":
		link, err := parseRule(d)
		if err != nil {
			return err
		}
		return c.add(d, link, open)
	case "secaction":
		if len(d.args) != 1 {
			return d.errorf("SecAction takes one argument, not %d", len(d.args))
		}
		link := &ruleSpec{file: d.file, line: d.line}
		if err := link.parseActions(d, d.args[0]); err != nil {
			return err
		}
		return c.add(d, link, open)
	case "secmarker":
		if len(d.args) != 1 || d.args[0] == "" {
			return d.errorf("SecMarker takes a name")
		}
		c.items = append(c.items, item{marker: d.args[0]})
		return nil
	case "secdefaultaction":
		if len(d.args) != 1 {
			return d.errorf("SecDefaultAction takes one argument")
		}
		spec := &ruleSpec{file: d.file, line: d.line}
		if err := spec.parseActions(d, d.args[0]); err != nil {
			return err
		}
		switch {
		case spec.phase == 0:
			return d.errorf("SecDefaultAction needs a phase")
		case spec.phase <= 2:
			c.defaults[spec.phase] = spec
		}
		return nil
	case "secruleupdatetargetbyid", "secruleupdatetargetbytag", "secruleremovebyid", "secruleremovebytag":
		return c.update(d)
	}
	if ignored[d.name] {
		return nil
	}
	return d.errorf("the directive %s is not supported", d.name)
}

// add adds a rule or the next one of a chain.
func (c *config) add(d *directive, link *ruleSpec, open **ruleSpec) *Error {
	head := *open
	if head == nil {
		if link.phase == 0 {
			link.phase = 2
		}
		head = link
		c.items = append(c.items, item{rule: head})
	} else {
		if link.id != 0 || link.phase != 0 && link.phase != head.phase {
			return d.errorf("a chained rule has no id and no phase of its own")
		}
		if len(head.links) == maxChain {
			return d.errorf("a chain of more than %d rules", maxChain)
		}
	}
	head.links = append(head.links, link)
	*open = nil
	if link.chain {
		*open = head
	}
	return nil
}

// maxChain is how many rules a chain may have.
const maxChain = 32

// update changes the rules that were read so far, as ModSecurity does.
func (c *config) update(d *directive) *Error {
	targets := strings.HasPrefix(d.name, "secruleupdatetarget")
	if targets && len(d.args) != 2 || !targets && len(d.args) == 0 {
		return d.errorf("%s: the wrong number of arguments", d.name)
	}
	var matches func(r *ruleSpec) bool
	if strings.HasSuffix(d.name, "bytag") {
		tag := d.args[0]
		matches = func(r *ruleSpec) bool { return r.hasTag(tag) }
	} else {
		list := d.args[:1]
		if !targets {
			list = d.args
		}
		ranges, err := parseRanges(list)
		if err != nil {
			return d.errorf("%v", err)
		}
		matches = func(r *ruleSpec) bool { return ranges.has(r.id) }
	}
	var added []target
	if targets {
		var err error
		if added, err = listTargets(d.args[1]); err != nil {
			return d.errorf("%v", err)
		}
	}
	kept := c.items[:0]
	for _, it := range c.items {
		if it.rule == nil || !matches(it.rule) {
			kept = append(kept, it)
			continue
		}
		if targets {
			it.rule.targets = mergeTargets(it.rule.targets, added)
			kept = append(kept, it)
		}
	}
	c.items = kept
	return nil
}

// idRanges are ids and ranges of them.
type idRanges [][2]int

func (l idRanges) has(id int) bool {
	for _, r := range l {
		if id >= r[0] && id <= r[1] {
			return true
		}
	}
	return false
}

// parseRanges reads "942100", "942100-942999", several in one string or in many.
func parseRanges(list []string) (idRanges, error) {
	var out idRanges
	for _, s := range list {
		for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
			from, to, isRange := strings.Cut(part, "-")
			if !isRange {
				to = from
			}
			a, err := strconv.Atoi(from)
			b, err2 := strconv.Atoi(to)
			if err != nil || err2 != nil || a > b {
				return nil, fmt.Errorf("%q is no rule id", part)
			}
			out = append(out, [2]int{a, b})
		}
	}
	return out, nil
}
