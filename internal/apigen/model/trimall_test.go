package model

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file below dir, compressed if its name says so.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	data := []byte(text)
	if filepath.Ext(name) == ".gz" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTrimAll(t *testing.T) {
	botocore, models := t.TempDir(), t.TempDir()
	newer := strings.Replace(small, `"apiVersion": "2020-01-01"`, `"apiVersion": "2021-02-03"`, 1)
	write(t, botocore, "data/packed/2020-01-01/service-2.json.gz", small)
	write(t, botocore, "data/packed/2021-02-03/service-2.json.gz", newer)
	write(t, botocore, "data/plain/2020-01-01/service-2.json", small)
	write(t, models, "allow.json", `[{"name": "a", "source": "packed", "operations": ["Put"]}, {"name": "plain", "operations": ["*"]}]`)
	var report bytes.Buffer
	if err := TrimAll(botocore, "1.2.3", models, &report); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		version    string
		operations int
	}{"a": {"2021-02-03", 1}, "plain": {"2020-01-01", 2}} {
		f, err := os.Open(filepath.Join(models, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if m.Origin != "botocore 1.2.3" || m.Metadata.APIVersion != want.version || m.Operations.Len() != want.operations {
			t.Errorf("%s: origin %q, version %s, %d operations", name, m.Origin, m.Metadata.APIVersion, m.Operations.Len())
		}
		if !strings.Contains(report.String(), name+": ") {
			t.Errorf("no report of %s in %q", name, report.String())
		}
	}
}

func TestTrimAllRefuses(t *testing.T) {
	for name, c := range map[string]struct{ allow, file, text, want string }{
		"no allow list":     {"", "", "", "allow list"},
		"no such API":       {`[{"name": "b", "operations": ["*"]}]`, "", "", "no service-2.json"},
		"no such operation": {`[{"name": "a", "operations": ["Nope"]}]`, "service-2.json", small, "Nope"},
		"no model":          {`[{"name": "a", "operations": ["*"]}]`, "service-2.json", "[", "service-2.json"},
		"not compressed":    {`[{"name": "a", "operations": ["*"]}]`, "service-2.json.gz", "", "EOF"},
	} {
		botocore, models := t.TempDir(), t.TempDir()
		if c.allow != "" {
			write(t, models, "allow.json", c.allow)
		}
		if c.file != "" {
			write(t, botocore, "data/a/2020-01-01/"+c.file, c.text)
		}
		if name == "not compressed" {
			path := filepath.Join(botocore, "data", "a", "2020-01-01", c.file)
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := TrimAll(botocore, "1", models, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", name, err, c.want)
		}
	}
}
