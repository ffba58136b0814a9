package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "fastness"

// kernel lists the kernel rooms from the ground up: a room imports only rooms that
// stand before it. A room's own subpackages count as the room.
var kernel = []string{
	"arn", "clock", "cron", "match", "ca", "http1", "http2", "wire", "sigv4", "policy", "securemem", "residency",
	"store", "seal", "keyslot", "page", "call", "audit", "due", "eventlog", "bucket",
}

// forbiddenNames say nothing about what a package provides.
var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "types"}

// pkg is one package directory with the module's packages it imports.
type pkg struct {
	dir     string // relative to the module: "internal/front"
	name    string
	hasDoc  bool
	imports []string // without tests
}

func load(t *testing.T) []pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*pkg{}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "generated" || otherModule(file)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		p := found[dir]
		if p == nil {
			p = &pkg{dir: dir, name: f.Name.Name}
			found[dir] = p
		}
		p.hasDoc = p.hasDoc || filepath.Base(file) == "doc.go"
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if after, ok := strings.CutPrefix(name, module+"/"); ok && !slices.Contains(p.imports, after) {
				p.imports = append(p.imports, after)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for _, p := range found {
		all = append(all, *p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found: the test looks in the wrong place", len(all))
	}
	return all
}

// otherModule tells whether a directory below the root has a go.mod of its own.
func otherModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// place splits a directory into its kind of room and the room's name.
func place(dir string) (kind, room string) {
	rest, ok := strings.CutPrefix(dir, "internal/")
	if !ok {
		return strings.SplitN(dir, "/", 2)[0], dir
	}
	parts := strings.Split(rest, "/")
	switch parts[0] {
	case "service", "engine", "api":
		if len(parts) > 1 {
			return parts[0], parts[1]
		}
		return parts[0], ""
	}
	if slices.Contains(kernel, parts[0]) {
		return "kernel", parts[0]
	}
	return parts[0], parts[0]
}

// allowed decides on one edge.
func allowed(from, to string) bool {
	fromKind, fromRoom := place(from)
	toKind, toRoom := place(to)
	if fromKind == toKind && fromRoom == toRoom {
		return true
	}
	switch fromKind {
	case "kernel":
		return toKind == "kernel" && slices.Index(kernel, toRoom) < slices.Index(kernel, fromRoom)
	case "engine", "k8skms":
		return false
	case "encryptionsdk":
		// The library knows its own internal packages and nothing else of ours; the packages
		// below it know the library.
		return toKind == "encryptionsdk" && (from != "encryptionsdk" || strings.HasPrefix(to, "encryptionsdk/internal/"))
	case "api":
		return to == "internal/wire"
	case "front":
		return toKind == "kernel" || toKind == "api"
	case "secretsagent": // runs on hosts of its own and speaks public APIs
		return to == "internal/clock" || to == "internal/securemem"
	case "service":
		return toKind == "kernel" || toKind == "api" || toKind == "engine" || toKind == "encryptionsdk" || toKind == "proxy"
	case "filecrypt":
		return toKind == "encryptionsdk" || to == "internal/clock"
	case "proxy": // the data plane: knows engines, no service and no API
		return toKind == "kernel" || toKind == "engine"
	case "waflog": // what a proxy tells of requests
		return toKind == "kernel" || toKind == "engine" || toKind == "proxy"
	case "wafhttp":
		return toKind == "kernel" || toKind == "engine" || toKind == "proxy"
	case "app":
		return toKind != "cmd"
	case "cmd":
		return true
	case "apigen":
		return toKind == "kernel"
	case "test", "archtest":
		return true
	}
	return false
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	for _, p := range load(t) {
		for _, imp := range p.imports {
			if !allowed(p.dir, imp) {
				t.Errorf("%s must not import %s", p.dir, imp)
			}
		}
	}
}

func TestPackageNamesSayWhatTheyProvide(t *testing.T) {
	for _, p := range load(t) {
		if slices.Contains(forbiddenNames, p.name) || slices.Contains(forbiddenNames, path.Base(p.dir)) {
			t.Errorf("%s: the name says nothing about what it provides", p.dir)
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range load(t) {
		if p.name != "main" && !p.hasDoc {
			t.Errorf("%s has no doc.go", p.dir)
		}
	}
}

func TestTheRulesRefuseWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/service/kms", "internal/service/iam", false},
		{"internal/service/kms", "internal/front", false},
		{"internal/service/kms", "internal/engine/envelope", true},
		{"internal/engine/envelope", "internal/clock", false},
		{"internal/store/pebble", "internal/store", true},
		{"internal/store", "internal/seal", false},
		{"internal/wire", "internal/front", false},
		{"internal/front", "internal/service/kms", false},
		{"internal/api/kmsapi", "internal/wire", true},
		{"internal/api/kmsapi", "internal/store", false},
		{"internal/app", "internal/service/kms", true},
		{"encryptionsdk", "encryptionsdk/rawkeyring", false},
		{"encryptionsdk", "encryptionsdk/internal/expiring", true},
		{"encryptionsdk", "internal/arn", false},
		{"encryptionsdk/rawkeyring", "encryptionsdk", true},
		{"encryptionsdk/rawkeyring", "internal/arn", false},
		{"internal/service/ssm", "encryptionsdk", true},
		{"internal/front", "encryptionsdk", false},
		{"internal/engine/envelope", "encryptionsdk", false},
		{"cmd/fastness", "encryptionsdk", true},
		{"internal/filecrypt", "encryptionsdk/kmskeyring", true},
		{"internal/proxy", "internal/engine/waf", true},
		{"internal/proxy", "internal/api/wafv2api", false},
		{"internal/proxy", "internal/service/wafv2", false},
		{"internal/service/wafv2", "internal/proxy", true},
		{"wafhttp", "internal/proxy", true},
		{"internal/waflog", "internal/proxy", true},
		{"internal/waflog", "internal/service/wafv2", false},
		{"internal/proxy", "internal/waflog", false},
		{"internal/filecrypt", "internal/store", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("allowed(%s → %s) = %v", c.from, c.to, got)
		}
	}
}
