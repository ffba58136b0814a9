package fronttest

import (
	"fastness/internal/due"
	"fastness/internal/store"
)

// Jobs are those of a kind that are waiting, due or not.
func (h *House) Jobs(kind string) (jobs []due.Job) {
	h.Helper()
	h.Must(h.Store.View(h.Context(), func(r store.Reader) (err error) {
		jobs, err = h.Queue.List(r, kind, "", 1000)
		return err
	}))
	return jobs
}

// RunJobs does the jobs that are due by the clock, and the ones they lead to, until none is
// due: what the runner does in the product, without a goroutine to wait for.
func (h *House) RunJobs(handlers map[string]due.Handler) {
	h.Helper()
	ctx := h.Context()
	for ran := true; ran; {
		ran = false
		for kind, handler := range handlers {
			for _, j := range h.Jobs(kind) {
				if j.At.After(h.Clock.Now()) {
					continue
				}
				ran = true
				if handler.Run != nil {
					if err := handler.Run(ctx, j); err != nil {
						h.Fatalf("job %s/%s: %v", kind, j.ID, err)
					}
				}
				if _, err := h.Store.Update(ctx, func(tx store.Txn) error {
					if _, err := h.Queue.Cancel(tx, kind, j.ID); err != nil || handler.Run != nil {
						return err
					}
					return handler.RunInTxn(ctx, tx, j)
				}); err != nil {
					h.Fatalf("job %s/%s: %v", kind, j.ID, err)
				}
			}
		}
	}
}
