package kms

import (
	"testing"

	"fastness/internal/api/kmsapi"
)

// The layout, and the order of the members, are those of the outputs of GetKeyPolicy that
// printedPolicy names; the default key policy is the developer guide's.
func TestKeyPolicyIsShownInTheLayoutOfKMS(t *testing.T) {
	const (
		put = `{"Id":"key-consolepolicy-3","Version":"2012-10-17","Statement":[
			{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"kms:*","Resource":"*"},
			{"Sid":"a & b","Effect":"Allow","Action":["kms:CreateGrant","kms:ListGrants"],"Resource":"*",
			 "Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}},"Principal":{"AWS":["*"]}}]}`
		want = `{
  "Version" : "2012-10-17",
  "Id" : "key-consolepolicy-3",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::` + testAccount + `:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  }, {
    "Sid" : "a & b",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : [ "*" ]
    },
    "Action" : [ "kms:CreateGrant", "kms:ListGrants" ],
    "Resource" : "*",
    "Condition" : {
      "Bool" : {
        "kms:GrantIsForAWSResource" : "true"
      }
    }
  } ]
}`
	)
	h := newHarness(t)
	c := h.as(root(testAccount), testRegion).kms()
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	shown := func() string {
		t.Helper()
		out, err := c.GetKeyPolicy(t.Context(), &kmsapi.GetKeyPolicyRequest{KeyId: &key})
		return *must(t, out, err).Policy
	}
	if got := shown(); got != defaultPolicy(testAccount) {
		t.Errorf("the default key policy is shown as %s", got)
	}
	_, err := c.PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: new(put)})
	h.must(err)
	if got := shown(); got != want {
		t.Errorf("shown as %s", got)
	}
}

func TestPrintedPolicyKeepsWhatIsInADocument(t *testing.T) {
	const document = `{"Statement":[{"Condition":{},"Action":[],"Resource":"\"<é>\\n","Extra":[1.50,true,null,{"b":1,"a":[[]]}]}]}`
	const want = `{
  "Statement" : [ {
    "Action" : [ ],
    "Resource" : "\"<é>\\n",
    "Condition" : { },
    "Extra" : [ 1.50, true, null, {
      "b" : 1,
      "a" : [ [ ] ]
    } ]
  } ]
}`
	got, err := printedPolicy(document)
	if err != nil || got != want {
		t.Errorf("%v %s", err, got)
	}
}
