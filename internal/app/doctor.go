package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"fastness/internal/front"
)

// What Examine finds of a thing.
const (
	FindingOK   = "ok"
	FindingWarn = "warn" // it works, but not as it should
	FindingFail = "fail" // it does not work, or is not safe
)

// Finding is what one check says.
type Finding struct {
	Check string `json:"check"`
	// State is one of the constants above.
	State  string `json:"state"`
	Detail string `json:"detail"`
	// Advice says what to do; empty when nothing is.
	Advice string `json:"advice,omitempty"`
}

const (
	// doctorPatience bounds how long a server may take to answer.
	doctorPatience = 5 * time.Second
	// Less free disk than littleDisk is worth a warning; with less than noDisk, in
	// bytes, the store will soon fail.
	littleDisk, noDisk = 1 << 30, 64 << 20
	// enoughMemlock is what the locked memory of a small server needs, in bytes.
	enoughMemlock = 8 << 20
	// certificateSoon is how long before its end a certificate is worth a warning. The
	// server makes its own anew long before.
	certificateSoon = 14 * 24 * time.Hour
)

// Examine looks at an installation, whose server may run or not. It changes nothing.
func Examine(ctx context.Context, c Config) ([]Finding, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	findings := []Finding{
		directory("data directory", c.DataDir, FindingWarn), directory("secrets directory", c.SecretsDir, FindingFail),
	}
	if c.Seal.Kind == SealFile {
		findings = append(findings, rootKeyFile(&c))
	}
	findings = append(findings, privateFile("first access key", filepath.Join(c.SecretsDir, "credentials")),
		certificate(&c), endpointOf(ctx, c.Listen))
	return append(findings, machine(existing(c.DataDir), c.Clock.Now())...), nil
}

// directory checks who may look into a directory; open is how bad it is when others may.
func directory(check, path, open string) Finding {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Finding{check, FindingOK, path + " is not there yet", "the first start makes it"}
	case err != nil:
		return Finding{check, FindingFail, err.Error(), "run as the user of the server"}
	case !st.IsDir():
		return Finding{check, FindingFail, path + " is not a directory", "move it away, or choose another place"}
	case !ours(st):
		return Finding{check, FindingFail, path + " belongs to another user", "run as the user of the server, or chown it"}
	case st.Mode().Perm()&0o077 != 0:
		return Finding{check, open, fmt.Sprintf("%s has mode %04o: others may look into it", path, st.Mode().Perm()), "chmod 700 " + path}
	}
	return Finding{check, FindingOK, path, ""}
}

// rootKeyFile checks the root key, which must be there when there is a store.
func rootKeyFile(c *Config) Finding {
	const check = "root key file"
	_, err := os.Stat(c.Seal.KeyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return privateFile(check, c.Seal.KeyFile)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, storeDir)); err == nil {
		return Finding{check, FindingFail, c.Seal.KeyFile + " is missing, and nothing opens the store without it", "put it back from its backup, or say where it is with --secrets or --seal-key-file"}
	}
	return Finding{check, FindingOK, c.Seal.KeyFile + " is not there yet", "the first start makes it"}
}

// privateFile checks that a file, if it is there, is for its owner only.
func privateFile(check, path string) Finding {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Finding{check, FindingOK, path + " is not there", ""}
	case err != nil:
		return Finding{check, FindingFail, err.Error(), "run as the user of the server"}
	case !ours(st):
		return Finding{check, FindingFail, path + " belongs to another user", "run as the user of the server, or chown it"}
	case st.Mode().Perm()&0o077 != 0:
		return Finding{check, FindingFail, fmt.Sprintf("%s has mode %04o: others may use it", path, st.Mode().Perm()), "chmod 600 " + path + ", and replace what others may have read"}
	}
	return Finding{check, FindingOK, path, ""}
}

// ours tells whether a file belongs to the user of this process; root may use any.
func ours(st os.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return !ok || os.Geteuid() == 0 || int(sys.Uid) == os.Geteuid()
}

// certificate checks how long the TLS certificate is good.
func certificate(c *Config) Finding {
	const check = "TLS certificate"
	path, renew := c.TLSCert, "replace it, and start the server again"
	if path == "" {
		path, renew = filepath.Join(c.SecretsDir, "tls", "server.pem"), "start the server, which makes a new one"
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && c.TLSCert == "" {
		return Finding{check, FindingOK, path + " is not there yet", "the first start makes it"}
	}
	if err != nil {
		return Finding{check, FindingFail, err.Error(), "run as the user of the server"}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return Finding{check, FindingFail, path + " is not PEM", renew}
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Finding{check, FindingFail, path + ": " + err.Error(), renew}
	}
	now, until := c.Clock.Now(), leaf.NotAfter.Format(time.DateOnly)
	switch {
	case now.After(leaf.NotAfter):
		return Finding{check, FindingFail, path + " ended " + until, renew}
	case now.Before(leaf.NotBefore):
		return Finding{check, FindingFail, path + " begins " + leaf.NotBefore.Format(time.RFC3339), "look at the machine's clock"}
	case now.Add(certificateSoon).After(leaf.NotAfter):
		return Finding{check, FindingWarn, path + " ends " + until, renew}
	}
	return Finding{check, FindingOK, "good until " + until, ""}
}

// endpointOf checks that a healthy server answers at the address, or that it is free.
func endpointOf(ctx context.Context, listen string) Finding {
	const check = "server"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	var lc net.ListenConfig
	if l, err := lc.Listen(ctx, "tcp", listen); err == nil {
		_ = l.Close()
		return Finding{check, FindingOK, "no server runs; " + listen + " is free", ""}
	} else if !errors.Is(err, syscall.EADDRINUSE) {
		return Finding{check, FindingFail, err.Error(), "choose another --listen"}
	}
	other := Finding{check, FindingFail, "another program serves " + listen, "stop it, or choose another --listen"}
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return other
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(addr)+"/health", nil)
	if err != nil {
		return other
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return other
	}
	defer res.Body.Close()
	var s front.Status
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAdminBody)).Decode(&s); err != nil || s.Version == "" {
		return other
	}
	if s.Status != "ok" {
		return Finding{check, FindingWarn, "the server is " + s.Status + " " + s.Detail, "`fastness status` and the server's log say more"}
	}
	return Finding{check, FindingOK, "version " + s.Version + " answers at " + reachable(addr), ""}
}

// existing is the nearest directory above path that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
