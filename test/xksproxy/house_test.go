package xksproxy_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/engine/xks"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/policy"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/service/kms"
	"fastness/internal/service/xksproxy"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// What the test client takes unless told otherwise.
const clientPrefix = "/example/uri/path/prefix"

var clientCredential = xks.Credential{
	AccessKeyID:     "BETWEEN2TENAND3TENCHARACTERS",
	SecretAccessKey: "PleaseReplaceThisWithSomeSecretOfLength43To64",
}

var clientKeys = []xksproxy.KeySpec{
	{ID: "foo"},
	{ID: "encrypt_only_key", Usages: []string{xks.UsageEncrypt}},
	{ID: "decrypt_only_key", Usages: []string{xks.UsageDecrypt}},
	{ID: "impotent_key", Usages: []string{}},
}

const (
	account = "111122223333"
	region  = "us-east-1"
)

// house is a Fastness in memory: KMS and the proxy behind a real front door.
type house struct {
	kms    *kms.Service
	proxy  *xksproxy.Service
	door   *front.Door
	store  store.Store
	audit  *audit.Log
	clock  clock.Clock
	closes []func()
}

// options are what differs from house to house.
type options struct {
	clock    clock.Clock
	log      *slog.Logger
	external kms.ExternalKeyStores
	// certificates are the client certificates that the proxy wants.
	certificates *xks.ClientCertificatePolicy
}

func openHouse(ctx context.Context, o options) (h *house, err error) {
	h = &house{clock: o.clock}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	dir, err := os.MkdirTemp("", "xksproxy")
	if err != nil {
		return nil, err
	}
	h.closes = append(h.closes, func() { _ = os.RemoveAll(dir) })
	arena := securemem.NewArena(securemem.Options{})
	h.closes = append(h.closes, arena.Close)
	inner, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: o.clock})
	if err != nil {
		return nil, err
	}
	h.closes = append(h.closes, func() { _ = inner.Close() })
	ring, err := seal.Open(ctx, inner, seal.NewFile(arena, filepath.Join(dir, "root.key")), seal.Options{Clock: o.clock, Arena: arena, Initialize: true})
	if err != nil {
		return nil, err
	}
	info, err := ring.Info()
	if err != nil {
		return nil, err
	}
	slotAEAD, err := ring.AEAD(seal.PurposeKeyslot)
	if err != nil {
		return nil, err
	}
	tokenAEAD, err := ring.AEAD(seal.PurposeToken)
	if err != nil {
		return nil, err
	}
	slots, err := keyslot.Open(ctx, filepath.Join(dir, "slots"), keyslot.Options{Installation: info.Installation, AEAD: slotAEAD, Arena: arena, Create: true})
	if err != nil {
		return nil, err
	}
	h.closes = append(h.closes, func() { _ = slots.Close() })
	h.store = ring.Store(inner)
	h.audit = audit.Open(h.store, o.clock)
	h.closes = append(h.closes, h.audit.Close)
	registry := table.NewRegistry()
	jobs, err := due.NewQueue(registry)
	if err != nil {
		return nil, err
	}
	h.kms, err = kms.New(kms.Config{
		Store: h.store, Registry: registry, Jobs: jobs, Slots: slots, Arena: arena, Tokens: tokenAEAD, Pages: pages{}, Audit: h.audit, Clock: o.clock, Log: o.log,
		Regions: []string{region}, ExternalKeyStores: o.external,
	})
	if err != nil {
		return nil, err
	}
	h.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: kmsapi.API, Service: h.kms, Resolver: h.kms, MaxBody: kms.MaxBody}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: nobody{}, Principals: nobody{},
		Store: h.store, Audit: h.audit, Clock: o.clock, Log: o.log,
		Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{region},
	})
	if err != nil {
		return nil, err
	}
	h.proxy, err = xksproxy.Open(ctx, xksproxy.Config{Store: h.store, Registry: registry, Door: h.door, Audit: h.audit, Clock: o.clock, Log: o.log, Arena: arena, Certificates: o.certificates})
	if err != nil {
		return nil, err
	}
	h.closes = append(h.closes, h.proxy.Close)
	return h, nil
}

func (h *house) close() {
	for i := len(h.closes) - 1; i >= 0; i-- {
		h.closes[i]()
	}
}

// root is a KMS client of the account's root user.
func (h *house) root() *kmsapi.Client { return kmsapi.NewClient(asRoot{h}) }

type asRoot struct{ *house }

func (r asRoot) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return r.door.Invoke(call.With(ctx, &call.Call{
		Principal: &call.Principal{Kind: call.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account},
		Account:   account, Region: region, Time: r.clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "xksproxy"},
	}), op, in)
}

// exportable makes a KMS key that the proxy may use, and returns its ARN.
func (h *house) exportable(ctx context.Context) (string, error) {
	made, err := h.root().CreateKey(ctx, &kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"` + xksproxy.Principal + `"},"Resource":"*",
		 "Action":["kms:GenerateDataKeyWithoutPlaintext","kms:Decrypt"]}]}`)})
	if err != nil {
		return "", fmt.Errorf("make a KMS key: %w", err)
	}
	return *made.KeyMetadata.Arn, nil
}

// nobody stands for IAM: there are no credentials and no identity policies.
type nobody struct{}

func (nobody) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (nobody) Policies(context.Context, *call.Principal) (*policy.Policies, error) {
	return &policy.Policies{}, nil
}

// pages keeps pagination markers readable.
type pages struct{}

var errMarker = errors.New("not a marker of this listing")

func (pages) Seal(operation, account, filter string, position []byte) (string, error) {
	return base64.RawURLEncoding.EncodeToString([]byte(operation + "|" + account + "|" + filter + "|" + string(position))), nil
}

func (pages) Open(operation, account, filter, token string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, errMarker
	}
	position, ok := strings.CutPrefix(string(b), operation+"|"+account+"|"+filter+"|")
	if !ok {
		return nil, errMarker
	}
	return []byte(position), nil
}

// export makes the test client's prefix and keys.
func (h *house) export(ctx context.Context) error {
	admin := h.proxy.Admin()
	if _, err := admin.CreatePrefix(ctx, xksproxy.PrefixSpec{Prefix: clientPrefix, Account: account, Region: region, Credential: &clientCredential}); err != nil {
		return err
	}
	key, err := h.exportable(ctx)
	if err != nil {
		return err
	}
	for _, k := range clientKeys {
		k.KMSKey = key
		if err := admin.AddKey(ctx, clientPrefix, k); err != nil {
			return err
		}
	}
	return nil
}
