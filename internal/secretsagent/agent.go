package secretsagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"fastness/internal/clock"
)

// Agent answers requests for secrets and parameters. It is safe for concurrent use.
type Agent struct {
	config Config
	token  Token
	source Source
	log    *slog.Logger
	cache  *cache
	bodies sync.Pool // of *[]byte, all zeros
}

var _ http.Handler = (*Agent)(nil)

// New makes an agent. Close it to wipe what it holds; Serve does.
func New(c Config, token Token, source Source, clk clock.Clock, log *slog.Logger) (*Agent, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("secretsagent: %w", err)
	}
	o := cacheOptions{size: c.CacheSize, secretTTL: c.SecretTTL, parameterTTL: c.ParameterTTL}
	if c.CacheSize == 0 {
		o.secretTTL, o.parameterTTL = 0, 0
	}
	if c.IgnoreTransientErrors {
		o.maxStale = c.MaxStale
	}
	return &Agent{
		config: c, token: token, source: source, log: log, cache: newCache(o, clk),
		bodies: sync.Pool{New: func() any { return new([]byte) }},
	}, nil
}

// Close wipes what is cached. The agent is not used afterwards.
func (a *Agent) Close() { a.cache.close() }

// The paths of the agent.
const (
	pathPing      = "/ping"
	pathSecret    = "/secretsmanager/get"
	pathParameter = "/systemsmanager/parameters/get"
)

// ServeHTTP answers a request. The order of the checks, their statuses and their texts
// are those of the AWS Secrets Manager Agent.
func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != pathPing {
		if overLimit(r.Context()) {
			h.Set("Connection", "close")
			a.refuse(w, r, http.StatusTooManyRequests, "Connection limit exceeded")
			return
		}
		if _, forwarded := r.Header["X-Forwarded-For"]; forwarded {
			a.refuse(w, r, http.StatusBadRequest, "Forwarded")
			return
		}
		if !a.authorized(r) {
			a.refuse(w, r, http.StatusForbidden, "Bad Token")
			return
		}
	}
	if r.Method != http.MethodGet {
		h.Set("Allow", http.MethodGet)
		a.refuse(w, r, http.StatusMethodNotAllowed, "Not allowed")
		return
	}
	switch path := r.URL.Path; {
	case path == pathPing:
		text(w, http.StatusOK, "healthy")
	case path == pathSecret:
		a.secret(w, r, "")
	case path == pathParameter:
		a.parameter(w, r)
	case strings.HasPrefix(path, a.config.PathPrefix):
		id := path[len(a.config.PathPrefix):]
		if id == "" {
			a.refuse(w, r, http.StatusBadRequest, "missing secret ID")
			return
		}
		a.secret(w, r, id)
	default:
		a.refuse(w, r, http.StatusNotFound, "Not found")
	}
}

// authorized tells whether one of the token's headers holds the token.
func (a *Agent) authorized(r *http.Request) bool {
	found := false
	for _, name := range a.config.TokenHeaders {
		if v := r.Header.Get(name); v != "" && a.token.is(v) {
			found = true
		}
	}
	return found
}

func (a *Agent) secret(w http.ResponseWriter, r *http.Request, pathID string) {
	q, refresh, err := parseSecretQuery(r.URL.RawQuery, pathID)
	if err != nil {
		a.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	k := key{id: q.ID, a: q.VersionID, b: q.VersionStage}
	a.answer(w, r, k, refresh, func(ctx context.Context) ([]byte, error) {
		s, err := a.source.Secret(ctx, q)
		if err != nil {
			return nil, err
		}
		defer clear(s.Binary)
		// Room for it at once: a buffer that grows leaves copies behind.
		n := len(s.ARN) + len(s.Name) + 1024 + 2*len(s.Binary)
		if s.String != nil {
			n += 6 * len(*s.String)
		}
		return appendSecret(make([]byte, 0, n), s), nil
	})
}

func (a *Agent) parameter(w http.ResponseWriter, r *http.Request) {
	q, refresh, err := parseParameterQuery(r.URL.RawQuery)
	if err != nil {
		a.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	k := key{parameter: true, id: q.Name, a: q.Selector, decrypt: q.Decrypt}
	a.answer(w, r, k, refresh, func(ctx context.Context) ([]byte, error) {
		p, err := a.source.Parameter(ctx, q)
		if err != nil {
			return nil, err
		}
		n := 6*(len(p.Value)+len(p.SourceResult)) + 2*(len(p.ARN)+len(p.Name)+len(p.Selector)) + 1024
		return appendParameter(make([]byte, 0, n), p), nil
	})
}

// answer writes what the cache has for k.
func (a *Agent) answer(w http.ResponseWriter, r *http.Request, k key, refresh bool, fetch func(context.Context) ([]byte, error)) {
	pooled := a.bodies.Get().(*[]byte)
	body, err := a.cache.get(r.Context(), (*pooled)[:0], k, refresh, fetch)
	defer func() {
		clear(body)
		*pooled = body
		a.bodies.Put(pooled)
	}()
	if err != nil {
		a.fail(w, r, k, err)
		return
	}
	a.log.LogAttrs(r.Context(), slog.LevelDebug, "answered", slog.String("path", r.URL.Path), slog.String("id", k.id))
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// fail writes an error of upstream.
func (a *Agent) fail(w http.ResponseWriter, r *http.Request, k key, err error) {
	if r.Context().Err() != nil {
		return // nobody reads the answer
	}
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{Failed, http.StatusInternalServerError, internalFailure, "", err}
	}
	attrs := []slog.Attr{slog.String("id", k.id), slog.Int("status", f.Status), slog.String("code", f.Code), slog.String("message", f.Message)}
	if f.cause != nil {
		attrs = append(attrs, slog.Any("cause", f.cause))
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "upstream", attrs...)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(appendFailure(nil, f))
}

// refuse writes an error of the agent's own.
func (a *Agent) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	a.log.LogAttrs(r.Context(), slog.LevelError, "refused", slog.Int("status", status), slog.String("path", r.URL.Path), slog.String("client", r.RemoteAddr))
	text(w, status, why)
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s)
}
