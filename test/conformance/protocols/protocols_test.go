//go:build conformance && generated

package protocols

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"fastness/internal/wire"
	"fastness/test/conformance/protocols/generated"
)

func TestProtocols(t *testing.T) {
	files := load(t)
	excused := notApplicable(t)
	total, passed := 0, 0
	recorded := newRecorder()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for i := range files[file] {
			s := &files[file][i]
			for j := range s.Cases {
				c := &s.Cases[j]
				total++
				name := file + " " + c.ID
				err := run(file, i, j, s, c, generated.APIs[file][i], recorded)
				reason, listed := excused[name]
				delete(excused, name)
				switch {
				case err == nil && listed:
					t.Errorf("%s passes; it is listed as not applicable: %s", name, reason)
				case err != nil && !listed:
					t.Errorf("%s: %s", name, short(err))
				case err == nil:
					passed++
				}
			}
		}
	}
	for name := range excused {
		t.Errorf("notapplicable.txt lists %s, which does not exist", name)
	}
	t.Logf("%d cases: %d pass, %d do not apply to a server", total, passed, total-passed)
	recorded.check(t, vectors(t))
}

func run(file string, i, j int, s *suite, c *testCase, api *wire.API, recorded *recorder) error {
	if api == nil {
		return errNotGenerated
	}
	if strings.HasPrefix(file, "input/") {
		return runInput(s, c, api)
	}
	return runOutput(file, i, j, s, c, api, recorded)
}

// short keeps the larger vectors out of the log.
func short(err error) string {
	if text := err.Error(); len(text) > 400 {
		return text[:400] + "…"
	} else {
		return text
	}
}
