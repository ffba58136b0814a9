package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"fastness/internal/seal"
)

const (
	// maxShareBytes bounds a submitted share.
	maxShareBytes = 4 << 10
	// retryUnseal is the time between two attempts to reach the KMS with the root key.
	retryUnseal = 10 * time.Second
)

// begin unseals the server and opens its rooms, if that is possible without help.
func (a *App) begin(ctx context.Context) error {
	ready, err := a.unseal(ctx)
	if errors.Is(err, seal.ErrKMS) && !a.fresh {
		a.config.Log.Error("the KMS that holds the root key does not answer; the server starts sealed and tries again", "error", err)
		a.retry(context.WithoutCancel(ctx))
		return nil
	}
	if err != nil || !ready {
		return err
	}
	return a.open(ctx)
}

// retry goes on trying to unseal, until it works or the server stops.
func (a *App) retry(ctx context.Context) {
	ctx, a.retrying = context.WithCancel(ctx)
	a.attempts.Go(func() {
		for a.config.Clock.Sleep(ctx, retryUnseal) == nil {
			err := a.Unseal(ctx)
			if err == nil {
				a.config.Log.Info("unsealed")
				return
			}
			a.config.Log.Error("the server is still sealed", "error", err)
		}
	})
}

// Unseal unseals the server with the configured seal. For Shamir shares it does
// nothing: they arrive one by one.
func (a *App) Unseal(ctx context.Context) error {
	ready, err := a.unseal(ctx)
	if err != nil || !ready {
		return err
	}
	return a.open(context.WithoutCancel(ctx))
}

// unseal opens the keyring, creating it at the first start. It returns false when the
// server has to wait for shares.
func (a *App) unseal(ctx context.Context) (bool, error) {
	status, err := a.unsealer.Status(ctx)
	if err != nil {
		return false, err
	}
	if status.State == seal.Unsealed {
		return true, nil
	}
	p, err := newProvider(&a.config, a.arena)
	if err != nil {
		return false, err
	}
	switch {
	case p == nil && status.State == seal.Uninitialized:
		return false, errors.New("app: the store is empty; `fastness init` makes the Shamir shares first")
	case p == nil && status.Info.Provider != seal.KindShamir:
		return false, seal.ErrWrongProvider
	case p == nil:
		return false, nil
	case status.State == seal.Uninitialized:
		if err := refuseFreshRoot(&a.config); err != nil {
			return false, err
		}
		if !a.fresh { // a reset leaves it as it is: others read it
			a.fresh = true
		}
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
		a.reportSeal(w, status, err)
	})
	mux.HandleFunc("POST /v1/seal/share", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxShareBytes))
		defer clear(text)
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			http.Error(w, "share too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			a.reportSeal(w, seal.Status{}, errors.New("the share was cut off"))
			return
		}
		status, err := a.unsealer.SubmitShare(r.Context(), text)
		if err == nil && status.State == seal.Unsealed {
			err = a.open(context.WithoutCancel(r.Context()))
		}
		a.reportSeal(w, status, err)
	})
	mux.HandleFunc("POST /v1/seal/reset", func(w http.ResponseWriter, r *http.Request) {
		a.unsealer.Reset()
		status, err := a.unsealer.Status(r.Context())
		a.reportSeal(w, status, err)
	})
	return mux
}

func (a *App) reportSeal(w http.ResponseWriter, s seal.Status, err error) {
	out := sealReport{State: s.State.String(), Provider: s.Info.Provider, Shares: s.Shares, Threshold: s.Threshold, Submitted: s.Submitted}
	code := http.StatusOK
	if err != nil {
		out.Error = err.Error()
		code = http.StatusBadRequest
		if s.State == seal.Unsealed {
			// The shares were good; what failed is ours, and the log has it.
			a.config.Log.Error("unsealing failed", "error", err)
			code, out.State, out.Error = http.StatusInternalServerError, seal.Sealed.String(), "the services could not be opened; see the server's log"
		}
	}
	writeJSON(w, code, out)
}

// writeJSON answers an operational request.
func writeJSON(w http.ResponseWriter, code int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error means that the client is gone.
	_ = json.NewEncoder(w).Encode(answer)
}
