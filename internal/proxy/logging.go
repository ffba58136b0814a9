package proxy

// Logging says what is logged of the requests that a web ACL inspected, and where that goes (AWS WAF
// API reference, LoggingConfiguration).
type Logging struct {
	// Destination is the ARN of a log group or a bucket. It is the control plane's affair; a proxy only
	// makes the records.
	Destination string
	// Filters decide which requests are logged: the first that a request meets; without one, KeepOthers
	// does.
	Filters    []LogFilter `json:",omitempty"`
	KeepOthers bool        `json:",omitempty"`
	// What is hidden in the records: the path, the query, the method, header fields by their names.
	RedactPath    bool     `json:",omitempty"`
	RedactQuery   bool     `json:",omitempty"`
	RedactMethod  bool     `json:",omitempty"`
	RedactHeaders []string `json:",omitempty"`
}

// LogFilter keeps or drops the requests that meet its conditions.
type LogFilter struct {
	Keep bool `json:",omitempty"`
	// All tells whether all conditions must be met, or any.
	All        bool `json:",omitempty"`
	Conditions []LogCondition
}

// LogCondition is one condition: exactly one member is set.
type LogCondition struct {
	// Action is that of a rule that matched, or of the default: ALLOW, BLOCK, COUNT, CAPTCHA, CHALLENGE,
	// EXCLUDED_AS_COUNT.
	Action string `json:",omitempty"`
	// Label is the full name of a label.
	Label string `json:",omitempty"`
}
