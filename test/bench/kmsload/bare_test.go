package main

import "testing"

func TestTheBareServerSignsInThePlaceOfTheSignature(t *testing.T) {
	a, err := learn(func() ([]byte, error) { return nil, nil }, []byte(`{"KeyId":"k","Signature":"c2ln","SigningAlgorithm":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	if before, behind := string(a.before), string(a.behind); before != `{"KeyId":"k","Signature":"` || behind != `","SigningAlgorithm":"a"}` {
		t.Errorf("%s and %s", before, behind)
	}
	for _, wrong := range []string{`{`, `{"KeyId":"k"}`} {
		if _, err := learn(func() ([]byte, error) { return nil, nil }, []byte(wrong)); err == nil {
			t.Errorf("%s: accepted", wrong)
		}
	}
}
