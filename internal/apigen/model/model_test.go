package model

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `{
 "version": "2.0",
 "metadata": {"apiVersion": "2020-01-01", "protocol": "json", "jsonVersion": "1.1", "uid": "dropped"},
 "operations": {
  "Put": {"name": "Put", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}, "errors": [{"shape": "Bad"}], "documentation": "<p>prose</p>"},
  "Get": {"name": "Get", "http": {"method": "POST", "requestUri": "/"}, "output": {"shape": "Out"}}
 },
 "shapes": {
  "Z": {"type": "string", "documentation": "<p>prose</p>"},
  "In": {"type": "structure", "members": {"B": {"shape": "Z"}, "A": {"shape": "L", "documentation": "<p>prose</p>"}}},
  "L": {"type": "list", "member": {"shape": "M"}},
  "M": {"type": "map", "key": {"shape": "Z"}, "value": {"shape": "In"}},
  "Out": {"type": "structure", "members": {}},
  "Bad": {"type": "structure", "members": {}, "exception": true}
 },
 "documentation": "<p>prose</p>"
}`

func TestTrimKeepsWhatOperationsReach(t *testing.T) {
	m, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Trim([]string{"Put"}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	if strings.Contains(got, "prose") || strings.Contains(got, "dropped") || strings.Contains(got, "documentation") {
		t.Errorf("prose remains in %s", got)
	}
	var names []string
	for n := range m.Shapes.All() {
		names = append(names, n)
	}
	if s := strings.Join(names, " "); s != "Z In L M Bad" {
		t.Errorf("shapes %s", s)
	}
	in, _ := m.Shapes.Get("In")
	names = nil
	for n := range in.Members.All() {
		names = append(names, n)
	}
	if s := strings.Join(names, " "); s != "B A" {
		t.Errorf("members in the order %s", s)
	}
	again, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	var c bytes.Buffer
	if err := again.Write(&c); err != nil {
		t.Fatal(err)
	}
	if c.String() != got {
		t.Error("a trimmed model does not survive reading and writing")
	}
}

func TestTrimRefuses(t *testing.T) {
	for _, tt := range []struct{ text, op, want string }{
		{small, "Nope", "Nope"},
		{strings.Replace(small, `"shape": "M"`, `"shape": "Gone"`, 1), "*", "Gone"},
	} {
		m, err := Read(strings.NewReader(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Trim([]string{tt.op}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want one about %s", err, tt.want)
		}
	}
}

func TestReadAllowed(t *testing.T) {
	for text, ok := range map[string]bool{
		`[{"name": "kms", "operations": ["*"]}]`:                                       true,
		`[{"name": "kms", "operations": []}]`:                                          false,
		`[{"operations": ["*"]}]`:                                                      false,
		`[{"name": "kms", "operations": ["*"]}, {"name": "kms", "operations": ["*"]}]`: false,
		`[{"name": "kms", "operations": ["*"], "surprise": 1}]`:                        false,
		`{"name": "kms"}`: false,
	} {
		path := filepath.Join(t.TempDir(), "allow.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := ReadAllowed(path)
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
		if ok && (list[0].Source != "kms" || list[0].IAMPrefix != "kms") {
			t.Errorf("defaults: %+v", list[0])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"shapes": {"A": {"type": "structure", "xmlNamespace": "x"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := m.Write(new(bytes.Buffer)); err != nil {
			t.Errorf("read but not written: %v", err)
		}
	})
}
