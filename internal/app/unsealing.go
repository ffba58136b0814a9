package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"fastness/internal/seal"
	"fastness/internal/sigv4"
)

// kmsTimeout bounds one attempt to reach the KMS that holds the root key.
const kmsTimeout = 10 * time.Second

// maxShareBytes bounds a submitted share.
const maxShareBytes = 4 << 10

// provider makes the seal's provider from the configuration. It is nil for Shamir
// shares, which arrive one by one.
func (a *App) provider() (seal.Provider, error) {
	c := &a.config.Seal
	switch c.Kind {
	case SealFile:
		if err := os.MkdirAll(a.config.SecretsDir, 0o700); err != nil {
			return nil, fmt.Errorf("app: secrets directory: %w", err)
		}
		return seal.NewFile(a.arena, c.KeyFile), nil
	case SealPassphrase:
		if c.Passphrase == nil {
			return nil, errors.New("app: no passphrase source")
		}
		return seal.NewPassphrase(a.arena, seal.DefaultStretch(), c.Passphrase)
	case SealShamir:
		return nil, nil
	case SealAWSKMS:
		client, err := seal.NewKMSClient(seal.KMSClientOptions{
			Endpoint: c.Endpoint, Clock: a.config.Clock, HTTP: &http.Client{Timeout: kmsTimeout},
			Sign: func(_ context.Context, r *http.Request, body []byte) error {
				return sigv4.Sign(r, body, sigv4.Credentials{
					AccessKeyID: c.AccessKeyID, Secret: []byte(c.SecretAccessKey), SecurityToken: c.SessionToken,
				}, sigv4.Scope{Region: c.Region, Service: "kms"}, a.config.Clock.Now())
			},
		})
		if err != nil {
			return nil, err
		}
		return seal.NewAWSKMS(client, c.Key), nil
	}
	return nil, fmt.Errorf("app: unknown seal %q", c.Kind)
}

// unseal opens the keyring, creating it at the first start. It returns false when the
// server has to wait for shares.
func (a *App) unseal(ctx context.Context) (bool, error) {
	status, err := a.unsealer.Status(ctx)
	if err != nil {
		return false, err
	}
	p, err := a.provider()
	if err != nil {
		return false, err
	}
	switch {
	case status.State == seal.Unsealed:
		return true, nil
	case p == nil && status.State == seal.Uninitialized:
		return false, errors.New("app: the store is empty; `fastness init` makes the Shamir shares first")
	case p == nil:
		return false, nil
	case status.State == seal.Uninitialized:
		a.fresh = true
		return true, a.unsealer.Initialize(ctx, p)
	}
	return true, a.unsealer.Unseal(ctx, p)
}

// sealReport is what the unseal API answers.
type sealReport struct {
	State     string `json:"state"`
	Provider  string `json:"provider,omitempty"`
	Shares    int    `json:"shares,omitempty"`
	Threshold int    `json:"threshold,omitempty"`
	Submitted int    `json:"submitted"`
	Error     string `json:"error,omitempty"`
}

// sealHandler is the API that unseals a sealed server: whoever holds enough shares may
// use it, and nobody else gains anything from it.
func (a *App) sealHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/seal/status", func(w http.ResponseWriter, r *http.Request) {
		status, err := a.unsealer.Status(r.Context())
		reportSeal(w, status, err)
	})
	mux.HandleFunc("POST /v1/seal/share", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxShareBytes))
		if err != nil {
			http.Error(w, "share too long", http.StatusRequestEntityTooLarge)
			return
		}
		status, err := a.unsealer.SubmitShare(r.Context(), text)
		clear(text)
		if err == nil && status.State == seal.Unsealed {
			err = a.open(context.WithoutCancel(r.Context()))
		}
		reportSeal(w, status, err)
	})
	mux.HandleFunc("POST /v1/seal/reset", func(w http.ResponseWriter, r *http.Request) {
		a.unsealer.Reset()
		status, err := a.unsealer.Status(r.Context())
		reportSeal(w, status, err)
	})
	return mux
}

func reportSeal(w http.ResponseWriter, s seal.Status, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	out := sealReport{State: s.State.String(), Provider: s.Info.Provider, Shares: s.Shares, Threshold: s.Threshold, Submitted: s.Submitted}
	if err != nil {
		out.Error = err.Error()
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(out)
}
