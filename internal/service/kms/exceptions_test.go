package kms

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/xks"
	"fastness/internal/keyslot"
	"fastness/internal/securemem"
)

// unraised are the modelled exceptions that no call raises, with the reason.
var unraised = map[string]string{
	"CloudHsmClusterInUseException":                "there are no CloudHSM clusters: one that is named is CloudHsmClusterNotFoundException",
	"CloudHsmClusterInvalidConfigurationException": "likewise",
	"CloudHsmClusterNotActiveException":            "likewise",
	"CloudHsmClusterNotRelatedException":           "likewise",
	"IncorrectTrustAnchorException":                "likewise",
	"DependencyTimeoutException": "nothing outside the process is waited for but the proxies of external key stores, " +
		"for which the XKS specification names other exceptions",
}

// brokenSlots cannot make or open slots while broken is set.
type brokenSlots struct {
	Slots
	broken bool
}

func (s *brokenSlots) Allocate(ctx context.Context, owner string) (keyslot.SlotID, *securemem.Secret, error) {
	if s.broken {
		return keyslot.SlotID{}, nil, errors.New("no disk")
	}
	return s.Slots.Allocate(ctx, owner)
}

func (s *brokenSlots) OpenSlot(ctx context.Context, id keyslot.SlotID, owner string) (*securemem.Secret, error) {
	if s.broken {
		return nil, errors.New("no disk")
	}
	return s.Slots.OpenSlot(ctx, id, owner)
}

// TestEveryExceptionOfTheModel raises each exception that the model of KMS lists for any
// operation, or says why there is no way to.
func TestEveryExceptionOfTheModel(t *testing.T) {
	cases := exceptionCases(t)
	modelled := map[string]bool{}
	for i := range kmsapi.API.Operations {
		for _, shape := range kmsapi.API.Operations[i].Errors() {
			modelled[shape.Name] = true
		}
	}
	for code := range modelled {
		_, reason := unraised[code]
		if _, raised := cases[code]; raised == reason {
			t.Errorf("%s: raised %v, has a reason not to be %v", code, raised, reason)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(cases)) {
		t.Run(code, func(t *testing.T) {
			if !modelled[code] {
				t.Error("the model does not have it")
			}
			wantsCode(t, cases[code](), code)
		})
	}
	if len(modelled) != 48 {
		t.Errorf("%d modelled exceptions", len(modelled))
	}
}

// exceptionCases has a call that raises each exception.
func exceptionCases(t *testing.T) map[string]func() error {
	slots := new(brokenSlots)
	service := func(n string) string { return "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef" + n }
	h, proxy := withProxy(t, func(c *Config) {
		slots.Slots, c.Slots = c.Slots, slots
		c.ExternalKeyStores.EndpointServices = map[string]EndpointService{
			service("0"): {Owner: testAccount, DNSName: "private.example", ProxyRoute: c.ExternalKeyStores.Proxies[proxyHost]},
			service("1"): {Owner: testAccount, DNSName: "private1.example"},
		}
	})
	ctx, r := t.Context(), h.in(testRegion)
	key, other := r.create(&kmsapi.CreateKeyRequest{}).KeyId, r.create(&kmsapi.CreateKeyRequest{}).KeyId
	disabled, pending := r.create(&kmsapi.CreateKeyRequest{}).KeyId, r.create(&kmsapi.CreateKeyRequest{}).KeyId
	h.must(errorOf(r.DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: disabled})))
	h.must(errorOf(r.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: pending})))
	ecc := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)}).KeyId
	mac := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)}).KeyId
	h.must(errorOf(r.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: new("alias/taken"), TargetKeyId: key})))
	blob := r.encrypt(key, "x")
	store := h.connected()
	h.externalKey(store)
	idle, err := r.CreateCustomKeyStore(ctx, func() *kmsapi.CreateCustomKeyStoreRequest {
		in := storeRequest("idle")
		private(in, service("0"), "private.example")
		return in
	}())
	h.must(err)

	encrypt := func(id *string) error {
		return errorOf(r.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x")}))
	}
	alias := func(name string) error {
		return errorOf(r.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: &name, TargetKeyId: key}))
	}
	decrypt := func(id *string, blob []byte) error {
		return errorOf(r.Decrypt(ctx, &kmsapi.DecryptRequest{KeyId: id, CiphertextBlob: blob}))
	}
	newStore := func(change func(*kmsapi.CreateCustomKeyStoreRequest)) error {
		in := storeRequest("another")
		change(in)
		return errorOf(r.CreateCustomKeyStore(ctx, in))
	}
	elsewhere := func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriPath = new("/another" + xks.BasePath) }
	privateStore := func(n, host string) func() error {
		return func() error {
			return newStore(func(in *kmsapi.CreateCustomKeyStoreRequest) { private(in, service(n), host) })
		}
	}
	// refused makes a store while the proxy refuses everything.
	refused := func(name xks.ErrorName) func() error {
		return func() error {
			proxy.set(func() { proxy.instead = refusing(name) })
			defer proxy.set(func() { proxy.instead = nil })
			return newStore(elsewhere)
		}
	}
	externalKey := func(external string) func() error {
		return func() error { return errorOf(r.CreateKey(ctx, keyRequest(store, external))) }
	}
	return map[string]func() error{
		"AlreadyExistsException": func() error { return alias("alias/taken") },
		"CloudHsmClusterNotFoundException": func() error {
			return errorOf(r.CreateCustomKeyStore(ctx, &kmsapi.CreateCustomKeyStoreRequest{CustomKeyStoreName: new("hsm"),
				CloudHsmClusterId: new("cluster-abcdefghijk"), KeyStorePassword: new("kmsPswd"), TrustAnchorCertificate: new("x")}))
		},
		"ConflictException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
			h.must(errorOf(r.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: new(int32(90))})))
			h.clock.Advance(90*24*time.Hour - time.Minute)
			return errorOf(r.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: id}))
		},
		"CustomKeyStoreHasCMKsException": func() error {
			return errorOf(r.DeleteCustomKeyStore(ctx, &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: &store}))
		},
		"CustomKeyStoreInvalidStateException": func() error {
			return errorOf(r.CreateKey(ctx, keyRequest(*idle.CustomKeyStoreId, "good")))
		},
		"CustomKeyStoreNameInUseException": func() error {
			return newStore(func(in *kmsapi.CreateCustomKeyStoreRequest) { in.CustomKeyStoreName = new("store") })
		},
		"CustomKeyStoreNotFoundException": func() error {
			return errorOf(r.ConnectCustomKeyStore(ctx, &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: new("cks-0123456789abcdef0")}))
		},
		"DisabledException": func() error { return encrypt(disabled) },
		"DryRunOperationException": func() error {
			return errorOf(r.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x"), DryRun: new(true)}))
		},
		"ExpiredImportTokenException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)}).KeyId
			p, err := r.GetParametersForImport(ctx, &kmsapi.GetParametersForImportRequest{KeyId: id,
				WrappingAlgorithm: new(kmsapi.AlgorithmSpecRSAESOAEPSHA256), WrappingKeySpec: new(kmsapi.WrappingKeySpecRSA2048)})
			h.must(err)
			h.clock.Advance(25 * time.Hour)
			return errorOf(r.ImportKeyMaterial(ctx, &kmsapi.ImportKeyMaterialRequest{KeyId: id, ImportToken: p.ImportToken,
				EncryptedKeyMaterial: []byte("x"), ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire)}))
		},
		"IncorrectKeyException": func() error { return decrypt(other, blob) },
		"IncorrectKeyMaterialException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)}).KeyId
			p, err := r.GetParametersForImport(ctx, &kmsapi.GetParametersForImportRequest{KeyId: id,
				WrappingAlgorithm: new(kmsapi.AlgorithmSpecRSAESOAEPSHA256), WrappingKeySpec: new(kmsapi.WrappingKeySpecRSA2048)})
			h.must(err)
			return errorOf(r.ImportKeyMaterial(ctx, &kmsapi.ImportKeyMaterialRequest{KeyId: id, ImportToken: p.ImportToken,
				EncryptedKeyMaterial: wrapFor(t, string(kmsapi.AlgorithmSpecRSAESOAEPSHA256), p.PublicKey, make([]byte, 31)),
				ExpirationModel:      new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire)}))
		},
		"InvalidAliasNameException":  func() error { return alias("alias/") },
		"InvalidArnException":        func() error { return encrypt(new("arn:aws:kms:us-east-1:111122223333:nonsense")) },
		"InvalidCiphertextException": func() error { return decrypt(nil, []byte("garbage")) },
		"InvalidGrantIdException": func() error {
			return errorOf(r.RevokeGrant(ctx, &kmsapi.RevokeGrantRequest{KeyId: key, GrantId: new("nonsense")}))
		},
		"InvalidGrantTokenException": func() error {
			return errorOf(r.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x"), GrantTokens: []string{"nonsense"}}))
		},
		"InvalidImportTokenException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)}).KeyId
			return errorOf(r.ImportKeyMaterial(ctx, &kmsapi.ImportKeyMaterialRequest{KeyId: id, ImportToken: []byte("nonsense"),
				EncryptedKeyMaterial: []byte("x"), ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire)}))
		},
		"InvalidKeyUsageException": func() error { return encrypt(ecc) },
		"InvalidMarkerException":   func() error { return errorOf(r.ListKeys(ctx, &kmsapi.ListKeysRequest{Marker: new("nonsense")})) },
		"KMSInternalException": func() error {
			slots.broken = true
			defer func() { slots.broken = false }()
			return errorOf(r.CreateKey(ctx, &kmsapi.CreateKeyRequest{}))
		},
		"KMSInvalidMacException": func() error {
			return errorOf(r.VerifyMac(ctx, &kmsapi.VerifyMacRequest{KeyId: mac, Message: []byte("x"), Mac: []byte("x"), MacAlgorithm: new(kmsapi.MacAlgorithmSpecHMACSHA256)}))
		},
		"KMSInvalidSignatureException": func() error {
			return errorOf(r.Verify(ctx, &kmsapi.VerifyRequest{KeyId: ecc, Message: []byte("x"), Signature: []byte("x"), SigningAlgorithm: new(kmsapi.SigningAlgorithmSpecECDSASHA256)}))
		},
		"KMSInvalidStateException": func() error { return encrypt(pending) },
		"KeyUnavailableException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
			slots.broken = true
			defer func() { slots.broken = false }()
			return encrypt(id)
		},
		"LimitExceededException": func() error {
			id := r.create(&kmsapi.CreateKeyRequest{}).KeyId
			for range h.service.quotas.rotations {
				h.must(errorOf(r.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: id})))
			}
			return errorOf(r.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: id}))
		},
		"MalformedPolicyDocumentException": func() error {
			return errorOf(r.PutKeyPolicy(ctx, &kmsapi.PutKeyPolicyRequest{KeyId: key, Policy: new("{}")}))
		},
		"NotFoundException": func() error { return encrypt(new("12345678-1234-1234-1234-123456789012")) },
		"TagException": func() error {
			return errorOf(r.TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: key, Tags: []kmsapi.Tag{{TagKey: new("aws:x"), TagValue: new("x")}}}))
		},
		"UnsupportedOperationException": func() error {
			return errorOf(r.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: ecc}))
		},
		"XksKeyAlreadyInUseException":                             externalKey("good"),
		"XksKeyInvalidConfigurationException":                     externalKey("disabled"),
		"XksKeyNotFoundException":                                 externalKey("nobody"),
		"XksProxyIncorrectAuthenticationCredentialException":      refused(xks.AuthenticationFailedException),
		"XksProxyInvalidConfigurationException":                   refused(xks.InvalidURIPathException),
		"XksProxyInvalidResponseException":                        refused(xks.ValidationException),
		"XksProxyUriUnreachableException":                         refused(xks.ThrottlingException),
		"XksProxyUriInUseException":                               func() error { return newStore(func(*kmsapi.CreateCustomKeyStoreRequest) {}) },
		"XksProxyUriEndpointInUseException":                       privateStore("1", proxyHost),
		"XksProxyVpcEndpointServiceInUseException":                privateStore("0", "private0.example"),
		"XksProxyVpcEndpointServiceNotFoundException":             privateStore("9", "private9.example"),
		"XksProxyVpcEndpointServiceInvalidConfigurationException": privateStore("1", "unknown.example"),
	}
}

func private(in *kmsapi.CreateCustomKeyStoreRequest, service, host string) {
	in.XksProxyConnectivity = new(kmsapi.XksProxyConnectivityTypeVPCEndpointService)
	in.XksProxyVpcEndpointServiceName = &service
	in.XksProxyUriEndpoint = new("https://" + host)
}
