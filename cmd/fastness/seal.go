package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// dataFlags are the flags of every command on a data directory.
func dataFlags(f *flag.FlagSet, c *app.Config) func() error {
	f.StringVar(&c.DataDir, "data-dir", envOr("FASTNESS_DATA_DIR", "./data"), "data directory")
	f.StringVar(&c.DataDir, "data", envOr("FASTNESS_DATA_DIR", "./data"), "short for --data-dir")
	f.StringVar(&c.SecretsDir, "secrets", os.Getenv("FASTNESS_SECRETS"), "directory of the root key, first credentials and TLS key (default: the data directory's name with -secrets)")
	f.StringVar(&c.AdminSocket, "admin-socket", os.Getenv("FASTNESS_ADMIN_SOCKET"), "Unix socket of the operator (default: admin.sock in the data directory)")
	seal := sealFlags(f, &c.Seal, "seal", "FASTNESS_SEAL")
	return func() error {
		c.Version = version
		c.Seal.Share = readShare
		return seal()
	}
}

// sealFlags are the flags that say how a root key is kept. Their names begin with name,
// their environment variables with env.
func sealFlags(f *flag.FlagSet, s *app.SealConfig, name, env string) func() error {
	f.StringVar(&s.Kind, name, envOr(env, app.SealFile), "how the root key is kept: file, passphrase, shamir or awskms")
	f.StringVar(&s.KeyFile, name+"-key-file", os.Getenv(env+"_KEY_FILE"), "file: the root key file, mode 0600 (default: root.key in the secrets directory)")
	passphraseFile := f.String(name+"-passphrase-file", os.Getenv(env+"_PASSPHRASE_FILE"), "passphrase: file or /dev/fd/N to read it from; without it the terminal asks")
	f.StringVar(&s.Key, name+"-kms-key", os.Getenv(env+"_KMS_KEY"), "awskms: key id or ARN")
	f.StringVar(&s.Endpoint, name+"-kms-endpoint", os.Getenv(env+"_KMS_ENDPOINT"), "awskms: endpoint URL")
	f.StringVar(&s.Region, name+"-kms-region", envOr(env+"_KMS_REGION", "us-east-1"), "awskms: Region")
	return func() error {
		// Credentials come from the environment only: arguments are visible to all.
		s.AccessKeyID = os.Getenv(env + "_KMS_ACCESS_KEY_ID")
		s.SecretAccessKey = os.Getenv(env + "_KMS_SECRET_ACCESS_KEY")
		s.SessionToken = os.Getenv(env + "_KMS_SESSION_TOKEN")
		s.Passphrase = func(context.Context) ([]byte, error) { return readPassphrase(*passphraseFile) }
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
	_ = harden()
	var c app.Config
	f := flags("init")
	complete := dataFlags(f, &c)
	f.IntVar(&c.Seal.Shares, "shares", 5, "shamir: number of shares")
	f.IntVar(&c.Seal.Threshold, "threshold", 3, "shamir: shares needed to unseal")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	c.Seal.Kind = app.SealShamir
	return app.Initialize(ctx, c, showShares(out, c.Seal.Threshold))
}

// showShares prints new shares, which are kept nowhere.
func showShares(out io.Writer, threshold int) app.ShowShares {
	return func(shares [][]byte) error {
		if _, err := fmt.Fprintf(out, "The root key is split into %d shares; any %d unseal the server.\nThey are shown this once. Give each to another person.\n", len(shares), threshold); err != nil {
			return err
		}
		for i, s := range shares {
			if _, err := fmt.Fprintf(out, "share %d: %s\n", i+1, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// rekey changes how the root key of a stopped server is kept.
func rekey(ctx context.Context, args []string, out io.Writer) error {
	_ = harden()
	var c app.Config
	var to app.SealConfig
	f := flags("rekey")
	from := dataFlags(f, &c)
	target := sealFlags(f, &to, "to", "FASTNESS_TO")
	f.IntVar(&to.Shares, "shares", 5, "shamir: number of new shares")
	f.IntVar(&to.Threshold, "threshold", 3, "shamir: new shares needed to unseal")
	newRoot := f.Bool("new-root", false, "replace the root key itself, too")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := errors.Join(from(), target()); err != nil {
		return err
	}
	if err := app.Rekey(ctx, c, to, *newRoot, showShares(out, to.Threshold)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "The root key is kept by the seal %q from now on. What opened it before still opens older backups.\n", to.Kind)
	return err
}

// remote is a client of the operational API.
var remote = &http.Client{Timeout: 30 * time.Second}

func unseal(ctx context.Context, args []string, out io.Writer) error {
	_ = harden()
	f := flags("unseal")
	url := f.String("url", envOr("FASTNESS_URL", "http://"+app.DefaultListen), "the server")
	reset := f.Bool("reset", false, "forget the shares that were handed in so far")
	again := f.Bool("again", false, "unseal a server that was sealed with `fastness seal`, by the seal it is configured with; on its own machine")
	var c app.Config
	complete := dataFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if *again {
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		return operator.Unseal(ctx)
	}
	path, body := "/v1/seal/share", []byte(nil)
	if *reset {
		path = "/v1/seal/reset"
	} else {
		share, err := readShare(ctx)
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

// readShare reads a share: a line of the standard input, so that several can follow
// each other, or what is typed unseen at a terminal.
func readShare(context.Context) ([]byte, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprint(os.Stderr, "Share: ")
		defer fmt.Fprintln(os.Stderr)
		return term.ReadPassword(int(os.Stdin.Fd()))
	}
	line := make([]byte, 0, maxPassphrase)
	for len(line) < maxPassphrase {
		n, err := os.Stdin.Read(line[len(line) : len(line)+1])
		line = line[:len(line)+n]
		if err == io.EOF || n == 1 && line[len(line)-1] == '\n' {
			if share := bytes.TrimSpace(line); len(share) > 0 || err == io.EOF {
				if len(share) == 0 {
					return nil, errors.New("no share on the standard input")
				}
				return share, nil
			}
			line = line[:0]
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("share: %w", err)
		}
	}
	clear(line)
	return nil, errors.New("the share is too long")
}

// operatorOf is a client of the operator's socket.
func operatorOf(complete func() error, c *app.Config) (*app.Operator, error) {
	if err := complete(); err != nil {
		return nil, err
	}
	path, err := app.SocketPath(*c)
	if err != nil {
		return nil, err
	}
	return app.NewOperator(path), nil
}

// sealServer has a running server forget its keys.
func sealServer(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("seal")
	complete := dataFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	operator, err := operatorOf(complete, &c)
	if err != nil {
		return err
	}
	if err := operator.Seal(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "The server is sealed.")
	return err
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
	complete := dataFlags(f, &c)
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
