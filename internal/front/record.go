package front

import (
	"context"

	"fastness/internal/call"
	"fastness/internal/wire"
)

// record writes the record of a call that has ended, and returns when it is durable,
// together with those of the calls that share its settlement. A call that shares another
// one's leaves the wait to that one, so that one sync is enough for both.
func (d *Door) record(c *call.Call, out any, err wire.APIError) error {
	shared := c.Parent != nil && c.Settlement != nil && c.Settlement == c.Parent.Settlement
	if c.Operation.DataEvent {
		// It has no record; those of the calls it made have.
		if shared || c.Settlement == nil {
			return nil
		}
		return c.Settlement.Wait(context.Background())
	}
	p, failed := d.audit.Begin(c, out, err)
	switch {
	case failed != nil:
		return failed
	case shared:
		c.Settlement.Add(p)
		return nil
	}
	// The callers may be gone; what they did is recorded all the same.
	if err := p.Wait(context.Background()); err != nil || c.Settlement == nil {
		return err
	}
	return c.Settlement.Wait(context.Background())
}

// settlementOf is the settlement of a call that parent's service makes: parent's, if
// nothing of the answer can leave the process or stay in the store before parent is
// answered. So not below a call that changes something, nor below work that a service
// does on its own account (AsService): nobody settles that.
func settlementOf(parent *call.Call) *call.Settlement {
	changes := parent.Operation != nil && !parent.Operation.ReadOnly
	if changes || parent.Settlement == nil {
		return new(call.Settlement)
	}
	return parent.Settlement
}
