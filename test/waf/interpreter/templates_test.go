//go:build sandbox

package interpreter

import (
	"testing"

	"fastness/test/waf/verdict"
)

func TestGoRendersTemplates(t *testing.T) {
	for _, c := range []judged{
		{"{{.Password}}", verdict.Shown}, {"{{printf `%d` 49}}", verdict.Active}, {"{{.Nothing.More}}", verdict.Possible}, {"{{name}}", verdict.Neither}, {"{{.Name}}", verdict.Possible}, {"{{ 7*7 }}", verdict.Neither},
	} {
		var j Judgement
		j.take(verdict.Neither, "", "")
		j.takeRendered(c.value, inGoTemplate(c.value))
		if j.Verdict != c.want {
			t.Errorf("%q: %+v", c.value, j)
		}
	}
}

func TestNamesAndConstantsAreNoExpressions(t *testing.T) {
	for v, want := range map[string]bool{
		"{{name}}": true, "${price}": true, "{{ 'a' }}": true, "{{7*7}}": false, "<%= name %>": true, "<%= 7*7 %>": false, "{# note #}": true, "{{a}}{{b()}}": false, "#set($x=7*7)$x": false, "{name}": true,
	} {
		if got := plain(v); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}

func TestWhatAnEngineMakesOfATextIsTold(t *testing.T) {
	for _, c := range []struct {
		reading string
		r       rendered
		want    verdict.Verdict
	}{
		{"{{7*7}}", rendered{Engine: "Jinja2", Out: "Hello 49!"}, verdict.Active},
		{"{{7*7}}", rendered{Engine: "Mako", Out: "Hello {{7*7}}!"}, verdict.Neither},
		{"{{config}}", rendered{Engine: "Jinja2", Out: "Hello {'SECRET_KEY': \"" + secret + "\"}!"}, verdict.Shown},
		{"${a.b()}", rendered{Engine: "FreeMarker", Error: "runtime"}, verdict.Possible},
		{"{{", rendered{Engine: "Twig", Error: "syntax"}, verdict.Neither},
		{"{{a}}", rendered{Engine: "Twig", Out: "Hello !"}, verdict.Possible},
		{"${7*7}", rendered{Engine: "SpEL", Out: "49", Expression: true}, verdict.Active},
	} {
		var j Judgement
		j.take(verdict.Neither, "", "")
		j.takeRendered(c.reading, c.r)
		if j.Verdict != c.want {
			t.Errorf("%q: %+v", c.reading, j)
		}
	}
}
