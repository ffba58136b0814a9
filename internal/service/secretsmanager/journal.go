package secretsmanager

import "time"

// journalRecord is a rotation under way: what the engine has decided to do, written down
// before it does it, so that whoever comes after a crash goes on from there. There is at
// most one for a secret; it goes when the rotation has ended. The engine of rotation owns
// its members from Step on.
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

	// Step is the step that is being done, Attempt how often it has been begun, Error how
	// the last attempt ended.
	Step    string `json:"step"`
	Attempt int    `json:"attempt,omitempty"`
	Error   string `json:"error,omitempty"`
	// Deadline is the end of the rotation window: no attempt begins after it.
	Deadline time.Time `json:"deadline,omitzero"`
}
