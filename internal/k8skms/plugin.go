package k8skms

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	kmsapi "k8s.io/kms/apis/v2"
)

// Bounds and names of the KMS v2 protocol.
const (
	// APIVersion is what Status must say.
	APIVersion = "v2"
	// MaxCiphertextBytes bounds a wrapped seed; the apiserver refuses longer ones.
	MaxCiphertextBytes = 1024
	// MaxPlaintextBytes bounds a seed. The apiserver sends 32 bytes.
	MaxPlaintextBytes = 512
	// VersionAnnotation names the layout of what Encrypt returned. Annotation keys
	// must be fully qualified domain names.
	VersionAnnotation = "version.kms.fastness.internal"

	layoutVersion = "1"
	maxUIDBytes   = 1024
)

// Defaults of Config.
const (
	DefaultRefresh     = 20 * time.Second
	DefaultMaxStale    = 60 * time.Second
	DefaultCallTimeout = 3 * time.Second

	retryPause = 2 * time.Second
)

// Config is what a Plugin is made of. KMS and Clock are required.
type Config struct {
	KMS   KMS
	Clock Clock
	// EncryptionContext is bound to every wrapped seed: the cluster's name, say.
	EncryptionContext map[string]string
	// Refresh is the pause between two descriptions of the key.
	Refresh time.Duration
	// MaxStale is how long Status stays ok without a success; it must not be shorter
	// than Refresh.
	MaxStale time.Duration
	// CallTimeout bounds each call of KMS.
	CallTimeout time.Duration
	// Log hears of failures; nil discards them.
	Log *slog.Logger
}

// Plugin is the gRPC service. It is safe for concurrent use.
type Plugin struct {
	kmsapi.UnimplementedKeyManagementServiceServer

	config Config
	state  state
	kick   chan struct{}
}

var _ kmsapi.KeyManagementServiceServer = (*Plugin)(nil)

// New checks the configuration and returns a plugin; Run brings it to life.
func New(config Config) (*Plugin, error) {
	if config.KMS == nil || config.Clock == nil {
		return nil, errors.New("k8skms: plugin needs KMS and Clock")
	}
	for value, byDefault := range map[*time.Duration]time.Duration{
		&config.Refresh:     DefaultRefresh,
		&config.MaxStale:    DefaultMaxStale,
		&config.CallTimeout: DefaultCallTimeout,
	} {
		if *value <= 0 {
			*value = byDefault
		}
	}
	if config.MaxStale < config.Refresh {
		return nil, errors.New("k8skms: MaxStale is shorter than Refresh")
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	config.EncryptionContext = maps.Clone(config.EncryptionContext)
	return &Plugin{config: config, kick: make(chan struct{}, 1)}, nil
}

// Status answers from memory.
func (p *Plugin) Status(context.Context, *kmsapi.StatusRequest) (*kmsapi.StatusResponse, error) {
	key, err := p.state.current(p.config.Clock.Now(), p.config.MaxStale)
	if err != nil {
		p.hurry()
		return nil, status.Errorf(codes.Unavailable, "key service unavailable: %v", err)
	}
	return &kmsapi.StatusResponse{Version: APIVersion, Healthz: "ok", KeyId: key.ID()}, nil
}

// Encrypt wraps a seed.
func (p *Plugin) Encrypt(ctx context.Context, request *kmsapi.EncryptRequest) (*kmsapi.EncryptResponse, error) {
	if n := len(request.GetPlaintext()); n == 0 || n > MaxPlaintextBytes {
		return nil, status.Errorf(codes.InvalidArgument, "plaintext of %d bytes, want 1 to %d", n, MaxPlaintextBytes)
	}
	if err := checkUID(request.GetUid()); err != nil {
		return nil, err
	}
	// Known before the call: if the key rotates during it, key_id names the older
	// material and the apiserver wraps anew at the next Status.
	known, err := p.state.current(p.config.Clock.Now(), p.config.MaxStale)
	if err != nil {
		if err = p.refresh(ctx); err == nil {
			known, err = p.state.current(p.config.Clock.Now(), p.config.MaxStale)
		}
		if err != nil {
			return nil, p.failed(ctx, "Encrypt", request.GetUid(), err)
		}
	}
	callContext, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	blob, key, err := p.config.KMS.Encrypt(callContext, request.GetPlaintext(), p.config.EncryptionContext)
	if err == nil && (len(blob) == 0 || len(blob) > MaxCiphertextBytes) {
		err = errors.New("the key service returned a ciphertext of unusable length")
	}
	if err != nil {
		return nil, p.failed(ctx, "Encrypt", request.GetUid(), err)
	}
	if key.ARN != "" && key.MaterialID != "" {
		known = key
		p.state.observe(key, p.config.Clock.Now())
	}
	return &kmsapi.EncryptResponse{
		Ciphertext:  blob,
		KeyId:       known.ID(),
		Annotations: map[string][]byte{VersionAnnotation: []byte(layoutVersion)},
	}, nil
}

// Decrypt unwraps a seed. The request's key_id is not needed: the ciphertext itself
// names its material.
func (p *Plugin) Decrypt(ctx context.Context, request *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	if n := len(request.GetCiphertext()); n == 0 || n > MaxCiphertextBytes {
		return nil, status.Errorf(codes.InvalidArgument, "ciphertext of %d bytes, want 1 to %d", n, MaxCiphertextBytes)
	}
	if err := checkUID(request.GetUid()); err != nil {
		return nil, err
	}
	if string(request.GetAnnotations()[VersionAnnotation]) != layoutVersion {
		return nil, status.Errorf(codes.InvalidArgument, "annotation %s is not %s", VersionAnnotation, layoutVersion)
	}
	callContext, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	plaintext, err := p.config.KMS.Decrypt(callContext, request.GetCiphertext(), p.config.EncryptionContext)
	if err != nil {
		return nil, p.failed(ctx, "Decrypt", request.GetUid(), err)
	}
	return &kmsapi.DecryptResponse{Plaintext: plaintext}, nil
}

func checkUID(uid string) error {
	if len(uid) > maxUIDBytes {
		return status.Errorf(codes.InvalidArgument, "uid of %d bytes, at most %d", len(uid), maxUIDBytes)
	}
	return nil
}

// failed logs a failure of the key service and makes the gRPC error for it. A
// failure that may concern the whole key also hurries the next refresh.
func (p *Plugin) failed(ctx context.Context, method, uid string, err error) error {
	p.config.Log.ErrorContext(ctx, "key service call failed", "method", method, "uid", uid, "error", err)
	switch {
	case errors.Is(err, ErrInvalidCiphertext):
		return status.Error(codes.InvalidArgument, ErrInvalidCiphertext.Error())
	case errors.Is(err, ErrDenied):
		p.hurry()
		return status.Error(codes.PermissionDenied, ErrDenied.Error())
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	default:
		p.hurry()
		return status.Errorf(codes.Unavailable, "key service unavailable: %v", err)
	}
}
