package interpreter

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

//go:embed templates.py
var templatesPython string

//go:embed templates.rb
var templatesRuby string

//go:embed templates.php
var templatesPHP string

//go:embed templates.js
var templatesNode string

//go:embed Templates.java
var templatesJava string

// rendered is what an engine made of a template, which is "Hello VALUE!", or of the value as an expression.
type rendered struct {
	Engine, Out string
	// Error is "", "syntax", or "runtime" if it was read, and failed in what it does.
	Error string
	// Expression tells that the value, or what stands between its braces, was evaluated as a whole.
	Expression bool
}

// secret is in what templates can reach of the application's settings.
const secret = "the application's own secret"

type templates struct {
	box     *sandbox.Box
	workers []*sandbox.Worker
	tried   bool
}

// jars are the libraries of Java's engines.
var jars = []part{
	{"libfreemarker-java", []string{"/usr/share/java/freemarker.jar"}}, {"velocity", []string{"/usr/share/java/velocity.jar"}}, {"libspring-expression-java", []string{"/usr/share/java/spring3-expression.jar"}},
	{"libognl-java", []string{"/usr/share/java/ognl.jar"}}, {"libmvel-java", []string{"/usr/share/java/mvel2.jar"}}, {"libcommons-jexl2-java", []string{"/usr/share/java/commons-jexl2.jar"}},
}

// NewTemplates makes the judge of templates and expressions.
func NewTemplates() (Judge, error) {
	if err := need(append([]part{
		python, node, phpCLI, ruby, java,
		{"python3-jinja2", []string{"/usr/lib/python3/dist-packages/jinja2"}}, {"python3-mako", []string{"/usr/lib/python3/dist-packages/mako"}}, {"python3-tornado", []string{"/usr/lib/python3/dist-packages/tornado"}},
		{"php-twig", []string{"/usr/share/php/Twig/autoload.php"}}, {"smarty4", []string{"/usr/share/php/smarty4/Smarty.class.php"}}, {"node-nunjucks", []string{"/usr/share/nodejs/nunjucks"}}, {"node-ejs", []string{"/usr/share/nodejs/ejs"}},
	}, jars...)...); err != nil {
		return nil, err
	}
	spec := debian(map[string]string{
		"/judge/templates.py": templatesPython, "/judge/templates.rb": templatesRuby, "/judge/templates.php": templatesPHP, "/judge/templates.js": templatesNode, "/judge/Templates.java": templatesJava,
		"/etc/passwd": systemFiles["/etc/passwd"],
	})
	spec.Shown["/etc/php"] = "/etc/php" // its extensions
	spec.Processes = 512                // a machine of Java has many threads
	classes := strings.Fields("/usr/share/java/spring3-core.jar /usr/share/java/commons-logging.jar /usr/share/java/commons-collections3.jar /usr/share/java/commons-lang.jar /usr/share/java/javassist.jar")
	for _, j := range jars {
		classes = append(classes, j.files...)
	}
	// Without /proc the machine of Java does not find its libraries by itself.
	home, err := filepath.EvalSymlinks("/usr/bin/java")
	if err != nil {
		return nil, err
	}
	home = filepath.Dir(filepath.Dir(home))
	spec.Environment = append(spec.Environment, "NODE_PATH=/usr/share/nodejs", "SECRET="+secret, "JAVA_HOME="+home, "LD_LIBRARY_PATH="+home+"/lib:"+home+"/lib/server")
	box, err := sandbox.New(spec)
	if err != nil {
		return nil, err
	}
	const most = 20 * time.Second // what takes longer does not come back
	return &templates{box: box, workers: []*sandbox.Worker{
		sandbox.NewWorker(box, patience, "/usr/bin/python3", "/judge/templates.py", secret),
		sandbox.NewWorker(box, patience, "/usr/bin/ruby", "/judge/templates.rb", secret),
		sandbox.NewWorker(box, patience, "/usr/bin/php", "-d", "display_errors=0", "/judge/templates.php", secret),
		sandbox.NewWorker(box, most, "/usr/bin/node", "/judge/templates.js", secret),
		sandbox.NewWorker(box, patience, home+"/bin/java", "-Xmx512m", "-cp", strings.Join(classes, ":"), "/judge/Templates.java", secret),
	}}, nil
}

func (t *templates) Close() error { return closeAll(t.box, t.workers...) }

// try has each engine evaluate what it must, so that none that does not work is taken for one that does nothing.
func (t *templates) try(ctx context.Context) error {
	worked := map[string]bool{"Go": inGoTemplate("{{printf `%d` 49}}").Out == before+"49"+behind}
	for _, v := range []string{"{{7*7}}", "${7*7}", "<%= 7*7 %>", "{7*7}", "#set($x=7*7)$x", "#{7*7}"} {
		for i, w := range t.workers {
			var all []rendered
			if err := w.Ask(ctx, map[string][]byte{"Value": []byte(v)}, &all); err != nil {
				return fmt.Errorf("engine %d: %w", i, err)
			}
			for _, r := range all {
				if strings.Contains(r.Out, "49") && r.Error == "" {
					worked[r.Engine] = true
				}
			}
		}
	}
	for _, e := range engines {
		if !worked[e] {
			return fmt.Errorf("%s does not evaluate 7*7", e)
		}
	}
	return nil
}

// before and behind are what stands around a value in a template.
const before, behind = "Hello ", "!"

// markup is what has anything in one of the engines.
var markup = regexp.MustCompile(`\{\{|\{%|\$\{|<%|#\{|\{|\$|@|T\(|#`)

func (t *templates) Judge(ctx context.Context, value string) (j Judgement, err error) {
	if !t.tried {
		if err := t.try(ctx); err != nil {
			return j, err
		}
		t.tried = true
	}
	j.take(verdict.Neither, "", "")
	for _, reading := range with(with(percent.Readings(value, percent.Decode), spaced), unquoted) {
		if !markup.MatchString(reading) {
			continue
		}
		j.takeRendered(reading, inGoTemplate(reading))
		for i, w := range t.workers {
			var all []rendered
			err := w.Ask(ctx, map[string][]byte{"Value": []byte(reading)}, &all)
			if ended(err) {
				j.take(verdict.Possible, "the program ended", "engine %d: %.200q: %v", i, reading, err)
				continue
			}
			if err != nil {
				return j, err
			}
			for _, r := range all {
				j.takeRendered(reading, r)
			}
			if j.Verdict == verdict.Shown {
				return j, nil
			}
		}
		if rank(j.Verdict) >= rank(verdict.Active) {
			return j, nil
		}
	}
	return j, nil
}

// takeRendered takes what an engine made of a reading.
func (j *Judgement) takeRendered(reading string, r rendered) {
	switch {
	case r.Error == "syntax":
	case strings.Contains(r.Out, secret):
		j.take(verdict.Shown, r.Engine, "%s: %.200q: a secret", r.Engine, reading)
	case r.Error == "" && !r.Expression && r.Out == before+reading+behind:
	case r.Error == "" && r.Expression && r.Out == reading:
	case plain(reading):
		j.take(verdict.Possible, r.Engine+", a name", "%s: %.200q: a name or a constant", r.Engine, reading)
	case r.Error != "":
		j.take(verdict.Possible, r.Engine+", failed", "%s: %.200q: failed", r.Engine, reading)
	default:
		j.take(verdict.Active, r.Engine, "%s: %.200q: %.100q", r.Engine, reading, r.Out)
	}
}

var (
	expression = regexp.MustCompile(`(?s)\{\{(.*?)\}\}|\{%(.*?)%\}|<%(.*?)%>|[$#%*@]\{(.*?)\}|\{(.*?)\}`)
	lone       = regexp.MustCompile(`(?s)^(?:#.*#|\*.*\*|--.*--|[=!#%~&-]?[\s\w.$-]*|[=-]?\s*(?:'[^']*'|"[^"]*")\s*)$`)
)

// plain tells whether all expressions of a text are names, constants or comments.
func plain(v string) bool {
	all := expression.FindAllStringSubmatch(v, -1)
	if all == nil {
		return lone.MatchString(strings.TrimSpace(v))
	}
	for _, m := range all {
		if inner := strings.Join(m[1:], ""); !lone.MatchString(inner) {
			return false
		}
	}
	// What is left besides may be a directive by itself.
	return !strings.ContainsAny(expression.ReplaceAllString(v, ""), "#$@")
}

// huge is a width that would take much memory.
var huge = regexp.MustCompile(`\d{5,}`)

// inGoTemplate has text/template render a template. It starts nothing, and has no loop without an end.
func inGoTemplate(value string) rendered {
	r := rendered{Engine: "Go", Error: "syntax"}
	if !strings.Contains(value, "{{") || huge.MatchString(value) {
		return r
	}
	page, err := template.New("page").Parse(before + value + behind)
	if err != nil {
		return r
	}
	var b strings.Builder
	r.Error = ""
	if err := page.Execute(&b, map[string]any{"Name": "anne", "Password": secret}); err != nil {
		r.Error = "runtime"
	}
	r.Out = b.String()
	return r
}

// engines are all that are asked.
var engines = []string{"Go", "Jinja2", "Mako", "Tornado", "ERB", "Ruby's strings", "Twig", "Smarty", "Nunjucks", "EJS", "AngularJS", "FreeMarker", "Velocity", "SpEL", "OGNL", "MVEL", "JEXL"}
