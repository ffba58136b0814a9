package iam

import (
	"io/fs"
	"strings"
	"testing"

	"fastness/internal/policy"
)

// Every embedded policy is one that AWS would accept as an identity policy, and every
// file of a document is named by the index.
func TestAWSManagedPoliciesCompile(t *testing.T) {
	policies, err := awsPolicies()
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(awsPolicyFiles, "awspolicies/*.json")
	if err != nil || len(files) != len(policies)+1 {
		t.Errorf("%d files for %d policies, %v", len(files), len(policies), err)
	}
	ids := make(map[string]string)
	for arn, m := range policies {
		if _, err := m.inForce().policy(policy.IdentityManaged, arn); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if other := ids[m.ID]; other != "" {
			t.Errorf("%s and %s have the same id", arn, other)
		}
		ids[m.ID] = arn
		if !strings.HasPrefix(m.ID, policyPrefix) || len(m.ID) != 21 || m.Updated.Before(m.Created) {
			t.Errorf("%s: id %s, created %v, updated %v", arn, m.ID, m.Created, m.Updated)
		}
	}
	// Ids as AWS answers them, known from elsewhere.
	for arn, id := range map[string]string{
		"arn:aws:iam::aws:policy/AdministratorAccess":                      "ANPAIWMBCKSKIEE64ZLYK",
		"arn:aws:iam::aws:policy/PowerUserAccess":                          "ANPAJYRXTHIB4FOVS3ZXS",
		"arn:aws:iam::aws:policy/SecurityAudit":                            "ANPAIX2T3QCXHR2OGGCTO",
		"arn:aws:iam::aws:policy/IAMUserChangePassword":                    "ANPAJ4L4MM2A7QIEB56MS",
		"arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser":         "ANPAJNPP7PPPPMJRV2SA4",
		"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess":              "ANPAID22R6XPJATWOFDK6",
		"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": "ANPAJNCQGXC42545SKXIK",
	} {
		if ids[id] != arn {
			t.Errorf("%s is not %s", id, arn)
		}
	}
}

// BenchmarkAWSPolicies is part of every start.
func BenchmarkAWSPolicies(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := awsPolicies(); err != nil {
			b.Fatal(err)
		}
	}
}
