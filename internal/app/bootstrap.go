package app

import (
	"bytes"
	"context"
	"net"
	"path/filepath"

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
		var b bytes.Buffer
		b.Grow(256) // a buffer that grows would leave the secret behind
		defer func() { clear(b.Bytes()) }()
		b.WriteString("[default]\naws_access_key_id = ")
		b.WriteString(k.AccessKeyID)
		b.WriteString("\naws_secret_access_key = ")
		b.Write(k.Secret)
		b.WriteByte('\n')
		return writeFile(a.CredentialsFile(), b.Bytes(), 0o600)
	})
}

// writeConfig writes the AWS config file for the address that is served.
func (a *App) writeConfig() error {
	text := "[default]\nregion = " + a.config.Region + "\nendpoint_url = http://" + reachable(a.Addr()) + "\noutput = json\n"
	return writeFile(a.ConfigFile(), []byte(text), 0o600)
}

// reachable is an address that a client on this machine can connect to.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || !t.IP.IsUnspecified() {
		return a.String()
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: t.Port}).String()
}

// Endpoint is the host and port for clients on this machine.
func (a *App) Endpoint() string { return reachable(a.Addr()) }
