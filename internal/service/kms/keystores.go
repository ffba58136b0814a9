package kms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/xks"
	"fastness/internal/store"
)

// CreateCustomKeyStore implements the operation of that name.
func (s *Service) CreateCustomKeyStore(ctx context.Context, in *kmsapi.CreateCustomKeyStoreRequest) (*kmsapi.CreateCustomKeyStoreResponse, error) {
	c := call.From(ctx)
	if orDefault(in.CustomKeyStoreType, string(kmsapi.CustomKeyStoreTypeAWSCloudhsm)) == string(kmsapi.CustomKeyStoreTypeAWSCloudhsm) {
		return nil, refuseCloudHSM(in)
	}
	proxy, secret, err := newProxyRecord(c, in)
	if err != nil {
		return nil, err
	}
	others, err := s.tables.keyStoresOf(c.Txn(), c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	if len(others) >= s.quotas.keyStores {
		return nil, &kmsapi.LimitExceededException{Message: new("The custom key store limit has been exceeded: an account may have " + itoa(s.quotas.keyStores) + " in a Region.")}
	}
	k := &keyStoreRecord{
		Account: c.Account, Region: c.Region, ID: newKeyStoreID(), Name: text(in.CustomKeyStoreName),
		Created: s.clock.Now().UTC(), State: kmsapi.ConnectionStateTypeDisconnected, Proxy: *proxy, Generation: 1,
	}
	if err := checkUnique(k, others); err != nil {
		return nil, err
	}
	if err := s.checkProxy(ctx, k, secret); err != nil {
		return nil, err
	}
	if err := s.saveKeyStore(c.Txn(), k, secret); err != nil {
		return nil, err
	}
	return &kmsapi.CreateCustomKeyStoreResponse{CustomKeyStoreId: new(k.ID)}, nil
}

// refuseCloudHSM answers for key stores that are backed by a CloudHSM cluster. There
// are no clusters here, so none can be found.
func refuseCloudHSM(in *kmsapi.CreateCustomKeyStoreRequest) error {
	switch {
	case in.XksProxyUriEndpoint != nil || in.XksProxyUriPath != nil || in.XksProxyConnectivity != nil ||
		in.XksProxyAuthenticationCredential != nil || in.XksProxyVpcEndpointServiceName != nil || in.XksProxyVpcEndpointServiceOwner != nil:
		return invalid("External key store parameters are not valid for a custom key store of type AWS_CLOUDHSM.")
	case in.CloudHsmClusterId == nil:
		return invalid("CloudHsmClusterId is required for a custom key store of type AWS_CLOUDHSM.")
	case in.KeyStorePassword == nil:
		return invalid("KeyStorePassword is required for a custom key store of type AWS_CLOUDHSM.")
	case in.TrustAnchorCertificate == nil:
		return invalid("TrustAnchorCertificate is required for a custom key store of type AWS_CLOUDHSM.")
	}
	return &kmsapi.CloudHsmClusterNotFoundException{Message: new("The CloudHSM cluster " + text(in.CloudHsmClusterId) + " was not found.")}
}

// newProxyRecord reads the parameters of an external key store.
func newProxyRecord(c *call.Call, in *kmsapi.CreateCustomKeyStoreRequest) (*proxyRecord, string, error) {
	for _, p := range []struct {
		name   string
		absent bool
	}{
		{"XksProxyConnectivity", in.XksProxyConnectivity == nil},
		{"XksProxyUriEndpoint", in.XksProxyUriEndpoint == nil},
		{"XksProxyUriPath", in.XksProxyUriPath == nil},
		{"XksProxyAuthenticationCredential", in.XksProxyAuthenticationCredential == nil},
	} {
		if p.absent {
			return nil, "", invalid(p.name + " is required for a custom key store of type EXTERNAL_KEY_STORE.")
		}
	}
	if in.CloudHsmClusterId != nil || in.KeyStorePassword != nil || in.TrustAnchorCertificate != nil {
		return nil, "", invalid("CloudHSM key store parameters are not valid for a custom key store of type EXTERNAL_KEY_STORE.")
	}
	p := &proxyRecord{
		Connectivity: *in.XksProxyConnectivity, Endpoint: text(in.XksProxyUriEndpoint), Path: text(in.XksProxyUriPath),
		Service: text(in.XksProxyVpcEndpointServiceName), ServiceOwner: text(in.XksProxyVpcEndpointServiceOwner),
	}
	if p.private() && p.ServiceOwner == "" {
		p.ServiceOwner = c.Account
	}
	if err := p.check(); err != nil {
		return nil, "", err
	}
	p.AccessKeyID = text(in.XksProxyAuthenticationCredential.AccessKeyId)
	return p, text(in.XksProxyAuthenticationCredential.RawSecretAccessKey), nil
}

// check applies the rules that concern several parameters.
func (p *proxyRecord) check() error {
	switch {
	case p.private() && p.Service == "":
		return invalid("XksProxyVpcEndpointServiceName is required with XksProxyConnectivity VPC_ENDPOINT_SERVICE.")
	case !p.private() && (p.Service != "" || p.ServiceOwner != ""):
		return invalid("XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are not valid with XksProxyConnectivity PUBLIC_ENDPOINT.")
	}
	if err := xks.ValidatePath(p.Path); err != nil {
		return &kmsapi.XksProxyInvalidConfigurationException{Message: new("The XksProxyUriPath is not valid: " + strings.TrimPrefix(err.Error(), "xks: ") + ".")}
	}
	return nil
}

// checkUnique compares k with the other key stores of its account and Region.
func checkUnique(k *keyStoreRecord, others []keyStoreRecord) error {
	for i := range others {
		o := &others[i]
		if o.ID == k.ID {
			continue
		}
		sameHost := o.Proxy.host() == k.Proxy.host()
		switch {
		case o.Name == k.Name:
			return &kmsapi.CustomKeyStoreNameInUseException{Message: new("The custom key store name " + k.Name + " is already in use.")}
		case sameHost && o.Proxy.private() != k.Proxy.private():
			return &kmsapi.XksProxyUriEndpointInUseException{Message: new("The XksProxyUriEndpoint is used by an external key store with another connectivity.")}
		case sameHost && k.Proxy.private():
			return &kmsapi.XksProxyUriEndpointInUseException{Message: new("The private DNS name is used by another external key store.")}
		case sameHost && o.Proxy.Path == k.Proxy.Path:
			return &kmsapi.XksProxyUriInUseException{Message: new("The XksProxyUriEndpoint and XksProxyUriPath are used by another external key store.")}
		case k.Proxy.private() && o.Proxy.Service == k.Proxy.Service:
			return &kmsapi.XksProxyVpcEndpointServiceInUseException{Message: new("The VPC endpoint service is used by another external key store.")}
		}
	}
	return nil
}

func newKeyStoreID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return "cks-" + hex.EncodeToString(b[:])[:17]
}

// saveKeyStore writes a key store, and its secret if that is new.
func (s *Service) saveKeyStore(tx store.Txn, k *keyStoreRecord, secret string) error {
	if err := s.tables.keyStores.Put(tx, k); err != nil {
		return err
	}
	if secret != "" {
		if err := s.tables.keyStoreSecrets.Put(tx, &keyStoreSecret{Account: k.Account, Region: k.Region, ID: k.ID, Secret: secret}); err != nil {
			return err
		}
	}
	name := k.name()
	s.memory.OnCommit(tx, func(store.Revision) { s.keyStores.changed(name) })
	return nil
}

// openKeyStore reads a key store of the caller's account and Region in the
// transaction of the call.
func (s *Service) openKeyStore(c *call.Call, id *string) (*keyStoreRecord, error) {
	k, err := s.tables.keyStore(c.Txn(), keyStoreName{c.Account, c.Region, text(id)})
	if isNotFound(err) {
		return nil, noSuchKeyStore(text(id))
	}
	return k, err
}

func noSuchKeyStore(name string) error {
	return &kmsapi.CustomKeyStoreNotFoundException{Message: new("The custom key store " + name + " was not found.")}
}

func keyStoreState(k *keyStoreRecord, operation string) error {
	return &kmsapi.CustomKeyStoreInvalidStateException{
		Message: new(operation + " is not valid for a custom key store whose connection state is " + string(k.State) + "."),
	}
}

// DescribeCustomKeyStores implements the operation of that name.
func (s *Service) DescribeCustomKeyStores(ctx context.Context, in *kmsapi.DescribeCustomKeyStoresRequest) (*kmsapi.DescribeCustomKeyStoresResponse, error) {
	c := call.From(ctx)
	if in.CustomKeyStoreId != nil && in.CustomKeyStoreName != nil {
		return nil, invalid("You cannot specify both CustomKeyStoreId and CustomKeyStoreName.")
	}
	p, err := s.page(c, "", in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	var found []keyStoreRecord
	var next string
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		rows := s.tables.keyStores.Scan(r, everywhere, p.page(parts(c.Account, c.Region)...))
		found, next, err = listing(rows, p.limit, func(k *keyStoreRecord) bool {
			return (in.CustomKeyStoreId == nil || k.ID == *in.CustomKeyStoreId) && (in.CustomKeyStoreName == nil || k.Name == *in.CustomKeyStoreName)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &kmsapi.DescribeCustomKeyStoresResponse{CustomKeyStores: []kmsapi.CustomKeyStoresListEntry{}, Truncated: new(next != "")}
	for i := range found {
		out.CustomKeyStores = append(out.CustomKeyStores, found[i].entry())
	}
	if asked := text(in.CustomKeyStoreId) + text(in.CustomKeyStoreName); asked != "" && len(out.CustomKeyStores) == 0 {
		return nil, noSuchKeyStore(asked)
	}
	out.NextMarker, err = s.nextMarker(c, "", next)
	return out, err
}

func (k *keyStoreRecord) entry() kmsapi.CustomKeyStoresListEntry {
	e := kmsapi.CustomKeyStoresListEntry{
		CustomKeyStoreId: new(k.ID), CustomKeyStoreName: new(k.Name), ConnectionState: new(k.State), CreationDate: new(k.Created),
		CustomKeyStoreType: new(kmsapi.CustomKeyStoreTypeExternalKeyStore),
		XksProxyConfiguration: &kmsapi.XksProxyConfigurationType{
			Connectivity: new(k.Proxy.Connectivity), AccessKeyId: new(k.Proxy.AccessKeyID),
			UriEndpoint: new(k.Proxy.Endpoint), UriPath: new(k.Proxy.Path),
		},
	}
	if k.Error != "" {
		e.ConnectionErrorCode = new(k.Error)
	}
	if k.Proxy.private() {
		e.XksProxyConfiguration.VpcEndpointServiceName = new(k.Proxy.Service)
		e.XksProxyConfiguration.VpcEndpointServiceOwner = new(k.Proxy.ServiceOwner)
	}
	return e
}

// UpdateCustomKeyStore implements the operation of that name. Name, path and
// credential may change while the store is connected, everything else only while it
// is disconnected.
func (s *Service) UpdateCustomKeyStore(ctx context.Context, in *kmsapi.UpdateCustomKeyStoreRequest) (*kmsapi.UpdateCustomKeyStoreResponse, error) {
	c := call.From(ctx)
	k, err := s.openKeyStore(c, in.CustomKeyStoreId)
	if err != nil {
		return nil, err
	}
	if in.KeyStorePassword != nil || in.CloudHsmClusterId != nil {
		return nil, invalid("CloudHSM key store parameters are not valid for a custom key store of type EXTERNAL_KEY_STORE.")
	}
	moves := in.XksProxyConnectivity != nil || in.XksProxyUriEndpoint != nil || in.XksProxyVpcEndpointServiceName != nil || in.XksProxyVpcEndpointServiceOwner != nil
	disconnected := k.State == kmsapi.ConnectionStateTypeDisconnected
	if !disconnected && (moves || k.State != kmsapi.ConnectionStateTypeConnected) {
		return nil, keyStoreState(k, "UpdateCustomKeyStore")
	}
	before := k.Proxy
	secret, err := k.apply(in)
	if err != nil {
		return nil, err
	}
	others, err := s.tables.keyStoresOf(c.Txn(), c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	if err := checkUnique(k, others); err != nil {
		return nil, err
	}
	if k.Proxy != before || secret != "" {
		k.Generation++
		if err := s.checkChangedProxy(ctx, k, secret); err != nil {
			return nil, err
		}
	}
	return &kmsapi.UpdateCustomKeyStoreResponse{}, s.saveKeyStore(c.Txn(), k, secret)
}

// apply changes k as the request asks and returns the new secret, if there is one.
func (k *keyStoreRecord) apply(in *kmsapi.UpdateCustomKeyStoreRequest) (secret string, err error) {
	if in.NewCustomKeyStoreName != nil {
		k.Name = *in.NewCustomKeyStoreName
	}
	p := &k.Proxy
	if in.XksProxyConnectivity != nil && *in.XksProxyConnectivity != p.Connectivity {
		if in.XksProxyUriEndpoint == nil {
			return "", invalid("XksProxyUriEndpoint is required when XksProxyConnectivity changes.")
		}
		p.Connectivity = *in.XksProxyConnectivity
		p.Service, p.ServiceOwner = "", ""
		if p.private() {
			p.ServiceOwner = k.Account
		}
	}
	if in.XksProxyUriEndpoint != nil {
		p.Endpoint = *in.XksProxyUriEndpoint
	}
	if in.XksProxyUriPath != nil {
		p.Path = *in.XksProxyUriPath
	}
	if in.XksProxyVpcEndpointServiceName != nil {
		p.Service = *in.XksProxyVpcEndpointServiceName
	}
	if in.XksProxyVpcEndpointServiceOwner != nil {
		p.ServiceOwner = *in.XksProxyVpcEndpointServiceOwner
	}
	if credential := in.XksProxyAuthenticationCredential; credential != nil {
		p.AccessKeyID, secret = text(credential.AccessKeyId), text(credential.RawSecretAccessKey)
	}
	return secret, p.check()
}

// DeleteCustomKeyStore implements the operation of that name.
func (s *Service) DeleteCustomKeyStore(ctx context.Context, in *kmsapi.DeleteCustomKeyStoreRequest) (*kmsapi.DeleteCustomKeyStoreResponse, error) {
	c := call.From(ctx)
	k, err := s.openKeyStore(c, in.CustomKeyStoreId)
	if err != nil {
		return nil, err
	}
	used, err := s.tables.hasKeys(c.Txn(), k.name())
	switch {
	case err != nil:
		return nil, err
	case used:
		return nil, &kmsapi.CustomKeyStoreHasCMKsException{Message: new("The custom key store " + k.ID + " contains KMS keys.")}
	case k.State != kmsapi.ConnectionStateTypeDisconnected:
		return nil, keyStoreState(k, "DeleteCustomKeyStore")
	}
	if err := s.tables.deleteKeyStore(c.Txn(), k.name()); err != nil {
		return nil, err
	}
	name := k.name()
	s.memory.OnCommit(c.Txn(), func(store.Revision) { s.keyStores.changed(name) })
	return &kmsapi.DeleteCustomKeyStoreResponse{}, nil
}

// randomFromKeyStore answers GenerateRandom for a custom key store: an external key
// store makes no random numbers.
func (s *Service) randomFromKeyStore(ctx context.Context, id string) error {
	c := call.From(ctx)
	k, err := s.keyStore(ctx, keyStoreName{c.Account, c.Region, id})
	if err != nil {
		return err
	}
	if k == nil {
		return noSuchKeyStore(id)
	}
	return unsupported("GenerateRandom is not supported for external key stores.")
}
