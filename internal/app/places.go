package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Places are the files of an installation that clients and operators need, as absolute
// paths. They need not exist.
type Places struct {
	ConfigFile, CredentialsFile, CAFile string
}

// PlacesOf are the places of a server with the configuration.
func PlacesOf(c Config) (Places, error) {
	if err := c.complete(); err != nil {
		return Places{}, err
	}
	return Places{
		ConfigFile: filepath.Join(c.SecretsDir, "config"), CredentialsFile: filepath.Join(c.SecretsDir, "credentials"),
		CAFile: filepath.Join(c.SecretsDir, "tls", "ca.pem"),
	}, nil
}

// Endpoint is the URL that the last start of the server wrote into the config file.
func (p Places) Endpoint() (string, error) {
	text, err := os.ReadFile(p.ConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("app: there is no %s: start the server first, or say where it keeps its data and secrets", p.ConfigFile)
	}
	if err != nil {
		return "", fmt.Errorf("app: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " = "); name == "endpoint_url" {
			return value, nil
		}
	}
	return "", fmt.Errorf("app: no endpoint_url in %s", p.ConfigFile)
}
