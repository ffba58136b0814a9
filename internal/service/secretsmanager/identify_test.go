package secretsmanager

import (
	"strings"
	"testing"

	"fastness/internal/call"
)

// FuzzCandidates: whatever an identifier says, there are few readings of it, all in the
// caller's Region, and the ARN of a secret is first of all that secret.
func FuzzCandidates(f *testing.F) {
	for _, s := range []string{"a", "a-AbCdEf", "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf", "arn:aws:secretsmanager:us-east-1:111122223333:secret:", "arn:aws:kms:us-east-1:111122223333:key/1", "arn::::", ""} {
		f.Add(s)
	}
	c := &call.Call{Account: testAccount, Region: testRegion}
	f.Fuzz(func(t *testing.T, id string) {
		var a call.Access
		list, err := candidates(nil, c, id, &a)
		if err != nil {
			return
		}
		if len(list) > 2 || a.Resource == "" && strings.HasPrefix(id, "arn:") {
			t.Fatalf("%q: %v for %q", id, list, a.Resource)
		}
		for _, n := range list {
			if n.region != testRegion || n.account == "" || n.name == "" && id != "" {
				t.Fatalf("%q: %+v", id, n)
			}
		}
		if checkName(id) != nil {
			return
		}
		rec := secretRecord{Account: otherAccount, Region: testRegion, Name: id, Suffix: "AbCdEf"}
		list, err = candidates(nil, c, rec.arn(), &a)
		if err != nil || list[0].secretName != rec.name() || list[0].suffix != rec.Suffix || a.Account != otherAccount {
			t.Fatalf("%s: %+v, %v", rec.arn(), list, err)
		}
	})
}
