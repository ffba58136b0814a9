//go:build conformance && generated

package protocols

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// suite is one element of a vector file: a model and its cases.
type suite struct {
	Metadata struct {
		Protocol    string `json:"protocol"`
		JSONVersion string `json:"jsonVersion"`
	} `json:"metadata"`
	Cases []testCase `json:"cases"`
}

type testCase struct {
	ID    string `json:"id"`
	Given struct {
		Name string `json:"name"`
	} `json:"given"`

	// Input cases.
	Params     json.RawMessage `json:"params"`
	Serialized *struct {
		Method  string            `json:"method"`
		URI     string            `json:"uri"`
		Body    string            `json:"body"`
		Headers map[string]string `json:"headers"`
	} `json:"serialized"`

	// Output cases.
	Result       json.RawMessage `json:"result"`
	Error        json.RawMessage `json:"error"`
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
	Response     *struct {
		Status  int               `json:"status_code"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
}

// vectors is the directory of the protocol tests.
func vectors(t *testing.T) string {
	t.Helper()
	root := os.Getenv("FASTNESS_VECTORS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "vectors")
	}
	return filepath.Join(root, "protocols")
}

// load reads all vector files: the key is "input/rest-json" and the like.
func load(t *testing.T) map[string][]suite {
	t.Helper()
	out := make(map[string][]suite)
	for _, direction := range []string{"input", "output"} {
		files, err := filepath.Glob(filepath.Join(vectors(t), direction, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no protocol tests in %s: set FASTNESS_VECTORS (%v)", vectors(t), err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var suites []suite
			if err := json.Unmarshal(data, &suites); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out[direction+"/"+strings.TrimSuffix(filepath.Base(file), ".json")] = suites
		}
	}
	return out
}

// notApplicable reads the list of cases that do not apply: "input/query Case: reason".
func notApplicable(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("notapplicable.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("notapplicable.txt: %q gives no reason", line)
		}
		if _, twice := out[name]; twice {
			t.Fatalf("notapplicable.txt: %s is listed twice", name)
		}
		out[name] = reason
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
