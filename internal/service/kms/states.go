package kms

import (
	_ "embed"
	"strings"

	"fastness/internal/api/kmsapi"
)

// states.txt is the table of which operation works on a key in which state: a row an
// operation, a column a state. It is AWS's table ("Key states of AWS KMS keys" in the
// developer guide), with the states that only multi-Region keys have.
//
//go:embed states.txt
var stateTable string

// verdict is a cell of the table.
type verdict byte

const (
	works        verdict = '+'
	isDisabled   verdict = 'd' // DisabledException: … is disabled.
	isInvalid    verdict = 'i' // KMSInvalidStateException: … is <state>.
	notScheduled verdict = 'n' // KMSInvalidStateException: … is not pending deletion.
)

// stateColumns are the states in the order of the table's columns.
var stateColumns = []kmsapi.KeyState{
	kmsapi.KeyStateEnabled, kmsapi.KeyStateDisabled, kmsapi.KeyStatePendingDeletion, kmsapi.KeyStatePendingImport,
	kmsapi.KeyStateUnavailable, kmsapi.KeyStateCreating, kmsapi.KeyStateUpdating, kmsapi.KeyStatePendingReplicaDeletion,
}

// stateRules is the parsed table: operation → state → verdict.
var stateRules = parseStates(stateTable)

func parseStates(table string) map[string]map[kmsapi.KeyState]verdict {
	rules := make(map[string]map[kmsapi.KeyState]verdict)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != len(stateColumns)+1 || strings.HasPrefix(line, "#") {
			continue
		}
		row := make(map[kmsapi.KeyState]verdict, len(stateColumns))
		for i, s := range stateColumns {
			row[s] = verdict(fields[i+1][0])
		}
		rules[fields[0]] = row
	}
	return rules
}

// stateNames is how messages spell a state.
var stateNames = map[kmsapi.KeyState]string{
	kmsapi.KeyStatePendingDeletion:        "pending deletion",
	kmsapi.KeyStatePendingImport:          "pending import",
	kmsapi.KeyStateUnavailable:            "unavailable",
	kmsapi.KeyStateCreating:               "creating",
	kmsapi.KeyStateUpdating:               "updating",
	kmsapi.KeyStatePendingReplicaDeletion: "pending replica deletion",
}

// checkState refuses an operation that the key's state does not allow.
func checkState(operation string, k *keyRecord) error {
	switch stateRules[operation][k.State] {
	case works:
		return nil
	case isDisabled:
		return &kmsapi.DisabledException{Message: new(k.arn() + " is disabled.")}
	case notScheduled:
		return invalidState(k.arn() + " is not pending deletion.")
	}
	name, ok := stateNames[k.State]
	if !ok {
		name = "in an invalid state"
	}
	return invalidState(k.arn() + " is " + name + ".")
}

func invalidState(message string) error {
	return &kmsapi.KMSInvalidStateException{Message: &message}
}
