package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fastness/internal/service/iam"
)

// CredentialsFile is the AWS shared credentials file that the first start writes.
func (a *App) CredentialsFile() string { return filepath.Join(a.config.SecretsDir, "credentials") }

// ConfigFile is the AWS config file that points clients here.
func (a *App) ConfigFile() string { return filepath.Join(a.config.SecretsDir, "config") }

// bootstrap makes the first account. Its root access key is in the credentials file
// before the account is durable: a crash between the two leaves a file that the next
// start replaces, never an account that nobody can enter.
func (a *App) bootstrap(ctx context.Context, d *iam.Directory) error {
	return d.Bootstrap(ctx, a.config.Account, func(k *iam.RootKey) error {
		var b strings.Builder
		b.WriteString("[default]\naws_access_key_id = ")
		b.WriteString(k.AccessKeyID)
		b.WriteString("\naws_secret_access_key = ")
		b.Write(k.Secret)
		b.WriteByte('\n')
		if err := os.MkdirAll(a.config.SecretsDir, 0o700); err != nil {
			return fmt.Errorf("app: secrets directory: %w", err)
		}
		return writeFile(a.CredentialsFile(), []byte(b.String()), 0o600)
	})
}

// writeConfig writes the AWS config file for the address that is served.
func (a *App) writeConfig() error {
	text := "[default]\nregion = " + a.config.Region + "\nendpoint_url = http://" + a.Addr().String() + "\noutput = json\n"
	return writeFile(a.ConfigFile(), []byte(text), 0o600)
}
