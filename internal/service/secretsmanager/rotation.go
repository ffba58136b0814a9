package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/store"
)

// The engine of rotation.
//
// A rotation gives a secret a new value in two places: here, and in the database that the
// value opens. Nothing makes two systems change at once, so the engine writes down what it
// is about to do before each effect (journalRecord), and every step may run again: what
// was done already is found out, not assumed. Whenever the process dies, the next leader
// reads the journal and repeats the step that is written there.
//
//	begin       an empty AWSPENDING version, the journal and its job, with the caller's change
//	createSecret  the function fills AWSPENDING           a transaction
//	setSecret     the database learns the new value       outside
//	testSecret    the database is asked with the new value  outside
//	finishSecret  the function moves AWSCURRENT           a transaction
//	done        AWSPENDING goes, the next window is planned, the journal ends
//
// Between setSecret and finishSecret the database may know the new value while AWSCURRENT
// is the old one. AWSPENDING is never lost in that time: a rotation that fails leaves it,
// and the next one goes on with the same version (AWS's "that rotation will be
// reattempted"), so that the value which the database may have is always one that is kept.
//
// Long work runs outside of transactions, in a queue of its own (due.NewQueueFor): at most
// rotationWorkers at a time, one for each secret, only in the process that leads. It ends
// when the journal goes (CancelRotateSecret, another value) and when the process stops.

const (
	// jobWindow, in the program's queue, opens a rotation window. id: a secret.
	jobWindow = "secretsmanager.rotate"
	// jobRotation, in the room's own queue, carries a rotation on. id: a secret.
	jobRotation = "rotation"

	// rotationWorkers bounds how many rotations run at the same time.
	rotationWorkers = 32
	// stepTimeout bounds one step: the longest that a Lambda function may take.
	stepTimeout = 15 * time.Minute

	// maxRotationRetries is how often a rotation is tried again, the first time after
	// firstRotationRetry and then four times later each time, within the window.
	maxRotationRetries = 5
	firstRotationRetry = 5 * time.Second
)

// RotationConfig is what rotations are made of.
type RotationConfig struct {
	// AsService returns a context for calls that a service makes by itself
	// (front.Door.AsService); nil means that no function can be invoked.
	AsService func(ctx context.Context, service, account, region string) context.Context
	// Rotators are the built-in functions; nil means that there are none.
	Rotators Rotators
	// Functions invokes Lambda functions; nil means that none can be invoked.
	Functions Functions
}

// rotationEngine carries rotations out.
type rotationEngine struct {
	RotationConfig
	store  store.Store
	tables *tables
	self   Self
	jobs   Jobs
	queue  *due.Queue
	audit  *audit.Log
	clock  clock.Clock
	log    *slog.Logger
	// write writes a secret and its replicas, in the transaction of the call in ctx.
	write func(ctx context.Context, tx store.Txn, s *secretRecord) error
	// again are the secrets whose failed rotation somebody asked for anew.
	again chan secretName
}

var _ rotations = (*rotationEngine)(nil)

func newRotationEngine(s *Service, c RotationConfig) *rotationEngine {
	return &rotationEngine{
		RotationConfig: c, store: s.store, tables: s.tables, self: s.self, jobs: s.jobs, queue: s.tables.rotationJobs, audit: s.audit,
		clock: s.clock, log: s.log, write: s.saveWithReplicas, again: make(chan secretName, 64),
	}
}

// rotationJobID names a secret in jobs.
func rotationJobID(account, region, secret string) string {
	return account + "/" + region + "/" + secret
}

// secretOfJob reads the record that a job is about; nil if the secret is gone.
func (e *rotationEngine) secretOfJob(r store.Reader, id string) (*secretRecord, error) {
	parts := strings.SplitN(id, "/", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("secretsmanager: malformed job id %q", id)
	}
	name, suffix, ok := splitID(parts[2])
	if !ok {
		return nil, fmt.Errorf("secretsmanager: malformed job id %q", id)
	}
	s, err := e.tables.secret(r, secretName{parts[0], parts[1], name})
	if isNotFound(err) || err == nil && s.Suffix != suffix {
		return nil, nil
	}
	return s, err
}

// configured implements rotations. A new AWSCURRENT that is not the one that is being
// rotated in abandons the rotation: whoever stored it knows what the database has (user
// guide, RotationAbandoned).
func (e *rotationEngine) configured(ctx context.Context, tx store.Txn, s *secretRecord) error {
	j, err := e.tables.rotation(tx, s)
	if err != nil {
		return err
	}
	if current := s.Stages[stageCurrent]; j != nil && current != j.Current && current != j.Token {
		if err := e.abandon(tx, s, j, "Another version of the secret became AWSCURRENT."); err != nil {
			return err
		}
	}
	return e.plan(tx, s)
}

// plan sets the next window of a secret and the job that opens it.
func (e *rotationEngine) plan(tx store.Txn, s *secretRecord) error {
	if s.Rotation == nil {
		return nil
	}
	start, end, ok, err := s.nextWindow(e.clock.Now().UTC())
	if err != nil {
		return err
	}
	if !ok || s.doomed() {
		s.Rotation.Next = time.Time{}
		_, err := e.jobs.Cancel(tx, jobWindow, s.jobID())
		return err
	}
	s.Rotation.Next = end
	return e.jobs.Schedule(tx, due.Job{Kind: jobWindow, ID: s.jobID(), At: start})
}

// open is the job at the beginning of a window. It runs in one transaction with the end
// of the job, so a window rotates once.
func (e *rotationEngine) open(ctx context.Context, tx store.Txn, job due.Job) error {
	s, err := e.secretOfJob(tx, job.ID)
	if err != nil || s == nil || s.Rotation == nil || !s.Rotation.Enabled || s.doomed() {
		return err
	}
	j, err := e.tables.rotation(tx, s)
	if err != nil {
		return err
	}
	deadline, open, err := s.openWindow(e.clock.Now().UTC())
	if err != nil {
		return err
	}
	switch {
	case !open:
		e.log.Warn("a rotation window passed while no server was running", "secret", s.arn(), "end", s.Rotation.Next)
	case j.running():
		// A rotation that a caller asked for, or of the last window, goes on.
	default:
		token := s.unfinished()
		if token == "" {
			token = eventlog.NewID()
		}
		if err := e.start(tx, s, token, false, deadline); err != nil {
			return err
		}
	}
	if err := e.plan(tx, s); err != nil {
		return err
	}
	return e.save(ctx, tx, s)
}

// save writes a secret in a transaction of the engine's own.
func (e *rotationEngine) save(ctx context.Context, tx store.Txn, s *secretRecord) error {
	if len(s.Replicas) > 0 && e.AsService != nil {
		ctx = e.asService(ctx, s.Account, s.Region, s.id())
		call.From(ctx).SetTxn(tx)
	}
	return e.write(ctx, tx, s)
}

// unfinished is the AWSPENDING version of a rotation that has not been completed, or "".
func (s *secretRecord) unfinished() string {
	if pending := s.Stages[stagePending]; pending != s.Stages[stageCurrent] {
		return pending
	}
	return ""
}

// begin implements rotations.
func (e *rotationEngine) begin(_ context.Context, tx store.Txn, s *secretRecord, token string, test bool) error {
	return e.start(tx, s, token, test, time.Time{})
}

// start opens a rotation: the empty version, its label, the journal and the job.
func (e *rotationEngine) start(tx store.Txn, s *secretRecord, token string, test bool, deadline time.Time) error {
	now := e.clock.Now().UTC()
	_, err := e.tables.version(tx, s, token)
	if isNotFound(err) {
		s.Versions++
		err = e.tables.versions.Insert(tx, &versionRecord{Account: s.Account, Region: s.Region, Secret: s.id(), ID: token, Created: now})
	}
	if err != nil {
		return err
	}
	if s.Stages == nil {
		s.Stages = make(map[string]string)
	}
	s.Stages[stagePending] = token
	j := &journalRecord{
		Account: s.Account, Region: s.Region, Secret: s.id(), Name: s.Name, Token: token, Test: test, Started: now,
		Step: stepCreate, Current: s.Stages[stageCurrent], Deadline: deadline,
	}
	if err := e.tables.journals.Put(tx, j); err != nil {
		return err
	}
	if err := e.queue.Schedule(tx, due.Job{Kind: jobRotation, ID: j.id(), At: now}); err != nil {
		return err
	}
	return e.rotationEvent(tx, j, j.event(eventRotationStarted, eventTestStarted), "", "")
}

// cancelled implements rotations. The AWSPENDING version stays, as AWS documents for
// CancelRotateSecret: the database may have its value already.
func (e *rotationEngine) cancelled(_ context.Context, tx store.Txn, s *secretRecord) error {
	if s.Rotation != nil {
		s.Rotation.Next = time.Time{}
	}
	if _, err := e.jobs.Cancel(tx, jobWindow, s.jobID()); err != nil {
		return err
	}
	j, err := e.tables.rotation(tx, s)
	if err != nil || j == nil {
		return err
	}
	if j.running() {
		if err := e.rotationEvent(tx, j, j.event(eventRotationAbandoned, eventTestFailed), "", "The rotation was cancelled."); err != nil {
			return err
		}
		if j.Test {
			if err := e.dropPending(tx, s, j); err != nil {
				return err
			}
		}
	}
	return e.end(tx, j)
}

// abandon ends a rotation in favour of another value: its label goes.
func (e *rotationEngine) abandon(tx store.Txn, s *secretRecord, j *journalRecord, why string) error {
	if err := e.dropPending(tx, s, j); err != nil {
		return err
	}
	if err := e.rotationEvent(tx, j, j.event(eventRotationAbandoned, eventTestFailed), "", why); err != nil {
		return err
	}
	return e.end(tx, j)
}

// dropPending takes AWSPENDING off the version of a rotation. A version that nobody ever
// filled, or that was made for a test, goes with it.
func (e *rotationEngine) dropPending(tx store.Txn, s *secretRecord, j *journalRecord) error {
	if s.Stages[stagePending] == j.Token {
		delete(s.Stages, stagePending)
	}
	v, err := e.tables.version(tx, s, j.Token)
	if isNotFound(err) || err == nil && (len(s.labels(j.Token)) > 0 || v.Form != noValue && !j.Test) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Versions--
	return e.tables.deleteVersion(tx, s.scope(), s.id(), j.Token)
}

// end forgets a rotation and its job.
func (e *rotationEngine) end(tx store.Txn, j *journalRecord) error {
	if err := absent(e.tables.journals.Delete(tx, j.at().scope(), parts(j.Secret)...)); err != nil {
		return err
	}
	_, err := e.queue.Cancel(tx, jobRotation, j.id())
	return err
}

// reattempt has the unfinished rotation of a secret tried again, after the answer to the
// caller who asked for another one: that call fails, so its own transaction changes
// nothing.
func (e *rotationEngine) reattempt(name secretName) {
	select {
	case e.again <- name:
	default: // so many are asked for already that one of them, or the schedule, will do
	}
}

// restart begins an unfinished rotation anew, with its version, unless it is running.
func (e *rotationEngine) restart(ctx context.Context, name secretName) error {
	_, err := e.store.Update(ctx, func(tx store.Txn) error {
		s, err := e.tables.secret(tx, name)
		if isNotFound(err) {
			return nil
		}
		if err != nil || s.doomed() || s.Rotation == nil || !s.Rotation.Enabled || s.unfinished() == "" {
			return err
		}
		j, err := e.tables.rotation(tx, s)
		if err != nil || j.running() {
			return err
		}
		if err := e.start(tx, s, s.unfinished(), false, time.Time{}); err != nil {
			return err
		}
		return e.save(ctx, tx, s)
	})
	return err
}

// errSuperseded: the journal is not what the attempt believed.
var errSuperseded = errors.New("secretsmanager: the rotation has ended or changed")
