package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/service/iam"
)

// checkDev refuses what --dev does not go with: a network, because nothing it is told is
// verified, and seals that need someone's help to start again after a reset.
func (c *Config) checkDev() error {
	if !c.Dev {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return fmt.Errorf("app: --dev listens on loopback addresses only, not on %q: whoever reaches it can do everything", c.Listen)
	}
	if c.Seal.Kind != SealFile {
		return fmt.Errorf("app: --dev goes with the seal %q only", SealFile)
	}
	return nil
}

// anyPrincipal lets key policies and grants name users and roles that do not exist: tests
// of clients do. Whoever exists is named by id, as everywhere else, so that nobody
// inherits what somebody deleted was given.
type anyPrincipal struct{ *iam.Directory }

// PrincipalID implements kms.Principals.
func (p anyPrincipal) PrincipalID(principalARN string) (id string, ok bool) {
	if id, ok := p.Directory.PrincipalID(principalARN); ok {
		return id, true
	}
	return principalARN, true
}

// developer answers for access keys that IAM does not know (--dev): each acts as the
// root user of the account whose id it is, else of the development account. It is safe
// for concurrent use.
type developer struct {
	directory *iam.Directory
	account   string
	// there are the accounts that are known to exist, by id.
	there sync.Map
}

// Credential implements front.Credentials.
func (d *developer) Credential(ctx context.Context, accessKeyID, _ string) (call.Credential, error) {
	// An id names the account it was made for. One of an account that is here was made
	// here: inactive or deleted, of a session that ended or of a role that is gone. It must
	// not become more than it was.
	if of, ok := d.directory.AccountOf(accessKeyID); ok && d.directory.HasAccount(of) {
		return call.Credential{}, call.ErrUnknownAccessKey
	}
	account := d.account
	if arn.IsAccountID(accessKeyID) {
		account = accessKeyID
	}
	if _, ok := d.there.Load(account); !ok {
		if err := d.directory.EnsureAccount(ctx, account); err != nil {
			return call.Credential{}, err
		}
		d.there.Store(account, nil)
	}
	return call.Credential{Principal: &call.Principal{
		Kind: call.Root, Account: account, ARN: "arn:" + call.Partition + ":iam::" + account + ":root", ID: account,
		AccessKeyID: accessKeyID,
	}}, nil
}

// resettable serves next, and under --dev the paths that empty the server. A reset waits
// for the requests that run, and those that come meanwhile wait for it.
func (a *App) resettable(next http.Handler) http.Handler {
	if !a.config.Dev {
		return next
	}
	// Any page in a browser on this machine can send a POST, and needs no signature here;
	// the requests that are meant are sent by programs.
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && (r.URL.Path == "/_fastness/reset" || r.URL.Path == "/moto-api/reset") {
			a.serveReset(w, r)
			return
		}
		a.running.RLock()
		defer a.running.RUnlock()
		next.ServeHTTP(w, r)
	}))
}

func (a *App) serveReset(w http.ResponseWriter, r *http.Request) {
	if err := a.Reset(context.WithoutCancel(r.Context())); err != nil {
		a.config.Log.Error("the reset failed; start the server again", "error", err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"status": "failed"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Reset destroys everything the server holds, as if it were started for the first time;
// only the certificates stay, which clients have been told to trust. It fails unless
// the server runs under --dev.
func (a *App) Reset(ctx context.Context) error {
	if !a.config.Dev {
		return errors.New("app: only a server under --dev can be reset")
	}
	a.endFollowers()
	a.running.Lock()
	defer a.running.Unlock()
	if err := a.empty(); err != nil {
		return err
	}
	return a.begin(ctx)
}

// empty closes everything below the rooms, removes it, and opens an empty store.
func (a *App) empty() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	if _, err := a.closedFor(); err != nil {
		return err
	}
	if err := a.shut(); err != nil {
		return err
	}
	if a.inner != nil { // a reset that failed leaves none
		inner := a.inner
		a.inner = nil
		if err := inner.Close(); err != nil {
			return err
		}
	}
	for _, name := range []string{
		filepath.Join(a.config.DataDir, storeDir), filepath.Join(a.config.DataDir, slotsFile),
		a.config.Seal.KeyFile, a.CredentialsFile(),
	} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("app: reset: %w", err)
		}
	}
	return a.openStore()
}
