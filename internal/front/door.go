package front

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/sigv4"
	"fastness/internal/store"
	"fastness/internal/wire"
	"fastness/internal/wire/uritemplate"
)

// Room is one service behind the door.
type Room struct {
	// API is the generated table, Service what implements its generated interface.
	API     *wire.API
	Service any
	// Resolver says what a call touches.
	Resolver Resolver
	// Quota throttles, if set.
	Quota Quota
	// MaxBody bounds a request body in bytes; 0 means DefaultMaxBody.
	MaxBody int64
}

func (r *Room) maxBody() int64 {
	if r.MaxBody > 0 {
		return r.MaxBody
	}
	return DefaultMaxBody
}

// Quota refuses calls that come too fast, with an error of kind wire.Throttling.
type Quota interface {
	Admit(c *call.Call) error
}

// Config is what a Door is made of. All fields but Dev and Regions are required.
type Config struct {
	Rooms       []*Room
	Codecs      []wire.Codec
	Credentials Credentials
	Principals  Principals
	Store       store.Store
	Audit       *audit.Log
	Clock       clock.Clock
	Log         *slog.Logger
	Metrics     *Metrics
	// Regions that are served, the default one first.
	Regions []string
	// Dev, if set, is asked about access keys and session tokens that Credentials does
	// not know; its credentials need no signature check. It exists for `serve --dev` alone.
	Dev Credentials
}

// Door is the pipeline that every call takes. It is safe for concurrent use.
type Door struct {
	router        router
	rooms         map[*wire.API]*Room
	credentials   Credentials
	principals    Principals
	dev           Credentials
	verifier      *sigv4.Verifier
	store         store.Store
	audit         *audit.Log
	clock         clock.Clock
	log           *slog.Logger
	metrics       *Metrics
	regions       []string
	defaultRegion string
}

var _ wire.Invoker = (*Door)(nil)

// New makes a Door. It fails when rooms contradict each other.
func New(c Config) (*Door, error) {
	if len(c.Regions) == 0 {
		return nil, errors.New("front: no Region to serve")
	}
	verifier, err := sigv4.NewVerifier(sigv4.Options{Clock: c.Clock})
	if err != nil {
		return nil, err
	}
	d := &Door{
		rooms: make(map[*wire.API]*Room), credentials: c.Credentials, principals: c.Principals, dev: c.Dev,
		verifier: verifier, store: c.Store, audit: c.Audit, clock: c.Clock, log: c.Log, metrics: c.Metrics,
		regions: c.Regions, defaultRegion: c.Regions[0],
		router: router{
			codecs: make(map[wire.Protocol]wire.Codec), byTarget: make(map[string]*Room),
			bySigning: make(map[string][]*Room), byHost: make(map[string]*Room), paths: make(map[*wire.API]*uritemplate.Router),
		},
	}
	for _, codec := range c.Codecs {
		d.router.codecs[codec.Protocol()] = codec
	}
	for _, room := range c.Rooms {
		if err := d.add(room); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Door) add(room *Room) error {
	api := room.API
	if d.rooms[api] != nil {
		return fmt.Errorf("front: %s is offered twice", api.Name)
	}
	d.rooms[api] = room
	for _, prefix := range targetPrefixes(api) {
		if d.router.byTarget[prefix] != nil {
			return fmt.Errorf("front: two services answer to the target %s", prefix)
		}
		d.router.byTarget[prefix] = room
	}
	d.router.bySigning[api.SigningName] = append(d.router.bySigning[api.SigningName], room)
	d.router.byHost[api.EndpointPrefix] = room
	if d.router.isREST(api) {
		paths, err := uritemplate.New(api)
		if err != nil {
			return fmt.Errorf("front: %s: %w", api.Name, err)
		}
		d.router.paths[api] = paths
	}
	for _, p := range api.Protocols {
		if d.router.codecs[p] == nil {
			return fmt.Errorf("front: no codec for %s, which %s speaks", p, api.Name)
		}
	}
	return nil
}

// Forget drops what is cached of an access key; whoever deactivates or deletes one
// calls it after the change is durable.
func (d *Door) Forget(accessKeyID string) { d.verifier.Forget(accessKeyID) }

// served returns a Region as the configuration spells it: the name in a request is part of
// its head, which would stay in memory with whatever remembers the Region.
func (d *Door) served(region string) (string, bool) {
	if i := slices.Index(d.regions, region); i >= 0 {
		return d.regions[i], true
	}
	return "", false
}

// targetPrefixes are what X-Amz-Target may begin with for an API: the prefix of the
// model and, where that has dots (CloudTrail's is a Java package name), its last part,
// which the AWS SDKs made from Smithy models send.
func targetPrefixes(api *wire.API) []string {
	prefix := api.TargetPrefix
	if prefix == "" {
		return nil
	}
	if dot := strings.LastIndexByte(prefix, '.'); dot >= 0 {
		return []string{prefix, prefix[dot+1:]}
	}
	return []string{prefix}
}
