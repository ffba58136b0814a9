package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/clock"
	"fastness/internal/k8skms"
)

func kmsPlugin(f *flag.FlagSet) runner {
	connect := endpointFlags(f)
	listen := f.String("listen", "", "socket to serve: unix:///absolute/path")
	key := f.String("key", "", "KMS key id, ARN or alias")
	pairs := f.String("encryption-context", "", "encryption context: name=value pairs, separated by commas")
	return func(ctx context.Context, out *output) error {
		if *listen == "" || *key == "" {
			return fmt.Errorf("%w: kms-plugin needs --listen and --key", errUsage)
		}
		server, err := connect()
		if err != nil {
			return err
		}
		encryptionContext, err := parsePairs(*pairs)
		if err != nil {
			return err
		}
		plugin, err := k8skms.New(k8skms.Config{
			KMS: &pluginKMS{server, *key}, Clock: clock.System{}, EncryptionContext: encryptionContext,
			Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
		if err != nil {
			return err
		}
		socket, err := k8skms.Listen(*listen)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "serving the Kubernetes KMS v2 plugin at %s\n", *listen)
		return plugin.Run(ctx, socket)
	}
}

func parsePairs(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	m := make(map[string]string)
	for pair := range strings.SplitSeq(s, ",") {
		k, v, ok := strings.Cut(pair, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("%w: %q is not name=value", errUsage, pair)
		}
		m[k] = v
	}
	return m, nil
}

// pluginKMS is a KMS key behind an endpoint, as the plugin wants it.
type pluginKMS struct {
	server *endpoint
	key    string
}

var _ k8skms.KMS = (*pluginKMS)(nil)

func (p *pluginKMS) Encrypt(ctx context.Context, plaintext []byte, encryptionContext map[string]string) ([]byte, k8skms.Key, error) {
	var out struct {
		CiphertextBlob []byte
		KeyId          string
	}
	err := p.server.kms(ctx, "Encrypt", map[string]any{"KeyId": p.key, "Plaintext": plaintext, "EncryptionContext": encryptionContext}, &out)
	return out.CiphertextBlob, k8skms.Key{ARN: out.KeyId}, pluginError(err)
}

func (p *pluginKMS) Decrypt(ctx context.Context, blob []byte, encryptionContext map[string]string) ([]byte, error) {
	var out struct{ Plaintext []byte }
	err := p.server.kms(ctx, "Decrypt", map[string]any{"CiphertextBlob": blob, "EncryptionContext": encryptionContext}, &out)
	return out.Plaintext, pluginError(err)
}

func (p *pluginKMS) Describe(ctx context.Context) (k8skms.Key, error) {
	var out struct {
		KeyMetadata struct{ Arn, KeyState, CurrentKeyMaterialId string }
	}
	if err := p.server.kms(ctx, "DescribeKey", map[string]any{"KeyId": p.key}, &out); err != nil {
		return k8skms.Key{}, pluginError(err)
	}
	if out.KeyMetadata.KeyState != "Enabled" {
		return k8skms.Key{}, fmt.Errorf("the key is %s", out.KeyMetadata.KeyState)
	}
	return k8skms.Key{ARN: out.KeyMetadata.Arn, MaterialID: out.KeyMetadata.CurrentKeyMaterialId}, nil
}

// pluginError maps the server's errors to those that the plugin tells apart.
func pluginError(err error) error {
	var api *apiError
	if !errors.As(err, &api) {
		return err
	}
	switch api.Type {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return fmt.Errorf("%w: %w", k8skms.ErrInvalidCiphertext, err)
	case "AccessDeniedException", "UnrecognizedClientException":
		return fmt.Errorf("%w: %w", k8skms.ErrDenied, err)
	}
	return err
}
