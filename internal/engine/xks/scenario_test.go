package xks

import "testing"

// TestScenarioTable is the table of the specification, "KMS considerations" of its
// section on error codes: exceptions by kind of caller. A dash is an empty cell.
func TestScenarioTable(t *testing.T) {
	const (
		invalid    = "XksProxyInvalidResponseException"
		keyConfig  = "XksKeyInvalidConfigurationException"
		storeState = "CustomKeyStoreInvalidStateException"
		kmsState   = "KMSInvalidStateException"
		unreach    = "XksProxyUriUnreachableException"
		dash       = "-"
	)
	for _, row := range []struct {
		name                        string
		err                         error
		keyStore, createKey, crypto string
	}{
		{"validation", &ProxyError{Name: ValidationException}, invalid, storeState, kmsState},
		{"state", &ProxyError{Name: InvalidStateException}, dash, keyConfig, kmsState},
		{"ciphertext", &ProxyError{Name: InvalidCiphertextException}, dash, dash, kmsState},
		{"usage", &ProxyError{Name: InvalidKeyUsageException}, dash, keyConfig, kmsState},
		{"authentication", &ProxyError{Name: AuthenticationFailedException}, "XksProxyIncorrectAuthenticationCredentialException", storeState, kmsState},
		{"access", &ProxyError{Name: AccessDeniedException}, dash, kmsState, kmsState},
		{"key", &ProxyError{Name: KeyNotFoundException}, dash, "XksKeyNotFoundException", kmsState},
		{"path", &ProxyError{Name: InvalidURIPathException}, "XksProxyInvalidConfigurationException", storeState, kmsState},
		{"unsupported", &ProxyError{Name: UnsupportedOperationException}, dash, dash, kmsState},
		{"dependency", &ProxyError{Name: DependencyTimeoutException}, unreach, storeState, kmsState},
		{"throttling", &ProxyError{Name: ThrottlingException}, unreach, storeState, kmsState},
		{"internal", &ProxyError{Name: InternalException}, invalid, storeState, kmsState},
		{"TCP", &CallError{Kind: Unreachable}, unreach, storeState, kmsState},
		{"TLS", &CallError{Kind: TLSFailed}, unreach, storeState, kmsState},
		{"timeout", &CallError{Kind: TimedOut}, unreach, storeState, kmsState},
		{"malformed", &CallError{Kind: InvalidResponse}, invalid, storeState, kmsState},
		{"managers unavailable", &CallError{Kind: ManagersUnavailable}, unreach, dash, dash},
	} {
		s := ScenarioOf(row.err)
		for caller, want := range map[Caller]string{CallerKeyStore: row.keyStore, CallerCreateKey: row.createKey, CallerCrypto: row.crypto} {
			got := s.Exception(caller)
			if got == "" || want != dash && got != want {
				t.Errorf("%s, caller %d: %s, want %s", row.name, caller, got, want)
			}
		}
		if s.Message() == "" {
			t.Errorf("%s: no message", row.name)
		}
	}
	if ScenarioOf(&CallError{Kind: Internal}) != ScenarioUnknown || ScenarioUnknown.Message() != "" {
		t.Error("a failure on our side is in the table")
	}
}
