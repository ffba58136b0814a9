//go:build conformance && generated

package protocols

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"fastness/internal/wire"
)

// recorder keeps our responses for a client that is not ours: botocore's parsers.
type recorder struct{ lines []recorded }

type recorded struct {
	File    string            `json:"file"`
	Suite   int               `json:"suite"`
	Case    int               `json:"case"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

func newRecorder() *recorder { return new(recorder) }

func (r *recorder) add(file string, suite, index int, _ *testCase, res *wire.Response) {
	headers := make(map[string]string, len(res.Header))
	for k, v := range res.Header {
		headers[k] = v[0]
	}
	r.lines = append(r.lines, recorded{File: file, Suite: suite, Case: index, Status: res.Status, Headers: headers, Body: res.Body})
}

// check has botocore parse every response and compare it with the vectors, where a
// Python with botocore is at hand.
func (r *recorder) check(t *testing.T, vectors string) {
	t.Helper()
	if err := exec.Command("python3", "-c", "import botocore").Run(); err != nil {
		t.Log("no python3 with botocore here: its parsers did not read our responses")
		return
	}
	data, err := json.Marshal(r.lines)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "botocore_client.py", vectors, "notapplicable.txt")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("botocore reads our responses otherwise: %v\n%s", err, out)
		return
	}
	t.Logf("%s", bytes.TrimSpace(out))
}
