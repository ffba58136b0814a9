package corpus

import (
	"encoding/json"
	"testing"
)

func TestRecordersYAMLIsUnderstood(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: 1\nb: text\nc:\n- x\n- y: z\n  w: 'it''s'\n", `[{"a":1,"b":"text","c":["x",{"w":"it's","y":"z"}]}]`},
		{"---\na: \"one\\n  \\\n  two\\u00e9\"\n---\nb:\n    long plain\n    text\n", `[{"a":"one\n  twoé"},{"b":"long plain text"}]`},
		{"a: |-\n  x\n    y\n\n  z\nb: >\n  f\n  g\n", `[{"a":"x\n  y\n\nz","b":"f g\n"}]`},
		{"a: !binary |-\n  aGVsbG8=\nb: []\nc: {}\n", `[{"a":"hello","b":null,"c":{}}]`},
		{"a: [one, \"two, 2\", 'three']\nb: 'first\n\n  second'\n", `[{"a":["one","two, 2","three"],"b":"first\nsecond"}]`},
		{"- - a\n  - b\n- c: null\n  \"d e\": true\n", `[[["a","b"],{"c":null,"d e":true}]]`},
	} {
		v, err := yamlDocuments(c.text)
		got, _ := json.Marshal(v)
		if err != nil || string(got) != c.want {
			t.Errorf("%q: %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("a: [b, {c: 'd'}]\ne:\n- |\n  f\n- \"g\n  h\"\n")
	f.Add("- - a\n  - !binary |\n    YQ==\n--- \n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = yamlDocuments(text) // must end
	})
}
