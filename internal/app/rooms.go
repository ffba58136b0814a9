package app

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/api/elbv2api"
	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/logsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/api/wafv2api"
	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/engine/attestation"
	"fastness/internal/engine/rotator"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/seal"
	"fastness/internal/service/acm"
	"fastness/internal/service/cloudtrail"
	"fastness/internal/service/cloudwatch"
	"fastness/internal/service/elbv2"
	"fastness/internal/service/iam"
	"fastness/internal/service/kms"
	"fastness/internal/service/logs"
	"fastness/internal/service/secretsmanager"
	"fastness/internal/service/ssm"
	"fastness/internal/service/sts"
	"fastness/internal/service/wafv2"
	"fastness/internal/service/xksproxy"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/ec2query"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/restxml"
	"fastness/internal/wire/rpccbor"
)

// rooms are the services of an unsealed server, and what they run on.
type rooms struct {
	slots  *keyslot.File
	audit  *audit.Log
	events *eventlog.Log
	door   *front.Door
	proxy  *xksproxy.Service
	// keys has RSA keys ready for KMS.
	keys *rsaKeys
	// directory and kms answer the operator's questions.
	directory *iam.Directory
	kms       *kms.Service
	// plane are the load balancers.
	plane     *dataPlane
	followers *followers

	cancel  context.CancelFunc
	closing <-chan struct{} // closed when the rooms close
	work    sync.WaitGroup
}

// codecs are all protocols: every room is reachable in each one that its API lists.
func codecs() []wire.Codec {
	return []wire.Codec{
		awsjson.New(wire.AWSJSON10), awsjson.New(wire.AWSJSON11), awsquery.New(), ec2query.New(),
		restjson.New(), restxml.New(), rpccbor.New(),
	}
}

// attestationMaxAge bounds how old an attestation document may be.
const attestationMaxAge = 5 * time.Minute

// aeads are the sealers of what travels through callers.
type aeads struct{ token, page *seal.AEAD }

func openAEADs(ring *seal.Keyring) (a aeads, err error) {
	if a.token, err = ring.AEAD(seal.PurposeToken); err != nil {
		return a, err
	}
	a.page, err = ring.AEAD(seal.PurposePage)
	return a, err
}

// openRooms makes every service over the unsealed store, and starts their background
// work. On an error nothing is left running.
func (a *App) openRooms(ctx context.Context, ring *seal.Keyring) (_ *rooms, err error) {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &rooms{cancel: cancel, closing: background.Done(), keys: newRSAKeys(background, a.config.RSAPool, &a.busy, a.config.Log)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	c := &a.config
	sealed := ring.Store(a.inner)
	registry := table.NewRegistry()
	own, err := newRecords(registry)
	if err != nil {
		return nil, err
	}
	queue, err := due.NewQueue(registry)
	if err != nil {
		return nil, err
	}
	if r.slots, err = openSlots(ctx, c, ring, sealed, a.arena, own); err != nil {
		return nil, err
	}
	if err := a.sweepSlots(ctx, r.slots, sealed); err != nil {
		return nil, err
	}
	var renew func(context.Context) error
	if c.TLSCert == "" {
		renew = func(ctx context.Context) error { return a.certs.ensureOwn(ctx, sealed, own, serverNames(c.TLSNames)) }
		if err := renew(ctx); err != nil {
			return nil, err
		}
	}
	keys, err := openAEADs(ring)
	if err != nil {
		return nil, err
	}
	if err := audit.Reserve(registry); err != nil {
		return nil, err
	}
	if r.events, err = eventlog.Open(sealed, registry, eventlog.Options{Clock: c.Clock, Logger: c.Log}); err != nil {
		return nil, err
	}
	r.audit = audit.Open(sealed, c.Clock, r.events)
	regions, err := c.regions()
	if err != nil {
		return nil, err
	}
	follower, err := follow.New(ctx, sealed, follow.Options{Clock: c.Clock, Logger: c.Log})
	if err != nil {
		return nil, err
	}
	directory, err := iam.OpenDirectory(ctx, sealed, registry, c.Clock)
	if err != nil {
		return nil, err
	}
	if err := a.bootstrap(ctx, directory); err != nil {
		return nil, err
	}
	pages := page.New(keys.page)
	iamRoom := iam.New(directory, pages)
	stsRoom, err := sts.New(sts.Options{Directory: directory, Tokens: keys.token, Clock: c.Clock})
	if err != nil {
		return nil, err
	}
	trailRoom := cloudtrail.New(r.audit, pages)
	kmsRoom, err := a.openKMS(r, sealed, registry, queue, keys, pages, directory, regions)
	if err != nil {
		return nil, err
	}
	r.directory, r.kms = directory, kmsRoom
	door := new(inside)
	ssmRoom, err := ssm.New(ssm.Config{
		Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Events: r.events, Audit: r.audit, Door: door,
		Clock: c.Clock, Log: c.Log, Images: c.Parameters.images(), Public: c.Parameters.Public,
	})
	if err != nil {
		return nil, err
	}
	kmsDoor := &front.Room{API: kmsapi.API, Service: kmsRoom, Resolver: kmsRoom, MaxBody: kms.MaxBody}
	if len(c.KMSQuotas.Requests) > 0 {
		if kmsDoor.Quota, err = kmsRoom.NewQuotas(c.KMSQuotas.Requests); err != nil {
			return nil, err
		}
	}
	secretsRoom, err := a.openSecretsManager(r, sealed, registry, queue, pages, directory, regions, door)
	if err != nil {
		return nil, err
	}
	logsRoom, err := logs.New(logs.Config{Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Clock: c.Clock, Log: c.Log})
	if err != nil {
		return nil, err
	}
	metricsRoom, err := cloudwatch.New(cloudwatch.Config{Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Clock: c.Clock, Log: c.Log})
	if err != nil {
		return nil, err
	}
	plane, err := a.openDataPlane(ctx, r, sealed, own, registry, queue, keys, pages, ring, door)
	if err != nil {
		return nil, err
	}
	config := front.Config{
		Rooms: []*front.Room{
			{API: iamapi.API, Service: iamRoom, Resolver: iamRoom},
			{API: stsapi.API, Service: stsRoom, Resolver: stsRoom},
			{API: cloudtrailapi.API, Service: trailRoom, Resolver: trailRoom},
			kmsDoor,
			{API: secretsmanagerapi.API, Service: secretsRoom, Resolver: secretsRoom, MaxBody: secretsmanager.MaxBody},
			{API: ssmapi.API, Service: ssmRoom, Resolver: ssmRoom},
			{API: wafv2api.API, Service: plane.firewall, Resolver: plane.firewall, MaxBody: wafv2.MaxBody},
			{API: elbv2api.API, Service: plane.balancing, Resolver: plane.balancing},
			{API: logsapi.API, Service: logsRoom, Resolver: logsRoom, MaxBody: logs.MaxBody},
			{API: cloudwatchapi.API, Service: metricsRoom, Resolver: metricsRoom, MaxBody: cloudwatch.MaxBody},
			{API: acmapi.API, Service: plane.certificates, Resolver: plane.certificates, MaxBody: acm.MaxBody},
		},
		Codecs: codecs(), Credentials: stsRoom, Principals: directory,
		Store: sealed, Audit: r.audit, Clock: c.Clock, Log: c.Log, Metrics: a.metrics, Regions: regions,
	}
	if c.Dev {
		config.Dev = &developer{directory: directory, account: c.DevAccount}
	}
	if r.door, err = front.New(config); err != nil {
		return nil, err
	}
	door.door = r.door
	r.followers = newFollowers(r.plane, r.door, c)
	directory.OnKeyChange(r.door.Forget)
	if r.proxy, err = a.openProxy(ctx, r, sealed, registry); err != nil {
		return nil, err
	}
	daily := &upkeep{
		ring: ring, sealed: sealed, slots: r.slots, history: r.audit, events: r.events, queue: queue, certificate: renew,
		sweep:    kmsRoom.SweepSlots,
		changing: &a.changing, every: c.KeyRotation, clock: c.Clock, log: c.Log,
	}
	if err := daily.schedule(ctx); err != nil {
		return nil, err
	}
	handlers := daily.handlers()
	maps.Copy(handlers, kmsRoom.JobHandlers())
	maps.Copy(handlers, secretsRoom.JobHandlers())
	maps.Copy(handlers, ssmRoom.JobHandlers())
	maps.Copy(handlers, logsRoom.JobHandlers())
	maps.Copy(handlers, metricsRoom.JobHandlers())
	maps.Copy(handlers, plane.balancing.JobHandlers())
	maps.Copy(handlers, plane.certificates.JobHandlers())
	runner, err := due.NewRunner(sealed, queue, handlers, due.Options{Clock: c.Clock, Logger: c.Log})
	if err != nil {
		return nil, err
	}
	follower.Add(directory.Memory(), kmsRoom.Memory(), secretsRoom.Memory(), ssmRoom.Memory(), r.proxy.Memory(), plane.firewall.Memory(), plane.certificates.Memory(), plane.balancing.Memory())
	a.background(background, r, "changes of other processes", follower.Run)
	a.background(background, r, "due", runner.Run)
	a.background(background, r, "event log", r.events.Run)
	a.background(background, r, "last uses of access keys and roles", directory.Run)
	a.background(background, r, "kms", kmsRoom.RunKeyStores)
	a.background(background, r, "external key store proxy", r.proxy.Run)
	a.background(background, r, "kms material", kmsRoom.RunMaterial)
	a.background(background, r, "kms usage", func(ctx context.Context) error { return a.flushUsage(ctx, kmsRoom) })
	a.background(background, r, "rotations", secretsRoom.RunRotations)
	a.background(background, r, "secrets manager reads", secretsRoom.RunReads)
	a.background(background, r, "configuration of the proxies", r.plane.publish)
	a.background(background, r, "cloudwatch", metricsRoom.Run)
	a.background(background, r, "metrics of web ACLs", r.plane.activity.run)
	if s := r.plane.activity.spool; s != nil {
		a.background(background, r, "logs for buckets", s.run)
	}
	r.plane.record(background)
	a.background(background, r, "load balancers", r.plane.run)
	a.background(background, r, "counts of the proxies", r.plane.share)
	return r, nil
}

// openDataPlane makes the rooms of load balancers, certificates and web ACLs, which know each other,
// and what proxies are told of them.
func (a *App) openDataPlane(ctx context.Context, r *rooms, sealed store.Store, own *records, registry *table.Registry, queue *due.Queue, keys aeads, pages *page.Sealer, ring *seal.Keyring, door *inside) (*proxyRooms, error) {
	c := &a.config
	authority, err := openAuthority(ctx, sealed, own, a.certs.make)
	if err != nil {
		return nil, err
	}
	if r.plane, err = newDataPlane(sealed, c, newActivity(door, c, &a.activity)); err != nil {
		return nil, err
	}
	to, err := c.buckets()
	if err != nil {
		return nil, err
	}
	if to != nil {
		if r.plane.activity.spool, err = openSpool(ctx, sealed, to, c); err != nil {
			return nil, err
		}
	}
	p := &r.plane.rooms
	p.keys = func(of string) ([][]byte, error) { return proxyKeys(ring, of) }
	p.certificates, err = acm.New(acm.Config{
		Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Authority: authority, Clock: c.Clock, Log: c.Log, Changed: r.plane.changed,
	})
	if err != nil {
		return nil, err
	}
	p.firewall, err = wafv2.New(wafv2.Config{
		Store: sealed, Registry: registry, Pages: pages, Keys: keys.token, Clock: c.Clock, Log: c.Log,
		Resources: webACLResources{func() *elbv2.Service { return p.balancing }}, Live: r.plane, Changed: r.plane.changed, Catalogue: r.plane.catalogue,
		// On every host that a listener serves.
		IntegrationURL: func(string, string) string { return challenge.Prefix },
		Logs:           logsapi.NewClient(door),
		Buckets:        wafBuckets(r.plane.activity.spool),
	})
	if err != nil {
		return nil, err
	}
	p.balancing, err = elbv2.New(elbv2.Config{
		Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Clock: c.Clock, Log: c.Log, Certificates: p.certificates, Health: r.plane,
		Domain: c.Proxy.Domain, Deleted: p.firewall.Unprotect, Changed: r.plane.changed,
	})
	if err != nil {
		return nil, err
	}
	p.certificates.Use(p.balancing)
	return p, nil
}

func (a *App) openSecretsManager(r *rooms, sealed store.Store, registry *table.Registry, queue *due.Queue, pages *page.Sealer, directory *iam.Directory, regions []string, door *inside) (*secretsmanager.Service, error) {
	c := secretsmanager.Config{
		Store: sealed, Registry: registry, KMS: kmsapi.NewClient(door), Self: secretsmanagerapi.NewClient(door), Pages: pages, Jobs: queue,
		Audit: r.audit, Clock: a.config.Clock, Log: a.config.Log, Regions: regions,
	}
	c.Principals = directory
	if a.config.Dev {
		c.Principals = anyPrincipal{directory}
	}
	rotators := rotator.New(a.config.Rotation)
	c.Rotation = secretsmanager.RotationConfig{
		AsService: door.AsService,
		Rotators: func(name string) (secretsmanager.BuiltIn, bool) {
			f, ok := rotators.Lookup(name)
			return f, ok
		},
	}
	return secretsmanager.New(c)
}

func (a *App) openKMS(r *rooms, sealed store.Store, registry *table.Registry, queue *due.Queue, keys aeads, pages *page.Sealer, directory *iam.Directory, regions []string) (*kms.Service, error) {
	c := kms.Config{
		Store: sealed, Registry: registry, Slots: r.slots, Arena: a.arena, Tokens: keys.token, Pages: pages, Jobs: queue, Audit: r.audit,
		Clock: a.config.Clock, Log: a.config.Log, Regions: regions,
		Pool: r.keys, ExternalKeyStores: a.config.KeyStores, ResourceQuotas: a.config.KMSQuotas.Resources,
	}
	c.Principals = directory
	if a.config.Dev {
		c.Principals = anyPrincipal{directory}
	}
	c.ExternalKeyStores.Own = ownAddresses(a.config.Listen)
	if a.config.AttestationRoots != nil {
		c.Attestation = attestation.NewVerifier(a.config.AttestationRoots, attestationMaxAge)
	}
	return kms.New(c)
}

// flushUsage writes down the last uses of KMS keys, and once more at the end.
func (a *App) flushUsage(ctx context.Context, room *kms.Service) error {
	for {
		done := a.config.Clock.Sleep(ctx, kms.UsageFlushInterval)
		if err := room.FlushUsage(context.WithoutCancel(ctx)); err != nil {
			a.config.Log.Error("last uses of keys could not be written", "error", err)
		}
		if done != nil {
			return done
		}
	}
}

// background runs the work of a service until the rooms are closed.
func (a *App) background(ctx context.Context, r *rooms, name string, run func(context.Context) error) {
	r.work.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			a.config.Log.Error("background work ended", "of", name, "error", err)
		}
	})
}

// close stops the background work and closes what the rooms run on.
func (r *rooms) close() error {
	r.cancel()
	if r.followers != nil {
		r.followers.end()
	}
	err := r.plane.close()
	r.work.Wait()
	r.keys.close()
	if r.audit != nil {
		r.audit.Close()
	}
	if r.slots != nil {
		return errors.Join(err, r.slots.Close())
	}
	return err
}
