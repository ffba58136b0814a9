package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"fastness/internal/app"

	"golang.org/x/term"
)

// sealFlags are the flags that every command on a data directory has.
func sealFlags(f *flag.FlagSet, c *app.Config) func() error {
	f.StringVar(&c.DataDir, "data", envOr("FASTNESS_DATA", "./data"), "data directory")
	f.StringVar(&c.SecretsDir, "secrets", os.Getenv("FASTNESS_SECRETS"), "directory of the root key, first credentials and TLS key (default: the data directory's name with -secrets)")
	f.StringVar(&c.Seal.Kind, "seal", envOr("FASTNESS_SEAL", app.SealFile), "how the root key is kept: file, passphrase, shamir or awskms")
	f.StringVar(&c.Seal.KeyFile, "seal-key-file", os.Getenv("FASTNESS_SEAL_KEY_FILE"), "file: the root key file (0600)")
	passphraseFile := f.String("seal-passphrase-file", os.Getenv("FASTNESS_SEAL_PASSPHRASE_FILE"), "passphrase: file or /dev/fd/N to read it from; without it the terminal asks")
	f.StringVar(&c.Seal.Key, "seal-kms-key", os.Getenv("FASTNESS_SEAL_KMS_KEY"), "awskms: key id or ARN")
	f.StringVar(&c.Seal.Endpoint, "seal-kms-endpoint", os.Getenv("FASTNESS_SEAL_KMS_ENDPOINT"), "awskms: endpoint URL")
	f.StringVar(&c.Seal.Region, "seal-kms-region", envOr("FASTNESS_SEAL_KMS_REGION", "us-east-1"), "awskms: Region")
	return func() error {
		// Credentials come from the environment only: arguments are visible to all.
		c.Seal.AccessKeyID = os.Getenv("FASTNESS_SEAL_KMS_ACCESS_KEY_ID")
		c.Seal.SecretAccessKey = os.Getenv("FASTNESS_SEAL_KMS_SECRET_ACCESS_KEY")
		c.Seal.SessionToken = os.Getenv("FASTNESS_SEAL_KMS_SESSION_TOKEN")
		c.Seal.Passphrase = func(context.Context) ([]byte, error) { return readPassphrase(*passphraseFile) }
		return nil
	}
}

// maxPassphrase bounds what is read as a passphrase, in bytes.
const maxPassphrase = 4 << 10

func readPassphrase(file string) ([]byte, error) {
	if file == "" {
		fmt.Fprint(os.Stderr, "Passphrase: ")
		defer fmt.Fprintln(os.Stderr)
		return term.ReadPassword(int(os.Stdin.Fd()))
	}
	r, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxPassphrase))
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

func initialize(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("init")
	complete := sealFlags(f, &c)
	f.IntVar(&c.Seal.Shares, "shares", 5, "shamir: number of shares")
	f.IntVar(&c.Seal.Threshold, "threshold", 3, "shamir: shares needed to unseal")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	c.Seal.Kind = app.SealShamir
	return app.Initialize(ctx, c, func(shares [][]byte) error {
		fmt.Fprintf(out, "The root key is split into %d shares; any %d unseal the server.\n", c.Seal.Shares, c.Seal.Threshold)
		fmt.Fprintln(out, "They are shown this once. Give each to another person.")
		for i, s := range shares {
			if _, err := fmt.Fprintf(out, "share %d: %s\n", i+1, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// remote is a client of the operational API.
var remote = &http.Client{Timeout: 30 * time.Second}

func unseal(ctx context.Context, args []string, out io.Writer) error {
	f := flags("unseal")
	url := f.String("url", envOr("FASTNESS_URL", "http://"+app.DefaultListen), "the server")
	reset := f.Bool("reset", false, "forget the shares that were handed in so far")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	path, body := "/v1/seal/share", []byte(nil)
	if *reset {
		path = "/v1/seal/reset"
	} else {
		share, err := readShare()
		if err != nil {
			return err
		}
		defer clear(share)
		body = share
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(*url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return report(req, out)
}

func readShare() ([]byte, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprint(os.Stderr, "Share: ")
		defer fmt.Fprintln(os.Stderr)
		return term.ReadPassword(int(os.Stdin.Fd()))
	}
	b, err := io.ReadAll(io.LimitReader(os.Stdin, maxPassphrase))
	return bytes.TrimSpace(b), err
}

func status(ctx context.Context, args []string, out io.Writer) error {
	f := flags("status")
	url := f.String("url", envOr("FASTNESS_URL", "http://"+app.DefaultListen), "the server")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	for _, path := range []string{"/health", "/v1/seal/status"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(*url, "/")+path, nil)
		if err != nil {
			return err
		}
		if err := report(req, out); err != nil {
			return err
		}
	}
	return nil
}

// report sends a request and prints the answer; an answer that is not a success is an
// error.
func report(req *http.Request, out io.Writer) error {
	res, err := remote.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", req.URL, err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
	return nil
}

func printCA(_ context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("ca")
	complete := sealFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	text, err := app.ReadCA(c)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
