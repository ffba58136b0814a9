package kms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/engine/xks"
	"fastness/internal/store"
)

// keyStores is what is in memory of custom key stores: snapshots of their records, and
// the connections to proxies of those that are connected.
type keyStores struct {
	config ExternalKeyStores
	// wake tells RunKeyStores that a store waits to be connected or disconnected.
	wake chan struct{}

	mu         sync.Mutex
	records    map[keyStoreName]*keyStoreRecord
	proxies    map[keyStoreName]*connectedProxy
	unhealthy  map[keyStoreName]bool
	generation uint64
}

// connectedProxy is a client made for one generation of a record.
type connectedProxy struct {
	generation int
	client     *xks.Client
}

func newKeyStores(c ExternalKeyStores) *keyStores {
	if c.HealthInterval <= 0 {
		c.HealthInterval = time.Minute
	}
	return &keyStores{
		config: c, wake: make(chan struct{}, 1), records: make(map[keyStoreName]*keyStoreRecord),
		proxies: make(map[keyStoreName]*connectedProxy), unhealthy: make(map[keyStoreName]bool),
	}
}

// changed forgets a store and wakes the background work.
func (d *keyStores) changed(name keyStoreName) {
	d.mu.Lock()
	d.generation++
	delete(d.records, name)
	d.mu.Unlock()
	d.awake()
}

// forget drops all snapshots and wakes the background work. Connections stay: they are
// made for a generation of their store's record.
func (d *keyStores) forget() {
	d.mu.Lock()
	d.generation++
	clear(d.records)
	d.mu.Unlock()
	d.awake()
}

func (d *keyStores) awake() {
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already
	}
}

// keyStore returns the snapshot of a key store, or nil when there is none.
func (s *Service) keyStore(ctx context.Context, name keyStoreName) (*keyStoreRecord, error) {
	d := s.keyStores
	d.mu.Lock()
	k, generation := d.records[name], d.generation
	d.mu.Unlock()
	if k != nil {
		return k, nil
	}
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		k, err = s.tables.keyStore(r, name)
		return err
	})
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kms: load key store %s: %w", name.id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation == generation {
		d.records[name] = k
	}
	return k, nil
}

// proxy returns the connection to the proxy of a connected store.
func (s *Service) proxy(ctx context.Context, k *keyStoreRecord) (*xks.Client, error) {
	d := s.keyStores
	d.mu.Lock()
	p := d.proxies[k.name()]
	d.mu.Unlock()
	if p != nil && p.generation == k.Generation {
		return p.client, nil
	}
	secret, err := s.keyStoreSecret(ctx, k)
	if err != nil {
		return nil, err
	}
	client, err := d.config.client(&k.Proxy, k.Region, secret, s.clock.Now)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p = d.proxies[k.name()]; p != nil {
		if p.generation >= k.Generation {
			return p.client, nil
		}
		p.client.Close()
	}
	d.proxies[k.name()] = &connectedProxy{k.Generation, client}
	return client, nil
}

// keyStoreSecret reads the secret of the credential for a proxy.
func (s *Service) keyStoreSecret(ctx context.Context, k *keyStoreRecord) (string, error) {
	var secret *keyStoreSecret
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		secret, err = s.tables.keyStoreSecret(r, k.name())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("kms: credential of key store %s: %w", k.ID, err)
	}
	return secret.Secret, nil
}

// drop closes the connection of a store.
func (d *keyStores) drop(name keyStoreName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.proxies[name]; p != nil {
		p.client.Close()
		delete(d.proxies, name)
	}
	delete(d.unhealthy, name)
}

// ConnectCustomKeyStore implements the operation of that name: it begins to connect
// and does not wait.
func (s *Service) ConnectCustomKeyStore(ctx context.Context, in *kmsapi.ConnectCustomKeyStoreRequest) (*kmsapi.ConnectCustomKeyStoreResponse, error) {
	c := call.From(ctx)
	k, err := s.openKeyStore(c, in.CustomKeyStoreId)
	if err != nil {
		return nil, err
	}
	switch k.State {
	case kmsapi.ConnectionStateTypeDisconnecting, kmsapi.ConnectionStateTypeFailed:
		return nil, keyStoreState(k, c.Operation.Name)
	case kmsapi.ConnectionStateTypeDisconnected:
		k.State = kmsapi.ConnectionStateTypeConnecting
		k.Generation++
	}
	return &kmsapi.ConnectCustomKeyStoreResponse{}, s.saveKeyStore(c.Txn(), k, "")
}

// DisconnectCustomKeyStore implements the operation of that name. From its commit on
// the keys of the store cannot be used.
func (s *Service) DisconnectCustomKeyStore(ctx context.Context, in *kmsapi.DisconnectCustomKeyStoreRequest) (*kmsapi.DisconnectCustomKeyStoreResponse, error) {
	c := call.From(ctx)
	k, err := s.openKeyStore(c, in.CustomKeyStoreId)
	if err != nil {
		return nil, err
	}
	if k.State == kmsapi.ConnectionStateTypeDisconnecting || k.State == kmsapi.ConnectionStateTypeDisconnected {
		return nil, keyStoreState(k, c.Operation.Name)
	}
	k.State, k.Error = kmsapi.ConnectionStateTypeDisconnecting, ""
	k.Generation++
	return &kmsapi.DisconnectCustomKeyStoreResponse{}, s.saveKeyStore(c.Txn(), k, "")
}

// RunKeyStores connects and disconnects custom key stores as they are asked to, also
// those that a former process left half way, and checks the health of the connected
// ones. It returns when ctx ends.
func (s *Service) RunKeyStores(ctx context.Context) error {
	defer s.closeProxies()
	for {
		if err := s.SettleKeyStores(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "custom key stores", "error", err)
		}
		tick, stop := s.clock.After(s.keyStores.config.HealthInterval)
		select {
		case <-ctx.Done():
			stop()
			return ctx.Err()
		case <-s.keyStores.wake:
			stop()
		case <-tick:
			if err := s.CheckKeyStores(ctx); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "health of custom key stores", "error", err)
			}
		}
	}
}

func (s *Service) closeProxies() {
	d := s.keyStores
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, p := range d.proxies {
		p.client.Close()
		delete(d.proxies, name)
	}
}

// SettleKeyStores ends what ConnectCustomKeyStore and DisconnectCustomKeyStore began,
// in all accounts and Regions.
func (s *Service) SettleKeyStores(ctx context.Context) error {
	return s.eachKeyStore(ctx, func(k *keyStoreRecord) error {
		switch k.State {
		case kmsapi.ConnectionStateTypeConnecting:
			code := s.connect(ctx, k)
			if ctx.Err() != nil {
				return ctx.Err() // the store stays CONNECTING for the next process
			}
			if code != "" {
				s.keyStores.drop(k.name())
				return s.settle(ctx, k, kmsapi.ConnectionStateTypeFailed, code)
			}
			return s.settle(ctx, k, kmsapi.ConnectionStateTypeConnected, "")
		case kmsapi.ConnectionStateTypeDisconnecting:
			s.keyStores.drop(k.name())
			return s.settle(ctx, k, kmsapi.ConnectionStateTypeDisconnected, "")
		}
		return nil
	})
}

// parallelProxies bounds the proxies that are asked at the same time.
const parallelProxies = 16

// eachKeyStore calls f for every key store, some at a time.
func (s *Service) eachKeyStore(ctx context.Context, f func(k *keyStoreRecord) error) error {
	all, err := s.tables.allKeyStores(ctx, s.store)
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	room := make(chan struct{}, parallelProxies)
	var wait sync.WaitGroup
	for i := range all {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			errs[i] = f(&all[i])
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// connect tries to reach the proxy of a store and says why it could not, or "".
func (s *Service) connect(ctx context.Context, k *keyStoreRecord) kmsapi.ConnectionErrorCodeType {
	if code := s.keyStores.config.endpointServiceFault(&k.Proxy); code != "" {
		return kmsapi.ConnectionErrorCodeType(code)
	}
	client, err := s.proxy(ctx, k)
	if err != nil {
		s.log.ErrorContext(ctx, "connect a custom key store", "keyStore", k.ID, "error", err)
		return kmsapi.ConnectionErrorCodeTypeInternalError
	}
	_, err = client.GetHealthStatus(ctx, xks.RequestMetadata{KMSOperation: "ConnectCustomKeyStore", KMSRequestID: audit.NewID()})
	if err != nil {
		s.log.WarnContext(ctx, "connect a custom key store", "keyStore", k.ID, "account", k.Account, "error", err)
	}
	return kmsapi.ConnectionErrorCodeType(xks.ConnectionErrorCodeOf(err))
}

// endpointServiceFault is what is wrong with the VPC endpoint service of a proxy, or
// "".
func (e *ExternalKeyStores) endpointServiceFault(p *proxyRecord) xks.ConnectionErrorCode {
	if !p.private() {
		return ""
	}
	service, ok := e.EndpointServices[p.Service]
	switch {
	case !ok, service.Owner != p.ServiceOwner:
		return xks.CodeVPCEndpointNotFound
	case service.DNSName != p.host():
		return xks.CodeVPCEndpointInvalidConfiguration
	}
	return ""
}

// settle writes the outcome of a change of connection, unless the store has changed
// meanwhile.
func (s *Service) settle(ctx context.Context, seen *keyStoreRecord, state kmsapi.ConnectionStateType, code kmsapi.ConnectionErrorCodeType) error {
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		k, err := s.tables.keyStore(tx, seen.name())
		if isNotFound(err) || err == nil && k.Generation != seen.Generation {
			return nil
		}
		if err != nil {
			return err
		}
		k.State, k.Error = state, code
		if err := s.saveKeyStore(tx, k, ""); err != nil {
			return err
		}
		details := []call.Note{{Name: "customKeyStoreId", Value: k.ID}, {Name: "connectionState", Value: string(state)}}
		if code != "" {
			details = append(details, call.Note{Name: "connectionErrorCode", Value: string(code)})
		}
		return s.audit.AppendTxn(tx, audit.ServiceRecord(audit.ServiceEvent{
			Account: k.Account, Region: k.Region, Source: kmsapi.API.EventSource, Name: "CustomKeyStoreConnectionChange",
			Time: s.clock.Now(), Details: details, Quiet: true,
		}))
	})
	if err != nil {
		return fmt.Errorf("kms: key store %s: %w", seen.ID, err)
	}
	return nil
}

// CheckKeyStores asks the proxy of every connected store for its health. A sick proxy
// does not change the store's connection state, as on AWS; a healthy one closes the
// circuit that failed calls have opened. Changes are logged.
func (s *Service) CheckKeyStores(ctx context.Context) error {
	return s.eachKeyStore(ctx, func(k *keyStoreRecord) error {
		if k.State != kmsapi.ConnectionStateTypeConnected {
			return nil
		}
		client, err := s.proxy(ctx, k)
		if err != nil {
			return err
		}
		_, err = client.GetHealthStatus(ctx, xks.RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: audit.NewID()})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.keyStores.health(k.name(), err != nil) {
			s.log.WarnContext(ctx, "health of an external key store changed", "keyStore", k.ID, "account", k.Account, "healthy", err == nil, "error", err)
		}
		return nil
	})
}

// health notes the health of a store and tells whether it is news.
func (d *keyStores) health(name keyStoreName, sick bool) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed = d.unhealthy[name] != sick
	if sick {
		d.unhealthy[name] = true
	} else {
		delete(d.unhealthy, name)
	}
	return changed
}

// checkProxy verifies the settings of a new or changed store. A proxy behind a public
// endpoint must answer now; a private one when the store is connected.
func (s *Service) checkProxy(ctx context.Context, k *keyStoreRecord, secret string) error {
	switch s.keyStores.config.endpointServiceFault(&k.Proxy) {
	case xks.CodeVPCEndpointNotFound:
		return &kmsapi.XksProxyVpcEndpointServiceNotFoundException{Message: new("The VPC endpoint service " + k.Proxy.Service + " was not found.")}
	case xks.CodeVPCEndpointInvalidConfiguration:
		return &kmsapi.XksProxyVpcEndpointServiceInvalidConfigurationException{Message: new("The private DNS name of the VPC endpoint service is not the host of the XksProxyUriEndpoint.")}
	}
	if k.Proxy.private() && k.State != kmsapi.ConnectionStateTypeConnected {
		return nil
	}
	return s.askOnce(ctx, "health", func() error {
		client, err := s.keyStores.config.client(&k.Proxy, k.Region, secret, s.clock.Now)
		if err != nil {
			return &kmsapi.XksProxyInvalidConfigurationException{Message: new(err.Error())}
		}
		defer client.Close()
		c := call.From(ctx)
		_, err = client.GetHealthStatus(ctx, xks.RequestMetadata{KMSOperation: c.Operation.Name, KMSRequestID: c.RequestID})
		return s.proxyError(ctx, k, xks.CallerKeyStore, err)
	})
}

// checkChangedProxy is checkProxy with the stored secret if there is no new one.
func (s *Service) checkChangedProxy(ctx context.Context, k *keyStoreRecord, secret string) error {
	if secret == "" {
		var err error
		if secret, err = s.keyStoreSecret(ctx, k); err != nil {
			return err
		}
	}
	return s.checkProxy(ctx, k, secret)
}

// askOnce keeps what a proxy answered for the rest of a call: a transaction may run
// its operation again, and the proxy shall not be asked for each attempt.
func (s *Service) askOnce(ctx context.Context, question string, ask func() error) error {
	r, err := resolvedCall(ctx)
	if err != nil {
		return err
	}
	if r.answers == nil {
		r.answers = make(map[string]error)
	}
	answer, asked := r.answers[question]
	if !asked {
		answer = ask()
		r.answers[question] = answer
	}
	return answer
}
