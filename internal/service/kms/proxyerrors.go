package kms

import (
	"context"
	"errors"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/xks"
)

// proxyError is the API's error for a failed call to a proxy, as the XKS proxy
// specification tabulates it for each kind of KMS operation. What the proxy itself
// said goes to the log alone.
func (s *Service) proxyError(ctx context.Context, k *keyStoreRecord, caller xks.Caller, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	said := ""
	var proxy *xks.ProxyError
	if errors.As(err, &proxy) {
		said = proxy.Message
	}
	s.log.WarnContext(ctx, "external key store proxy", "keyStore", k.ID, "account", k.Account, "error", err, "proxySaid", said)
	return scenarioError(xks.ScenarioOf(err), caller)
}

// scenarioError makes the exception that the specification names.
func scenarioError(scenario xks.Scenario, caller xks.Caller) error {
	message := new(scenario.Message())
	switch scenario.Exception(caller) {
	case "XksProxyInvalidResponseException":
		return &kmsapi.XksProxyInvalidResponseException{Message: message}
	case "XksProxyIncorrectAuthenticationCredentialException":
		return &kmsapi.XksProxyIncorrectAuthenticationCredentialException{Message: message}
	case "XksProxyInvalidConfigurationException":
		return &kmsapi.XksProxyInvalidConfigurationException{Message: message}
	case "XksProxyUriUnreachableException":
		return &kmsapi.XksProxyUriUnreachableException{Message: message}
	case "XksKeyInvalidConfigurationException":
		return &kmsapi.XksKeyInvalidConfigurationException{Message: message}
	case "XksKeyNotFoundException":
		return &kmsapi.XksKeyNotFoundException{Message: message}
	case "CustomKeyStoreInvalidStateException":
		return &kmsapi.CustomKeyStoreInvalidStateException{Message: message}
	case "KMSInvalidStateException":
		return &kmsapi.KMSInvalidStateException{Message: message}
	}
	return &kmsapi.KMSInternalException{Message: new("The request to the external key store proxy could not be made.")}
}
