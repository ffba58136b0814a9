package xksproxy

import (
	"testing"

	"fastness/internal/engine/xks"
)

func TestRules(t *testing.T) {
	const alice, key = "arn:aws:iam::111122223333:user/alice", "arn:aws:kms:us-east-1:111122223333:key/k"
	call := func(op string, change func(*xks.RequestMetadata)) xks.Call {
		m := xks.RequestMetadata{AWSPrincipalARN: alice, KMSKeyARN: key, KMSOperation: "Encrypt"}
		if change != nil {
			change(&m)
		}
		return xks.Call{Op: op, Metadata: m}
	}
	encrypt := call(xks.OpEncrypt, nil)
	via := call(xks.OpEncrypt, func(m *xks.RequestMetadata) { m.KMSViaService = "ebs" })
	bare := call(xks.OpGetKeyMetadata, func(m *xks.RequestMetadata) { m.KMSKeyARN = "" })
	for name, c := range map[string]struct {
		rules Rules
		call  xks.Call
		want  bool
	}{
		"no rules":                          {Rules{}, encrypt, true},
		"the principal":                     {Rules{Principals: []string{"x", alice}}, encrypt, true},
		"another principal":                 {Rules{Principals: []string{alice + "2"}}, encrypt, false},
		"the beginning of a principal":      {Rules{Principals: []string{alice[:20]}}, encrypt, false},
		"a pattern of principals":           {Rules{Principals: []string{"arn:aws:iam::111122223333:*"}}, encrypt, true},
		"a pattern of another account":      {Rules{Principals: []string{"arn:aws:iam::444455556666:*"}}, encrypt, false},
		"an asterisk inside is a letter":    {Rules{Principals: []string{"arn:*:alice"}}, encrypt, false},
		"the operation":                     {Rules{Operations: []string{"Encrypt"}}, encrypt, true},
		"another operation":                 {Rules{Operations: []string{"Decrypt"}}, encrypt, false},
		"the key":                           {Rules{KMSKeys: []string{key}}, encrypt, true},
		"another key":                       {Rules{KMSKeys: []string{key + "2"}}, encrypt, false},
		"metadata is asked without a key":   {Rules{KMSKeys: []string{key}}, bare, true},
		"a service":                         {Rules{ViaServices: []string{"ebs"}}, via, true},
		"none where one is demanded":        {Rules{ViaServices: []string{"ebs"}}, encrypt, false},
		"any service where one is demanded": {Rules{ViaServices: []string{"*"}}, encrypt, true},
		"all must hold":                     {Rules{Principals: []string{alice}, Operations: []string{"Decrypt"}}, encrypt, false},
	} {
		if err := c.rules.allow(&c.call); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
