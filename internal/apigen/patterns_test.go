package apigen

import (
	"path/filepath"
	"regexp"
	"testing"

	"fastness/internal/apigen/model"
)

// Every translation is of a pattern that some model has and Go cannot compile, and
// does what its examples say.
func TestTranslations(t *testing.T) {
	table, err := Translations()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range readModels(t) {
		for name, s := range m.Shapes.All() {
			if s.Pattern == "" {
				continue
			}
			used[s.Pattern] = true
			if _, err := compilePattern(s.Pattern, table); err != nil {
				t.Errorf("%s: shape %s: %v", m.Metadata.ServiceID, name, err)
			}
		}
	}
	for pattern, tr := range table {
		if !used[pattern] {
			t.Errorf("%q is translated but no model has it", pattern)
		}
		if _, err := regexp.Compile(pattern); err == nil {
			t.Errorf("%q needs no translation", pattern)
		}
		if tr.Reason == "" || len(tr.Match) == 0 || len(tr.Reject) == 0 {
			t.Errorf("%q lacks a reason or examples", pattern)
		}
		m, err := compilePattern(pattern, table)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		expr := regexp.MustCompile(`\A(?:` + tr.Go + `)\z`)
		for want, list := range map[bool][]string{true: tr.Match, false: tr.Reject} {
			for _, s := range list {
				if got := expr.MatchString(s); got != want {
					t.Errorf("%q on %q: expression says %v", pattern, s, got)
				}
				if got := m.matches(s); got != want {
					t.Errorf("%q on %q: matcher says %v", pattern, s, got)
				}
			}
		}
	}
}

func readModels(t *testing.T) []*model.Model {
	t.Helper()
	list, err := model.ReadAllowed(filepath.Join("..", "..", "models", "allow.json"))
	if err != nil {
		t.Fatal(err)
	}
	var models []*model.Model
	for _, a := range list {
		models = append(models, readModel(t, filepath.Join("..", "..", "models", a.Name+".json")))
	}
	return models
}

func TestCompilePattern(t *testing.T) {
	tests := []struct {
		pattern       string
		set           bool
		match, reject []string
	}{
		{`[\w+=,.@-]*`, true, []string{"", "Session1", "a@b"}, []string{"Session1:2", "é"}},
		{`^[a-zA-Z0-9:/_-]+$`, true, []string{"alias/x"}, []string{"", "a b", "alias/x\n"}},
		{`[0-9]{12}`, true, []string{"123456789012"}, []string{"12345678901", "1234567890123", "12345678901a"}},
		{`[\s\w]{2,3}`, true, []string{"a\v", "\ta\n"}, []string{"a", "abcd"}},
		{`a\sb`, false, []string{"a b", "a\vb"}, []string{"ab", "a\u00a0b"}},
		{`.*`, true, []string{"", "äöü"}, []string{"a\nb"}},
		{`(?s).*`, true, []string{"a\nb"}, nil},
		{`[\w]`, true, []string{"a"}, []string{"", "ab"}},
		{`v[1-9][0-9]*`, false, []string{"v1", "v20"}, []string{"v0", "xv1", "v1 "}},
		{`a|b`, true, []string{"a", "b"}, []string{"ab"}},
		{`^a$|^bc$`, false, []string{"a", "bc"}, []string{"abc", "ac"}},
		{`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`, false, []string{"Ärger 1"}, []string{"", "a!"}},
	}
	for _, tt := range tests {
		m, err := compilePattern(tt.pattern, nil)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if (m.set != nil) != tt.set {
			t.Errorf("%q: character set %v, want %v", tt.pattern, m.set != nil, tt.set)
		}
		for want, list := range map[bool][]string{true: tt.match, false: tt.reject} {
			for _, s := range list {
				if got := m.matches(s); got != want {
					t.Errorf("%q on %q: %v", tt.pattern, s, got)
				}
			}
		}
	}
}

func TestCompilePatternRefusesWhatGoCannot(t *testing.T) {
	for _, p := range []string{`[\u0020-\u00FF]*`, `a{1,1024}`, `(?!-)a`} {
		if _, err := compilePattern(p, nil); err == nil {
			t.Errorf("%q compiles", p)
		}
	}
}
