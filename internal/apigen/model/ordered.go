package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
)

// Ordered is a JSON object whose members keep their order.
type Ordered[T any] struct {
	names  []string
	values map[string]T
}

// Len is the number of members.
func (o *Ordered[T]) Len() int { return len(o.names) }

// Get returns the member called name.
func (o *Ordered[T]) Get(name string) (T, bool) {
	v, ok := o.values[name]
	return v, ok
}

// Set adds a member at the end, or replaces it in place.
func (o *Ordered[T]) Set(name string, v T) {
	if o.values == nil {
		o.values = map[string]T{}
	}
	if _, ok := o.values[name]; !ok {
		o.names = append(o.names, name)
	}
	o.values[name] = v
}

// All yields the members in order.
func (o *Ordered[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, n := range o.names {
			if !yield(n, o.values[n]) {
				return
			}
		}
	}
}

// IsZero lets encoding/json leave out an empty object.
func (o Ordered[T]) IsZero() bool { return len(o.names) == 0 }

// UnmarshalJSON implements json.Unmarshaler. Duplicate and undeclared keys are errors.
func (o *Ordered[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("want an object, have %v", t)
	}
	*o = Ordered[T]{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name := t.(string) // the decoder yields nothing else in this place
		if _, dup := o.values[name]; dup {
			return fmt.Errorf("duplicate key %q", name)
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		o.Set(name, v)
	}
	_, err := d.Token()
	return err
}

// MarshalJSON implements json.Marshaler.
func (o Ordered[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, n := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(&b, n); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encode(&b, o.values[n]); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // Encode ends with a newline
	return nil
}
