package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// errorLine is a line of testdata/kms-errors.txt.
type errorLine struct {
	answer
	test   string // that provokes it, or empty
	reason string // why none does
}

// errorTable reads testdata/kms-errors.txt: operation, error, then the name of the
// test or "-" and the reason.
func errorTable() ([]errorLine, error) {
	data, err := os.ReadFile(filepath.Join("testdata", "kms-errors.txt"))
	if err != nil {
		return nil, err
	}
	var table []errorLine
	for n, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[2] == "-" && len(fields) < 4 || fields[2] != "-" && len(fields) != 3 {
			return nil, fmt.Errorf("kms-errors.txt:%d: not operation, error and test or reason", n+1)
		}
		l := errorLine{answer: answer{fields[0], fields[1]}, test: fields[2]}
		if l.test == "-" {
			l.test, l.reason = "", strings.Join(fields[3:], " ")
		}
		table = append(table, l)
	}
	return table, nil
}

// coveredBy returns the lines of a test.
func coveredBy(t *testing.T, test string) []errorLine {
	t.Helper()
	var lines []errorLine
	for _, l := range must[[]errorLine](t)(errorTable()) {
		if l.test == test {
			lines = append(lines, l)
		}
	}
	return lines
}

// kmsModel is what the test needs of the API model.
type kmsModel struct {
	Operations map[string]struct {
		Errors []struct {
			Shape string `json:"shape"`
		} `json:"errors"`
	} `json:"operations"`
	Shapes map[string]struct {
		Enum []string `json:"enum"`
	} `json:"shapes"`
}

func loadModel() (*kmsModel, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "models", "kms.json"))
	if err != nil {
		return nil, err
	}
	m := new(kmsModel)
	return m, json.Unmarshal(data, m)
}

// TestErrorTable compares the table with the model: each error that the model lists
// for an operation has a line, and no other.
func TestErrorTable(t *testing.T) {
	model := must[*kmsModel](t)(loadModel())
	listed := make(map[answer]bool)
	for _, l := range must[[]errorLine](t)(errorTable()) {
		if listed[l.answer] {
			t.Errorf("%s %s has two lines", l.operation, l.code)
		}
		listed[l.answer] = true
	}
	for name, o := range model.Operations {
		for _, e := range o.Errors {
			if a := (answer{name, e.Shape}); !listed[a] {
				t.Errorf("%s %s has no line", name, e.Shape)
			} else {
				delete(listed, a)
			}
		}
	}
	for a := range listed {
		t.Errorf("%s %s is not in the model", a.operation, a.code)
	}
}

// needsProxy are the operations that succeed only on an external key store, for which
// the operator must have allowed a proxy. internal/service/kms/keystores_test.go calls
// them.
var needsProxy = map[string]bool{
	"ConnectCustomKeyStore": true, "CreateCustomKeyStore": true, "DeleteCustomKeyStore": true,
	"DisconnectCustomKeyStore": true, "UpdateCustomKeyStore": true,
}

// unseenErrors tells, after all tests, which operations never succeeded and which
// errors that should have been provoked never came.
func unseenErrors() error {
	table, err := errorTable()
	if err != nil {
		return err
	}
	model, err := loadModel()
	if err != nil {
		return err
	}
	answers.Lock()
	defer answers.Unlock()
	var unseen []error
	for name := range model.Operations {
		if !answers.seen[answer{name, ""}] && !needsProxy[name] {
			unseen = append(unseen, fmt.Errorf("%s never succeeded", name))
		}
	}
	for _, l := range table {
		if l.test != "" && !answers.seen[l.answer] {
			unseen = append(unseen, fmt.Errorf("%s never answered %s, which %s should provoke", l.operation, l.code, l.test))
		}
	}
	return errors.Join(unseen...)
}
