package jsonbody

import "encoding/json"

// document reads any value in the form that encoding/json gives it, with json.Number
// for numbers.
func (d *decoder) document() (any, error) {
	switch c := d.peek(); c {
	case '"':
		t, err := d.text()
		return string(t), err
	case 't':
		return true, d.literal("true")
	case 'f':
		return false, d.literal("false")
	case 'n':
		return nil, d.literal("null")
	case '{':
		return d.documentObject()
	case '[':
		return d.documentArray()
	default:
		num, _, err := d.number()
		return json.Number(num), err
	}
}

func (d *decoder) documentObject() (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	d.i++
	out := make(map[string]any)
	for first := true; ; first = false {
		ok, err := d.more(first, '}')
		if err != nil {
			return nil, err
		}
		if !ok {
			d.depth--
			return out, nil
		}
		k, err := d.key()
		if err != nil {
			return nil, err
		}
		name := string(k)
		if err := d.charge(64); err != nil {
			return nil, err
		}
		if out[name], err = d.document(); err != nil {
			return nil, err
		}
	}
}

func (d *decoder) documentArray() (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	d.i++
	out := []any{}
	for first := true; ; first = false {
		ok, err := d.more(first, ']')
		if err != nil {
			return nil, err
		}
		if !ok {
			d.depth--
			return out, nil
		}
		if err := d.charge(32); err != nil {
			return nil, err
		}
		v, err := d.document()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}
