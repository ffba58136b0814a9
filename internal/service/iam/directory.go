package iam

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
)

// Directory holds all of IAM's records in memory and answers who an access key is and
// which policies surround a principal. Records are immutable; a change replaces them.
// What every request asks is read without a lock; the rest under a read lock.
//
// It is kept current in two ways: a transaction of this process applies its changes
// when it has committed, before the call that made them is answered; changes of other
// processes arrive by watching the store (Memory). It is safe for concurrent use.
type Directory struct {
	store  store.Store
	tables *tables
	clock  clock.Clock
	memory *follow.Memory

	keys     sync.Map // access key id → *credential
	accounts sync.Map // account id → *accountView

	onKeyChange atomic.Pointer[func(string)]
	aws         map[string]*managed // AWS managed policies by ARN

	// mu guards what follows and the maps of every accountView. Replacing records and
	// what is derived from them happens under the write lock; deriving under the read
	// lock, so that nothing outdated is kept.
	mu sync.RWMutex
	// loaded is the revision at which everything was last read. reread are the revisions at
	// which single records were read later, because others had changed them: a commit of
	// this process that came before, and is applied after, says nothing new of them.
	loaded store.Revision
	reread map[ref]store.Revision
}

// accountView is one account in memory.
type accountView struct {
	id string
	// generation grows with every change.
	generation atomic.Uint64
	// policies is derived: principal id → *policy.Policies.
	policies sync.Map
	// uses is the last use of access keys and roles by id → *useCell.
	uses sync.Map

	record   *account
	users    set[*user]
	groups   set[*group]
	roles    set[*role]
	managed  set[*managed]
	profiles set[*instanceProfile]
	keysByID map[string]*accessKey
}

// set holds the entities of one kind.
type set[E entity] struct {
	byName map[string]E // by name in lower case
	byID   map[string]E
}

func newSet[E entity]() set[E] {
	return set[E]{byName: make(map[string]E), byID: make(map[string]E)}
}

// named finds an entity by its exact name.
func (s *set[E]) named(name string) (E, bool) {
	e, ok := s.byName[strings.ToLower(name)]
	if !ok || e.base().Name != name {
		var none E
		return none, false
	}
	return e, true
}

// replace puts e under name; without present it removes what is there. The id of what
// was there is forgotten unless the entity has got another name meanwhile.
func (s *set[E]) replace(name string, e E, present bool) (old E, had bool) {
	old, had = s.byName[name]
	if present {
		s.byName[name] = e
	} else {
		delete(s.byName, name)
	}
	if had {
		if now, ok := s.byID[old.base().ID]; ok && strings.ToLower(now.base().Name) == name {
			delete(s.byID, old.base().ID)
		}
	}
	if present {
		s.byID[e.base().ID] = e
	}
	return old, had
}

// OpenDirectory defines the room's tables in reg and reads all records of s. Its Memory
// has to follow the changes of others, and Run to write down last uses.
func OpenDirectory(ctx context.Context, s store.Store, reg *table.Registry, c clock.Clock) (*Directory, error) {
	d := &Directory{store: s, clock: c, reread: make(map[ref]store.Revision)}
	d.memory = follow.NewMemory(tableService, d.othersChanged, d.Reload)
	var err error
	if d.tables, err = newTables(reg); err != nil {
		return nil, err
	}
	if d.aws, err = awsPolicies(); err != nil {
		return nil, err
	}
	if err := d.Reload(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Reload replaces everything by one snapshot of the store. It is needed only when the
// store was emptied or filled by other means than transactions of the rooms.
func (d *Directory) Reload(ctx context.Context) error {
	// Locked before the snapshot is taken: a commit that is not in it waits and is
	// applied after it.
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.store.View(ctx, func(r store.Reader) error {
		present := make(map[ref]bool)
		if err := d.tables.all(r, func(ch change) {
			present[ch.ref] = true
			d.apply(ch.ref, ch.record)
		}); err != nil {
			return fmt.Errorf("iam: reading the directory: %w", err)
		}
		// After a gap in the watch, what is gone must go here too.
		for _, known := range d.known() {
			if !present[known] {
				d.apply(known, nil)
			}
		}
		d.loaded = r.Revision()
		clear(d.reread)
		return nil
	})
}

// known are the records in memory.
func (d *Directory) known() []ref {
	var refs []ref
	d.accounts.Range(func(_, v any) bool {
		a := v.(*accountView)
		for n := range a.users.byName {
			refs = append(refs, ref{userKind.segment, a.id, n})
		}
		for n := range a.groups.byName {
			refs = append(refs, ref{groupKind.segment, a.id, n})
		}
		for n := range a.roles.byName {
			refs = append(refs, ref{roleKind.segment, a.id, n})
		}
		for n := range a.managed.byName {
			refs = append(refs, ref{policyKind.segment, a.id, n})
		}
		for n := range a.profiles.byName {
			refs = append(refs, ref{profileKind.segment, a.id, n})
		}
		for id := range a.keysByID {
			refs = append(refs, ref{segmentKey, a.id, id})
		}
		if a.record != nil {
			refs = append(refs, ref{segmentAccount, a.id, ""})
		}
		return true
	})
	return refs
}

// Run writes down last uses until ctx is done. It returns the error that ended it.
func (d *Directory) Run(ctx context.Context) error { return d.flushUses(ctx) }

// Memory is the directory, for the follower of what other processes change.
func (d *Directory) Memory() *follow.Memory { return d.memory }

// othersChanged reads the records again that a commit of another process wrote.
func (d *Directory) othersChanged(ctx context.Context, c follow.Commit) error {
	// Locked before the snapshot is taken: a commit of this process that is not in it waits
	// and is applied after it.
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Revision <= d.loaded {
		return nil
	}
	return d.store.View(ctx, func(r store.Reader) error {
		var changes []change
		for _, row := range c.Rows {
			if row.Index != "" {
				continue
			}
			ch, err := d.tables.read(r, refAt(row.Place))
			if err != nil {
				return fmt.Errorf("iam: following the directory: %w", err)
			}
			changes = append(changes, ch)
			d.reread[ch.ref] = r.Revision()
		}
		d.applyAll(changes)
		return nil
	})
}

// committed applies the changes of a transaction of this process.
func (d *Directory) committed(r store.Revision, changes []change) {
	if len(changes) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if r <= d.loaded {
		return // all was read since
	}
	if len(d.reread) > 0 {
		changes = slices.DeleteFunc(slices.Clone(changes), func(ch change) bool { return r <= d.reread[ch.ref] })
		// Commits of this process are applied in order: none before this one will come.
		maps.DeleteFunc(d.reread, func(_ ref, at store.Revision) bool { return at <= r })
	}
	d.applyAll(changes)
}

// applyAll applies the changes of one commit, what is written before what is removed:
// so a user that is renamed is never without a record, nor its keys without a user.
func (d *Directory) applyAll(changes []change) {
	for _, ch := range changes {
		if ch.record != nil {
			d.apply(ch.ref, ch.record)
		}
	}
	for _, ch := range changes {
		if ch.record == nil {
			d.apply(ch.ref, nil)
		}
	}
}

// apply replaces the record under a ref (nil removes it) and drops what was derived
// from the old one. The caller holds the write lock.
func (d *Directory) apply(r ref, record any) {
	a, rest := d.account(r.account), r.name
	defer a.generation.Add(1)
	switch r.segment {
	case segmentAccount:
		a.record, _ = record.(*account)
	case userKind.segment:
		u, present := record.(*user)
		old, had := a.users.replace(rest, u, present)
		if had {
			a.policies.Delete(old.ID)
			if present {
				adoptInline(&u.grants, &old.grants)
			}
		}
		if present {
			a.policies.Delete(u.ID)
			for _, key := range u.Keys {
				d.credential(a, key)
			}
		} else if had {
			for _, key := range old.Keys {
				d.credential(a, key)
			}
		}
	case groupKind.segment:
		g, present := record.(*group)
		if old, had := a.groups.replace(rest, g, present); had && present {
			adoptInline(&g.grants, &old.grants)
		}
		a.policies.Clear()
	case roleKind.segment:
		r, present := record.(*role)
		old, had := a.roles.replace(rest, r, present)
		if had {
			a.policies.Delete(old.ID)
			if _, stays := a.roles.byID[old.ID]; !stays {
				a.uses.Delete(old.ID)
			}
			if present {
				adoptInline(&r.grants, &old.grants)
				r.Trust = adopt(r.Trust, old.Trust)
			}
		}
		if present {
			a.policies.Delete(r.ID)
		}
	case policyKind.segment:
		m, present := record.(*managed)
		if old, had := a.managed.replace(rest, m, present); had && present {
			for i := range m.Versions {
				if j := old.findVersion(m.Versions[i].id()); j >= 0 {
					m.Versions[i].Doc = adopt(m.Versions[i].Doc, old.Versions[j].Doc)
				}
			}
		}
		a.policies.Clear()
	case profileKind.segment:
		p, present := record.(*instanceProfile)
		a.profiles.replace(rest, p, present)
	case segmentKey:
		if k, present := record.(*accessKey); present {
			a.keysByID[rest] = k
		} else {
			delete(a.keysByID, rest)
			a.uses.Delete(rest)
		}
		d.credential(a, rest)
		if f := d.onKeyChange.Load(); f != nil {
			(*f)(rest)
		}
	case segmentUse:
		if u, present := record.(*lastUse); present {
			a.use(rest).advance(u)
		} else {
			a.uses.Delete(rest)
		}
	}
}

// adopt keeps the old document, which may be compiled, if the text is the same.
func adopt(fresh, old *document) *document {
	if fresh != nil && old != nil && fresh.text == old.text {
		return old
	}
	return fresh
}

func adoptInline(fresh, old *grants) {
	for i := range fresh.Inline {
		if j, ok := old.findInline(fresh.Inline[i].Name); ok {
			fresh.Inline[i].Doc = adopt(fresh.Inline[i].Doc, old.Inline[j].Doc)
		}
	}
}

// account is the view of an account, made when it is new.
func (d *Directory) account(id string) *accountView {
	if v, ok := d.accounts.Load(id); ok {
		return v.(*accountView)
	}
	v, _ := d.accounts.LoadOrStore(id, newAccountView(id))
	return v.(*accountView)
}

func newAccountView(id string) *accountView {
	return &accountView{
		id: id, users: newSet[*user](), groups: newSet[*group](), roles: newSet[*role](), managed: newSet[*managed](),
		profiles: newSet[*instanceProfile](),
		keysByID: make(map[string]*accessKey),
	}
}

// peek is the view of an account, an empty one that is not kept if there is none:
// callers can ask for any account.
func (d *Directory) peek(id string) *accountView {
	if v, ok := d.accounts.Load(id); ok {
		return v.(*accountView)
	}
	return newAccountView(id)
}

// OnKeyChange has f called with the id of every access key that is made, changed or
// deleted, when the change is durable and before the call that made it is answered.
// f must not block or call the Directory.
func (d *Directory) OnKeyChange(f func(accessKeyID string)) { d.onKeyChange.Store(&f) }

// read gives f the view of an account under the read lock.
func (d *Directory) read(id string, f func(*accountView) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return f(d.peek(id))
}

// awsPolicy is one of AWS's managed policies, or nil.
func (d *Directory) awsPolicy(arn string) *managed { return d.aws[arn] }

// policyByARN is a managed policy as seen from the account.
func (d *Directory) policyByARN(a *accountView, arn string) *managed {
	if m := d.aws[arn]; m != nil {
		return m
	}
	name, ok := policyName(a.id, arn)
	if !ok {
		return nil
	}
	m, ok := a.managed.named(name)
	if !ok || arnOf(m) != arn {
		return nil
	}
	return m
}

// policyName is the name in the ARN of a customer managed policy of the account.
func policyName(account, arn string) (string, bool) {
	path, ok := strings.CutPrefix(arn, "arn:"+call.Partition+":iam::"+account+":"+policyKind.segment+"/")
	if !ok {
		return "", false
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	return name, name != ""
}

// compile is the managed policy in force under an ARN.
func (d *Directory) compile(a *accountView, arn string) (*policy.Policy, error) {
	m := d.policyByARN(a, arn)
	if m == nil {
		return nil, fmt.Errorf("iam: attached policy %s is missing", arn)
	}
	return m.inForce().policy(policy.IdentityManaged, arn)
}
