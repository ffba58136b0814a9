package policy

import (
	"errors"
	"testing"
)

func TestPrincipalsAreStoredByIDAndShownByName(t *testing.T) {
	const doc = `{"Version":"2012-10-17",  "Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/R", "111122223333","arn:aws:iam::111122223333:root"],
 "Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}]}`
	const stored = `{"Version":"2012-10-17",  "Statement":[{"Effect":"Allow","Principal":{"AWS":["AROAROLE00000000001", "111122223333","arn:aws:iam::111122223333:root"],
 "Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"AIDAALICE0000000001"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}]}`
	ids := map[string]string{"arn:aws:iam::111122223333:role/R": "AROAROLE00000000001", "arn:aws:iam::111122223333:user/alice": "AIDAALICE0000000001"}
	got, err := StorePrincipals(RoleTrust, []byte(doc), func(arn string) (string, bool) { id, ok := ids[arn]; return id, ok })
	if err != nil || string(got) != stored {
		t.Fatalf("stored %s, %v", got, err)
	}
	back, err := ShowPrincipals(RoleTrust, got, func(id string) (string, bool) {
		for arn, known := range ids {
			if known == id {
				return arn, true
			}
		}
		return "", false
	})
	if err != nil || string(back) != doc {
		t.Fatalf("shown %s, %v", back, err)
	}

	// After deletion the id stays visible.
	gone, err := ShowPrincipals(RoleTrust, got, func(string) (string, bool) { return "", false })
	if err != nil || string(gone) != stored {
		t.Fatalf("shown after deletion %s, %v", gone, err)
	}
}

func TestUnknownPrincipalIsRefused(t *testing.T) {
	_, err := StorePrincipals(KMSKey, []byte("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\n\"arn:aws:iam::111122223333:user/nobody\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}}"),
		func(string) (string, bool) { return "", false })
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Fault != FaultPrincipal || refusal.Pos != (Position{2, 1}) ||
		refusal.Message != `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/nobody"` {
		t.Errorf("%+v", err)
	}
}

// TestRecreatedRoleDoesNotInherit is what the ids are for.
func TestRecreatedRoleDoesNotInherit(t *testing.T) {
	ps := &Policies{ResourceMode: ResourceDelegating, Resource: []*Policy{must(t, KMSKey,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"AROAROLE00000000001"},"Action":"kms:*","Resource":"*"}}`)}}
	again := *session
	again.RoleID, again.UserID = "AROAROLE00000000002", "AROAROLE00000000002:s"
	for who, want := range map[*Principal]bool{session: true, &again: false} {
		if r := Evaluate(&Request{Principal: who, Action: "kms:Decrypt", Resource: theKey}, ps, nil); r.Allowed() != want {
			t.Errorf("role %s: allowed %v, want %v", who.RoleID, r.Allowed(), want)
		}
	}
}
