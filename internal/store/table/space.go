package table

import (
	"context"
	"fmt"

	"fastness/internal/store"
)

// Reserve takes a name for values that are no records of a table, such as the batches
// of a log: no table can have it, and fsck knows the keys. check, if set, looks at one
// value; its error is what fsck reports.
func (r *Registry) Reserve(service, kind string, check func(value []byte) error) error {
	name := service + "/" + kind
	if !validName(service) || !validName(kind) {
		return fmt.Errorf("%w: %s: service and kind are lower-case letters, digits and hyphens", ErrDefinition, name)
	}
	if r.kinds[name] {
		return fmt.Errorf("%w: %s is defined twice", ErrDefinition, name)
	}
	r.kinds[name] = true
	if check == nil {
		return nil
	}
	r.checks[name] = func() store.Check {
		return store.Check{Name: "values " + name, Run: func(ctx context.Context, rd store.Reader, report func([]byte, string)) error {
			for sc, err := range Scopes(rd) {
				if err != nil {
					return err
				}
				prefix := Key(String(sc.Account), String(sc.Region), String(service), String(kind))
				for it, err := range rd.Scan(store.Prefix(prefix)) {
					if err != nil {
						return err
					}
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := check(it.Value); err != nil {
						report(it.Key, err.Error())
					}
				}
			}
			return nil
		}}
	}
	return nil
}
