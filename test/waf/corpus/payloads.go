package corpus

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// payloads makes sources of the collections of the fifth time: lists of attacks, the data of scanners, recorded requests.
// All were named here before anybody had measured them; the name decides the half. Of the lists that copy others, those that
// have most of their own were taken.
func payloads() (all []source) {
	list := func(repo string, class Class, read func(string, func(Class, string, bool)) error, globs ...string) {
		all = append(all, source{halfOf(repo), repo, class, globs, read, nil})
	}
	whole := func(repo string, class Class, read func(string, func(Sample)) error, globs ...string) {
		all = append(all, source{halfOf(repo), repo, class, globs, nil, read})
	}
	// Requests that somebody recorded and labelled.
	whole("chaitin+blazehttp", Mixed, raw, "testcases/*/*/*.black")
	whole("chaitin+blazehttp", OrdinaryRq, raw, "testcases/*/*/*.white")

	// Data of scanners.
	list("wapiti-scanner+wapiti", SQL, settings, "wapitiCore/data/attacks/blindSQLPayloads.ini")
	list("wapiti-scanner+wapiti", XSS, settings, "wapitiCore/data/attacks/xssPayloads.ini")
	list("wapiti-scanner+wapiti", Command, settings, "wapitiCore/data/attacks/execPayloads.ini")
	list("wapiti-scanner+wapiti", Traversal, settings, "wapitiCore/data/attacks/fileHandlingPayloads.ini")
	list("wapiti-scanner+wapiti", XML, settings, "wapitiCore/data/attacks/xxePayloads.ini")
	list("sullo+nikto", Holes, checks, "program/databases/db_tests")
	list("projectdiscovery+fuzzing-templates", SQL, fuzzed, "sqli/*.yaml")
	list("projectdiscovery+fuzzing-templates", XSS, fuzzed, "xss/*.yaml")
	list("projectdiscovery+fuzzing-templates", Command, fuzzed, "cmdi/*.yaml")
	list("projectdiscovery+fuzzing-templates", Traversal, fuzzed, "lfi/*.yaml", "rfi/*.yaml")
	list("projectdiscovery+fuzzing-templates", Template, fuzzed, "ssti/*.yaml", "csti/*.yaml")
	list("projectdiscovery+fuzzing-templates", Fetch, fuzzed, "ssrf/*.yaml")
	list("projectdiscovery+fuzzing-templates", Splitting, fuzzed, "crlf/*.yaml")
	list("projectdiscovery+fuzzing-templates", XML, fuzzed, "xxe/*.yaml")
	whole("ARPSyndicate+kenzer-templates", Holes, probes, "nuclei/cvescan/*/*/*.yaml")
	whole("geeknik+the-nuclei-templates", Holes, probes, "*.yaml")
	whole("pikpikcu+nuclei-templates", Holes, probes, "*/*.yaml")
	list("client9+libinjection", SQL, typed, "data/sqli-*.txt")
	list("client9+libinjection", XSS, typed, "data/xss-*.txt")
	list("client9+libinjection", Ordinary, typed, "data/false_positives.txt")
	list("Fuzzapi+API-fuzzer", SQL, lines, "payloads/sql.txt", "payloads/blind_sql.txt", "payloads/detect/sql.txt")
	list("Fuzzapi+API-fuzzer", XSS, lines, "payloads/xss.txt")

	// Lists.
	const offensive = "InfoSecWarrior+Offensive-Payloads"
	list(offensive, XSS, lines, "Cross-Site-Scripting-XSS-Payloads.txt")
	list(offensive, Traversal, lines, "Directory-Traversal-Payloads.txt")
	list(offensive, Command, lines, "OS-Command-Injection-*-Payloads.txt")
	list(offensive, Code, lines, "PHP-Code-*.txt")
	list(offensive, SQL, lines, "SQL-Injection-*.txt")
	list(offensive, Fetch, lines, "Server-Side-Request-Forgery-Payloads.txt")
	const many = "ManShum812+vulnerability-payload"
	list(many, XSS, lines, "xss.txt")
	list(many, SQL, lines, "sql.txt")
	list(many, Traversal, lines, "lfi.txt")
	list(many, Command, lines, "os injection.txt")
	list(many, Fetch, lines, "ssrf.txt")
	list(many, Splitting, lines, "crlf.txt")
	list(many, Redirect, lines, "openredirect.txt")
	const dual = "dualfade+payloads"
	list(dual, Splitting, lines, "crlf.txt", "crlf_all.txt")
	list(dual, Template, lines, "el_injection.txt", "ssti.txt")
	list(dual, NoSQL, lines, "nosql.txt")
	list(dual, SQL, lines, "sqli-logic.txt")
	list(dual, Fetch, lines, "ssrf_payloads*.txt")
	list(dual, Command, lines, "unix_cmdi.txt", "win_cmdi.txt")
	list(dual, XSS, lines, "xss_basic.txt", "xss_blind.txt")
	list("incogbyte+fuzzylists", SQL, lines, "sqli/*/*.txt", "sqli_fuzz.txt", "delay_payloads_sqli.txt")
	list("incogbyte+fuzzylists", Traversal, lines, "path_traversal*.txt")
	list("incogbyte+fuzzylists", NoSQL, lines, "fuzzingNoSQL.txt")
	list("incogbyte+fuzzylists", Template, lines, "templateInjection.txt")
	list("narasimhareddy5x5+Payloads", XSS, lines, "brutelogic-gym-payloads", "My-XSS-hunter-Payloads.txt")
	list("narasimhareddy5x5+Payloads", SQL, lines, "SQLi*.txt", "sqli*.txt")
	list("narasimhareddy5x5+Payloads", Traversal, lines, "lfi.txt")
	list("narasimhareddy5x5+Payloads", Template, lines, "ssti.txt")
	list("narasimhareddy5x5+Payloads", Redirect, lines, "open-redirect.txt")
	list("loulan-ling+fuzz-payload", Splitting, lines, "crlf.txt")
	list("loulan-ling+fuzz-payload", XSS, lines, "AngularJS-CSTI-XSS.txt")
	list("orwagodfather+WordList", SQL, lines, "SQL.txt")
	list("orwagodfather+WordList", Template, lines, "ssti.txt")
	list("xajkep+wordlists", SQL, lines, "payloads/sqli_blind_time-based.txt")
	list("trietptm+SQL-Injection-Payloads", SQL, lines, "sql*.txt")
	list("cujanovic+CRLF-Injection-Payloads", Splitting, lines, "CRLF-payloads.txt")
	list("pgaijin66+XSS-Payloads", XSS, lines, "payload/payload.txt")
	list("payloadbox+open-redirect-payload-list", Redirect, fenced, "README.md")
	list("TheKingOfDuck+fuzzDicts", XSS, lines, "easyXssPayload/*.txt")
	list("TheKingOfDuck+fuzzDicts", Command, lines, "rcePayloads/RCE-filter-and-WAF-Bypass.txt", "rcePayloads/*-Commond-Inject-Payload-List.txt", "rcePayloads/rce-when-all-dangerous-characters-are-escaped.txt")
	list("sh377c0d3+Payloads", XSS, lines, "Cross Site Scripting/XSS*.txt", "Cross Site Scripting/master.txt", "Cross Site Scripting/p*.txt", "Cross Site Scripting/quick.txt")
	list("sh377c0d3+Payloads", Splitting, lines, "Carriage Return Line Feed/*.txt")
	list("sh377c0d3+Payloads", Command, lines, "Command Injection/execute.txt", "Command Injection/Unix.txt")

	list("gh0stkey+Web-Fuzzing-Box", SQL, lines, "Vuln/Sql_Injection/Sql_Payload.txt")
	list("gh0stkey+Web-Fuzzing-Box", XSS, lines, "Vuln/Xss/All.txt")
	list("gh0stkey+Web-Fuzzing-Box", Traversal, lines, "Vuln/Traversal_Directory/Directory_Traversal.txt")
	list("RenwaX23+XSS-Payloads", XSS, lines, "Payloads.txt")
	list("Proviesec+xss-payload-list", XSS, lines, "xss-*.txt", "xss-without-alert-confirm-prompt")
	list("cujanovic+Open-Redirect-Payloads", Redirect, lines, "Open-Redirect-payloads.txt")
	list("HackAllSec+FuzzDict", Mixed, lines, "fuzzfull/*.txt")
	list("HackAllSec+FuzzDict", SQL, lines, "sqlinjection/SQLfuzz.txt")
	list("HackAllSec+FuzzDict", Command, lines, "cmdinjection/*.txt")
	list("siratsami+mypayloads", SQL, lines, "sqlmapayloads", "sqlim.txt")
	list("siratsami+mypayloads", Traversal, lines, "pathtravsel.txt")
	list("siratsami+mypayloads", Splitting, lines, "crlf.txt")
	list("OWASP+CheatSheetSeries", XSS, blocks, "cheatsheets/XSS_Filter_Evasion_Cheat_Sheet.md")
	list("kleiton0x00+Advanced-SQL-Injection-Cheatsheet", SQL, visited, "*/README.md")
	return all
}

// raw reads a request as it was sent: its head, an empty line, its body. Fields that browsers always send are added where it
// lacks them, and a Host that is the sender's own machine is another: neither is what a recording of a request tells.
func raw(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, body, found := strings.Cut(string(b), "\r\n\r\n")
	if !found {
		head, body, _ = strings.Cut(string(b), "\n\n")
	}
	if s := dispatched(head, body); s != nil {
		add(*s)
	}
	return nil
}

var loopback = regexp.MustCompile(`^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$`)

// dispatched makes a sample of a head and a body, and is nil if there is no request line.
func dispatched(head, body string) *Sample {
	l := strings.Split(strings.ReplaceAll(strings.TrimLeft(head, "\r\n"), "\r\n", "\n"), "\n")
	method, rest, found := strings.Cut(l[0], " ")
	target, version, _ := strings.Cut(strings.TrimSpace(rest), " HTTP/")
	if !found || version == "" || !strings.HasPrefix(target, "/") {
		return nil
	}
	host := "shop.example"
	var fields [][2]string
	for _, f := range l[1:] {
		name, value, found := strings.Cut(f, ":")
		value = strings.TrimSpace(value)
		if !found || name == "" {
			continue
		}
		if strings.EqualFold(name, "Host") {
			if !loopback.MatchString(value) {
				host = value
			}
			continue
		}
		fields = append(fields, [2]string{name, value})
	}
	return Exchange(method, host, strings.ReplaceAll(target, " ", "%20"), fields, body)
}

var tags = strings.NewReplacer("[TAB]", "\t", "[LF]", "\n", "[FF]", "\f", "[NULL]", "\x00", "[TIME]", "5",
	"[EXTERNAL_ENDPOINT]", "https://elsewhere.example", "[SITE_URL]", "https://shop.example", "[VALUE]", "7", "[ATTR_SEP]", " ", "[VALUE_SEP]", "")

// settings reads the values of the key "payload" in files of sections, whose lines that go on are indented.
func settings(path string, add func(Class, string, bool)) error {
	inside := false
	return eachLine(path, func(l string) {
		switch {
		case strings.HasPrefix(l, "payload = "):
			inside = true
			l = strings.TrimPrefix(l, "payload = ")
		case !inside || l[0] != ' ' && l[0] != '\t':
			inside = false
			return
		}
		if l = strings.TrimSpace(l); l != "None" {
			add("", tags.Replace(l), false)
		}
	})
}

// checks reads Nikto's tests that are asked for by GET and are of one kind that is an attack: scripts, SQL, files of the
// server, commands. Files of other servers are left out: their addresses look like links.
func checks(path string, add func(Class, string, bool)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes, r.Comment = -1, true, '#'
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	classes := map[string]Class{"4": XSS, "9": SQL, "7": Traversal, "8": Holes}
	fill := strings.NewReplacer("@CGIDIRS", "/cgi-bin/", "@ADMIN", "/admin/", "@PHPMYADMIN", "/phpmyadmin/", "@NUKE", "/nuke/")
	for _, row := range rows {
		if len(row) < 8 || classes[row[2]] == "" || row[4] != "GET" || row[7] != "" {
			continue
		}
		file := local.ReplaceAllStringFunc(fill.Replace(row[3]), func(call string) string {
			switch abs := strings.Contains(call, "abs"); {
			case strings.Contains(call, "win") && abs:
				return `c:\boot.ini`
			case abs:
				return "/etc/passwd"
			}
			return "../../../../../../../../../../etc/passwd"
		})
		target := strings.ReplaceAll(junk.ReplaceAllString(file, "AAAAAAAAAA"), " ", "%20")
		if strings.HasPrefix(target, "/") {
			add(classes[row[2]], target, true)
		}
	}
	return nil
}

var (
	junk  = regexp.MustCompile(`JUNK\(\d+\)`)
	local = regexp.MustCompile(`@LFI\([^)]*\)`)
)

// fuzzed reads the lists of values in templates of a fuzzer, but for those that it computes.
func fuzzed(path string, add func(Class, string, bool)) error {
	return eachTemplate(path, func(_ map[string]any, request map[string]any) {
		leaves(request["payloads"], func(v string) {
			if v = invented.Replace(v); !strings.Contains(v, "{{") || strings.Contains(path, "sti/") {
				add("", v, false)
			}
		})
	})
}

var invented = strings.NewReplacer("{{interactsh-url}}", "c2x7.oast.example", "{{Interactsh-url}}", "c2x7.oast.example", "{{randstr}}", "x7k2p", "{{Hostname}}", "shop.example",
	"{{RootURL}}", "https://shop.example", "{{domain}}", "shop.example", "{{path}}", "/etc/passwd")

// eachTemplate calls f for each request of a template of Nuclei.
func eachTemplate(path string, f func(template, request map[string]any)) error {
	docs, err := yamlFile(path)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		template, _ := doc.(map[string]any)
		for _, k := range []string{"requests", "http"} {
			list, _ := template[k].([]any)
			for _, r := range list {
				if r, ok := r.(map[string]any); ok {
					f(template, r)
				}
			}
		}
	}
	return nil
}

// attacked tells by a template's tags, or its name if it has none, what it is an attack of. Those for versions, panels and files that
// nobody should see are none of these.
var attacked = []struct {
	word  *regexp.Regexp
	class Class
}{
	{regexp.MustCompile(`\bsqli\b|sql-injection`), SQL}, {regexp.MustCompile(`\bxss\b|cross-site`), XSS}, {regexp.MustCompile(`\blfi\b|traversal|file-inclusion`), Traversal},
	{regexp.MustCompile(`\bssrf\b`), Fetch}, {regexp.MustCompile(`\bcrlf\b`), Splitting}, {regexp.MustCompile(`\bssti\b`), Template}, {regexp.MustCompile(`\bxxe\b`), XML},
	{regexp.MustCompile(`\brce\b|injection`), Holes},
}

// probes reads templates of Nuclei that send one request, which is an attack by their tags.
func probes(path string, add func(Sample)) error {
	var found []Sample
	requests := 0
	err := eachTemplate(path, func(template, request map[string]any) {
		requests++
		info, _ := template["info"].(map[string]any)
		about, _ := info["tags"].(string)
		if about == "" {
			about = filepath.Base(path)
		}
		class := Class("")
		for _, a := range attacked {
			if a.word.MatchString(about) {
				class = a.class
				break
			}
		}
		take := func(s *Sample) {
			if s == nil || class == "" || strings.Contains(s.Value+s.Body, "{{") && class != Template {
				return
			}
			s.Class = class
			found = append(found, *s)
		}
		paths, _ := request["path"].([]any)
		raws, _ := request["raw"].([]any)
		requests += max(len(paths)+len(raws)-1, 0)
		for _, p := range paths {
			p, _ := p.(string)
			target, below := strings.CutPrefix(invented.Replace(p), "{{BaseURL}}")
			method, _ := request["method"].(string)
			body, _ := request["body"].(string)
			headers, _ := request["headers"].(map[string]any)
			if !below || !strings.HasPrefix(target, "/") || method == "" {
				continue
			}
			var fields [][2]string
			for _, k := range sortedKeys(headers) {
				if v, ok := headers[k].(string); ok {
					fields = append(fields, [2]string{k, invented.Replace(v)})
				}
			}
			take(Exchange(method, "shop.example", strings.ReplaceAll(target, " ", "%20"), fields, invented.Replace(body)))
		}
		for _, r := range raws {
			r, _ := r.(string)
			head, body, _ := strings.Cut(invented.Replace(strings.ReplaceAll(r, "\r\n", "\n")), "\n\n")
			take(dispatched(head, strings.TrimSuffix(body, "\n")))
		}
	})
	if requests == 1 {
		for _, s := range found {
			add(s)
		}
	}
	return err
}

// blocks takes each fenced block of a Markdown page for one value.
func blocks(path string, add func(Class, string, bool)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parts := strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n```")
	for i := 1; i < len(parts); i += 2 {
		_, text, _ := strings.Cut(parts[i], "\n")
		add("", strings.TrimSpace(text), false)
	}
	return nil
}

var address = regexp.MustCompile("```http:?//domain\\.com(/\\S[^`]*)```")

// visited reads addresses of an example's site that stand in the lines of a page as they are typed into a browser.
func visited(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		for _, m := range address.FindAllStringSubmatch(l, -1) {
			if target := strings.ReplaceAll(strings.TrimSpace(m[1]), " ", "%20"); strings.ContainsAny(target, "'\"*%+(") {
				add("", target, true)
			}
		}
	})
}

// typed reads a value a line as it is written in a query, but for lines that begin with "#", which are about the others.
func typed(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		if v := decodeForm(l); l[0] != '#' && utf8.ValidString(v) {
			add("", v, false)
		}
	})
}

// literals reads a value a line, some of which are written as Python writes bytes.
func literals(path string, add func(Class, string, bool)) error {
	return eachLine(path, func(l string) {
		if n := len(l); n > 3 && l[0] == 'b' && (l[1] == '\'' || l[1] == '"') && l[n-1] == l[1] {
			quoted := l[2 : n-1]
			if l[1] == '\'' {
				quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\'`, `'`), `"`, `\"`)
			}
			if v, err := strconv.Unquote(`"` + quoted + `"`); err == nil && utf8.ValidString(v) {
				l = v
			}
		}
		add("", l, false)
	})
}
