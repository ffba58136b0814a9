package secretsmanager

import (
	"time"

	"fastness/internal/store"
)

// journalRecord is a rotation under way: what the engine has decided to do, written down
// before it does it, so that whoever comes after a crash goes on from there. There is at
// most one for a secret; it goes when the rotation has succeeded or is abandoned, and
// stays as failed until the next one begins. The engine of rotation owns its members from
// Step on.
type journalRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Secret  string `json:"secret"` // secretRecord.id
	Name    string `json:"name"`   // secretRecord.Name
	// Token is the ClientRequestToken: the id of the version that becomes AWSPENDING.
	Token string `json:"token"`
	// Test says that only the configuration is tested (RotateImmediately=false).
	Test    bool      `json:"test,omitempty"`
	Started time.Time `json:"started"`

	// Step is the step that is being done: its effects may be there in full, in part, or
	// not at all. For testSecret, which has none, it stays at the step before it.
	Step rotationStep `json:"step"`
	// Failures is how many attempts have failed, Error how the last one did. What was
	// interrupted did not fail.
	Failures int    `json:"failures,omitempty"`
	Error    string `json:"error,omitempty"`
	// Current is the version that was AWSCURRENT when the rotation began.
	Current string `json:"current,omitempty"`
	// Deadline is the end of the rotation window: no attempt begins after it. A rotation
	// that a caller asked for has none.
	Deadline time.Time `json:"deadline,omitzero"`
}

// rotationStep is a state of a rotation.
type rotationStep string

// The steps in their order, named as rotation functions know them. Before stepCreate the
// journal does not exist; behind stepFinish it is gone.
const (
	stepCreate rotationStep = "createSecret"
	stepSet    rotationStep = "setSecret"
	stepTest   rotationStep = "testSecret"
	stepFinish rotationStep = "finishSecret"
	// stepFailed: the attempts are used up. The AWSPENDING version stays, and the next
	// rotation goes on with it.
	stepFailed rotationStep = "failed"
)

// after is what follows a step that has succeeded; after the last one it is "". A test of
// the configuration leaves the database alone.
func (j *journalRecord) after(step rotationStep) rotationStep {
	switch {
	case step == stepCreate && !j.Test:
		return stepSet
	case step == stepCreate, step == stepSet:
		return stepTest
	case step == stepTest && !j.Test:
		return stepFinish
	}
	return ""
}

// running tells whether the engine has still something to do.
func (j *journalRecord) running() bool { return j != nil && j.Step != stepFailed }

// id is that of the job which carries the rotation on.
func (j *journalRecord) id() string { return rotationJobID(j.Account, j.Region, j.Secret) }

// at is where the record of the secret lies.
func (j *journalRecord) at() secretName { return secretName{j.Account, j.Region, j.Name} }

// rotation returns the journal of a secret, or nil when there is none.
func (t *tables) rotation(r store.Reader, s *secretRecord) (*journalRecord, error) {
	j, err := t.journal(r, s)
	if isNotFound(err) {
		return nil, nil
	}
	return j, err
}
