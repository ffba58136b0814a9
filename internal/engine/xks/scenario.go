package xks

import "errors"

// Scenario is a row of the specification's table "KMS considerations" for errors:
// what went wrong with a proxy, and what a KMS caller hears of it.
type Scenario int

// The rows of the table.
const (
	// ScenarioUnknown is a failure on our own side; the table has no row for it.
	ScenarioUnknown Scenario = iota
	ScenarioValidation
	ScenarioInvalidState
	ScenarioInvalidCiphertext
	// ScenarioInnerCiphertext: the proxy decrypted, but what it returned is not a
	// ciphertext of the KMS key, or belongs to another encryption context.
	ScenarioInnerCiphertext
	ScenarioInvalidKeyUsage
	ScenarioAuthenticationFailed
	ScenarioAccessDenied
	ScenarioKeyNotFound
	ScenarioInvalidURIPath
	ScenarioUnsupportedOperation
	ScenarioDependencyTimeout
	ScenarioThrottling
	ScenarioInternal
	ScenarioUnreachable
	ScenarioTLS
	ScenarioTimeout
	ScenarioMalformedResponse
	ScenarioManagersUnavailable
	ScenarioNotConnected
)

// Caller is the kind of KMS operation during which a scenario arises.
type Caller int

const (
	// CallerKeyStore is CreateCustomKeyStore and UpdateCustomKeyStore.
	CallerKeyStore Caller = iota + 1
	// CallerCreateKey is CreateKey.
	CallerCreateKey
	// CallerCrypto is every cryptographic operation.
	CallerCrypto
)

// ScenarioOf finds the row for an error of Client.
func ScenarioOf(err error) Scenario {
	var proxy *ProxyError
	if errors.As(err, &proxy) {
		switch proxy.Name {
		case ValidationException:
			return ScenarioValidation
		case InvalidStateException:
			return ScenarioInvalidState
		case InvalidCiphertextException:
			return ScenarioInvalidCiphertext
		case InvalidKeyUsageException:
			return ScenarioInvalidKeyUsage
		case AuthenticationFailedException:
			return ScenarioAuthenticationFailed
		case AccessDeniedException:
			return ScenarioAccessDenied
		case KeyNotFoundException:
			return ScenarioKeyNotFound
		case InvalidURIPathException:
			return ScenarioInvalidURIPath
		case UnsupportedOperationException:
			return ScenarioUnsupportedOperation
		case DependencyTimeoutException:
			return ScenarioDependencyTimeout
		case ThrottlingException:
			return ScenarioThrottling
		case InternalException:
			return ScenarioInternal
		}
	}
	var call *CallError
	if errors.As(err, &call) {
		switch call.Kind {
		case Unreachable, ConnectionLost:
			return ScenarioUnreachable
		case TLSFailed:
			return ScenarioTLS
		case TimedOut:
			return ScenarioTimeout
		case InvalidResponse:
			return ScenarioMalformedResponse
		case ManagersUnavailable:
			return ScenarioManagersUnavailable
		}
	}
	return ScenarioUnknown
}

// Names of the KMS exceptions in the table.
const (
	exInvalidResponse      = "XksProxyInvalidResponseException"
	exIncorrectCredential  = "XksProxyIncorrectAuthenticationCredentialException"
	exInvalidConfiguration = "XksProxyInvalidConfigurationException"
	exUnreachable          = "XksProxyUriUnreachableException"
	exKeyConfiguration     = "XksKeyInvalidConfigurationException"
	exKeyNotFound          = "XksKeyNotFoundException"
	exStoreState           = "CustomKeyStoreInvalidStateException"
	exKMSState             = "KMSInvalidStateException"
	exKMSInternal          = "KMSInternalException"
)

// Exception is the name of the KMS exception for the scenario. Cells that the
// table leaves empty (a health check that answers with an error about a key) are
// filled with the nearest exception the operation declares; so is its
// "XksKeyInvalidResponseException", which the KMS API does not have.
func (s Scenario) Exception(caller Caller) string {
	if s == ScenarioUnknown {
		return exKMSInternal
	}
	switch caller {
	case CallerKeyStore:
		return s.keyStoreException()
	case CallerCreateKey:
		switch s {
		case ScenarioInvalidState, ScenarioInvalidKeyUsage, ScenarioUnsupportedOperation:
			return exKeyConfiguration
		case ScenarioKeyNotFound:
			return exKeyNotFound
		case ScenarioAccessDenied:
			return exKMSState
		}
		return exStoreState
	default:
		return exKMSState
	}
}

func (s Scenario) keyStoreException() string {
	switch s {
	case ScenarioAuthenticationFailed:
		return exIncorrectCredential
	case ScenarioInvalidURIPath:
		return exInvalidConfiguration
	case ScenarioDependencyTimeout, ScenarioThrottling, ScenarioUnreachable, ScenarioTLS,
		ScenarioTimeout, ScenarioManagersUnavailable:
		return exUnreachable
	case ScenarioNotConnected:
		return exStoreState
	default:
		return exInvalidResponse
	}
}

// Message is the exception message of the table, "" for ScenarioUnknown.
func (s Scenario) Message() string {
	switch s {
	case ScenarioValidation, ScenarioMalformedResponse:
		return "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, report it to your external key store proxy administrator."
	case ScenarioInvalidState:
		return "The external key associated with this KMS key in an external key store is not enabled in the external key manager. Enable the external key in the external key manager and retry the request."
	case ScenarioInvalidCiphertext:
		return "The external key store proxy rejected the request because the specified ciphertext or encryption context is corrupted, missing, or otherwise invalid."
	case ScenarioInnerCiphertext:
		return "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid."
	case ScenarioInvalidKeyUsage:
		return "The external key associated with this KMS key in an external key store does not support the requested operation. Enable the operation on the key in your external key manager, and try the request again."
	case ScenarioAuthenticationFailed:
		return "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the XKS proxy authentication credentials for your external key store and update if necessary."
	case ScenarioAccessDenied:
		return "The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again."
	case ScenarioKeyNotFound:
		return "The external key associated with this KMS key in an external key store was not found in its external key manager. If the external key ID associated with this KMS key is incorrect, create a new KMS key with the correct external key ID."
	case ScenarioInvalidURIPath:
		return "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary."
	case ScenarioUnsupportedOperation:
		return "The external key store proxy rejected the request because it does not support the requested operation. If you see this error repeatedly, report it to your external key store proxy administrator."
	case ScenarioDependencyTimeout:
		return "The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator."
	case ScenarioThrottling:
		return "The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store."
	case ScenarioInternal, ScenarioManagersUnavailable:
		return "The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available."
	case ScenarioUnreachable:
		return "AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external key store."
	case ScenarioTLS:
		return "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate."
	case ScenarioTimeout:
		return "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator."
	case ScenarioNotConnected:
		return "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again."
	default:
		return ""
	}
}
