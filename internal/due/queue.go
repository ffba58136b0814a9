package due

import (
	"errors"
	"fmt"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Job is one piece of timed work.
type Job struct {
	// Kind selects the handler.
	Kind string
	// ID is unique within the kind: scheduling an ID again replaces the job.
	ID string
	// At is the time the job is due (after a failure: the time of the next attempt).
	At time.Time
	// Payload is the handler's; see store.MaxValueBytes.
	Payload []byte
	// Attempt counts the failures so far. Schedule sets it to 0.
	Attempt int
	// LastError is the text of the last failure.
	LastError string
	// Parked says that the job failed too often and is no longer tried.
	Parked bool
}

const indexAt = "at"

// Queue is where jobs are put. It holds no data; every method works on the reader or
// transaction it is given.
type Queue struct {
	jobs *table.Table[Job]
	// lease is the name that the runners of this queue campaign for.
	lease string
}

// NewQueue defines the table of jobs in reg: the program's queue, for work that is done
// in a moment. See NewQueueFor.
func NewQueue(reg *table.Registry) (*Queue, error) { return newQueue(reg, "due", "due") }

// NewQueueFor defines a queue of a service's own, with its own runner and leader, for work
// that may take minutes and must not hold up the work of others.
func NewQueueFor(reg *table.Registry, service string) (*Queue, error) {
	return newQueue(reg, service, "due/"+service)
}

func newQueue(reg *table.Registry, service, lease string) (*Queue, error) {
	jobs, err := table.Register(reg, table.Def[Job]{
		Service: service, Kind: "job",
		Scope: func(*Job) table.Scope { return table.Scope{} },
		ID:    func(j *Job) []table.Part { return jobID(j.Kind, j.ID) },
		Indexes: []table.Index[Job]{{Name: indexAt, Keys: func(j *Job) [][]table.Part {
			if j.Parked {
				return nil
			}
			return [][]table.Part{{table.Time(j.At)}}
		}}},
	})
	if err != nil {
		return nil, fmt.Errorf("due: %w", err)
	}
	return &Queue{jobs: jobs, lease: lease}, nil
}

func jobID(kind, id string) []table.Part {
	return []table.Part{table.String(kind), table.String(id)}
}

// Schedule puts a job into the queue in tx. A job with the same kind and ID is
// replaced, also a parked one.
func (q *Queue) Schedule(tx store.Txn, j Job) error {
	if j.Kind == "" || j.At.IsZero() {
		return fmt.Errorf("due: job %q/%q needs a kind and a time", j.Kind, j.ID)
	}
	j.At = j.At.UTC()
	j.Attempt, j.LastError, j.Parked = 0, "", false
	if err := q.jobs.Put(tx, &j); err != nil {
		return fmt.Errorf("due: schedule %s/%s: %w", j.Kind, j.ID, err)
	}
	return nil
}

// Cancel takes a job out of the queue in tx and reports whether it was there. A job
// whose Run is under way may still finish that run.
func (q *Queue) Cancel(tx store.Txn, kind, id string) (bool, error) {
	err := q.jobs.Delete(tx, table.Scope{}, jobID(kind, id)...)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("due: cancel %s/%s: %w", kind, id, err)
	}
	return true, nil
}

// Get returns a job, or store.ErrNotFound.
func (q *Queue) Get(r store.Reader, kind, id string) (Job, error) {
	j, err := q.jobs.Get(r, table.Scope{}, jobID(kind, id)...)
	if err != nil {
		return Job{}, fmt.Errorf("due: %s/%s: %w", kind, id, err)
	}
	return *j, nil
}

// List returns up to limit jobs of a kind in the order of their IDs, parked ones too,
// after the given ID ("" for the first).
func (q *Queue) List(r store.Reader, kind, after string, limit int) ([]Job, error) {
	page := table.Page{Prefix: []table.Part{table.String(kind)}, Limit: limit}
	if after != "" {
		page.After = table.Key(jobID(kind, after)...)
	}
	var jobs []Job
	for row, err := range q.jobs.Scan(r, table.Scope{}, page) {
		if err != nil {
			return nil, fmt.Errorf("due: list %s: %w", kind, err)
		}
		jobs = append(jobs, *row.Record)
	}
	return jobs, nil
}
