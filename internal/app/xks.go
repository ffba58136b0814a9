package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	"fastness/internal/engine/xks"
	"fastness/internal/service/xksproxy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// XKSProxyConfig is what an operator can set about our external key store proxy.
type XKSProxyConfig struct {
	// ClientCAs, if set, are the authorities of the client certificates that requests
	// to the proxy must come with.
	ClientCAs *x509.CertPool
	// ClientName is the subject common name of the client certificate; default that of
	// AWS KMS in the Region of the configuration (xks.ClientCommonName).
	ClientName string
}

// certificatePolicy is nil when no client certificates are asked for.
func (c *Config) certificatePolicy() *xks.ClientCertificatePolicy {
	if c.XKSProxy.ClientCAs == nil {
		return nil
	}
	return &xks.ClientCertificatePolicy{Roots: c.XKSProxy.ClientCAs, CommonName: c.XKSProxy.ClientName, Now: c.Clock.Now}
}

// tlsConfig is what the listener speaks.
func (a *App) tlsConfig() *tls.Config {
	config := a.certs.config()
	if p := a.config.certificatePolicy(); p != nil {
		// The configuration of a connection is made from this one, so it must have
		// everything.
		config.NextProtos = []string{"h2", "http/1.1"}
		config = xks.AskClientCertificate(config, *p)
	}
	return config
}

// openProxy makes the external key store proxy.
func (a *App) openProxy(ctx context.Context, r *rooms, sealed store.Store, registry *table.Registry) (*xksproxy.Service, error) {
	return xksproxy.Open(ctx, xksproxy.Config{
		Store: sealed, Registry: registry, Door: r.door, Audit: r.audit, Clock: a.config.Clock, Log: a.config.Log,
		Arena: a.arena, Certificates: a.config.certificatePolicy(),
	})
}

// XKSRequest is a request of the operator about the proxy. Which fields are used
// depends on the request.
type XKSRequest struct {
	Prefix      string         `json:"prefix"`
	Account     string         `json:"account,omitempty"`
	Region      string         `json:"region,omitempty"`
	Rules       xksproxy.Rules `json:"rules,omitzero"`
	AccessKeyID string         `json:"accessKeyId,omitempty"`
	KeyID       string         `json:"keyId,omitempty"`
	KMSKey      string         `json:"kmsKey,omitempty"`
	Usages      []string       `json:"usages"` // nil means both
}

// XKSCredential is the answer to requests that make a credential. It is the only time
// that the secret is shown.
type XKSCredential struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"rawSecretAccessKey"`
}

// xksRequests are the operator's requests, by the name that the socket and the
// command know them by.
func xksRequests() map[string]func(context.Context, *xksproxy.Admin, *XKSRequest) (any, error) {
	type admin = xksproxy.Admin
	credential := func(c xks.Credential, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return XKSCredential{c.AccessKeyID, c.SecretAccessKey}, nil
	}
	return map[string]func(context.Context, *admin, *XKSRequest) (any, error){
		"create-prefix": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return credential(p.CreatePrefix(ctx, xksproxy.PrefixSpec{Prefix: in.Prefix, Account: in.Account, Region: in.Region, Rules: in.Rules}))
		},
		"set-rules": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.SetRules(ctx, in.Prefix, in.Rules)
		},
		"delete-prefix": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.DeletePrefix(ctx, in.Prefix)
		},
		"rotate-credential": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return credential(p.RotateCredential(ctx, in.Prefix))
		},
		"retire-credential": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.RetireCredential(ctx, in.Prefix, in.AccessKeyID)
		},
		"add-key": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.AddKey(ctx, in.Prefix, xksproxy.KeySpec{ID: in.KeyID, KMSKey: in.KMSKey, Usages: in.Usages})
		},
		"rotate-key": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.RotateKey(ctx, in.Prefix, in.KeyID)
		},
		"enable-key": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.SetKeyEnabled(ctx, in.Prefix, in.KeyID, true)
		},
		"disable-key": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.SetKeyEnabled(ctx, in.Prefix, in.KeyID, false)
		},
		"delete-key": func(ctx context.Context, p *admin, in *XKSRequest) (any, error) {
			return nil, p.DeleteKey(ctx, in.Prefix, in.KeyID)
		},
		"list": func(ctx context.Context, p *admin, _ *XKSRequest) (any, error) { return p.Prefixes(ctx) },
	}
}

var errSealed = errors.New("app: the server is sealed")

// handleXKS serves the requests on the operator's socket.
func (a *App) handleXKS(mux *http.ServeMux) {
	for name, do := range xksRequests() {
		mux.HandleFunc("POST /v1/xks/"+name, func(w http.ResponseWriter, r *http.Request) {
			var in XKSRequest
			if !readAdmin(w, r, &in) {
				return
			}
			a.mu.Lock()
			rooms := a.rooms
			a.mu.Unlock()
			if rooms == nil {
				answerAdmin(w, nil, errSealed)
				return
			}
			out, err := do(r.Context(), rooms.proxy.Admin(), &in)
			answerAdmin(w, out, err)
		})
	}
}

// XKS has the server carry out a request about the proxy, by its name: "create-prefix",
// "add-key" …. The answer goes into out, which is nil when there is none.
func (o *Operator) XKS(ctx context.Context, name string, in XKSRequest, out any) error {
	return o.call(ctx, http.MethodPost, "/v1/xks/"+name, in, out)
}
