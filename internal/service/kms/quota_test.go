package kms

import (
	"math"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/front"
)

var _ front.Quota = (*Quotas)(nil)

// quotaCall is a call as the door shows it to the quota.
func quotaCall(who *call.Principal, region, operation string, in any) *call.Call {
	c := &call.Call{Principal: who, Account: who.Account, Region: region, Input: in}
	for i := range kmsapi.API.Operations {
		if op := &kmsapi.API.Operations[i]; op.Name == operation {
			c.Operation = op
		}
	}
	return c
}

func TestRequestsAreThrottledByAccountRegionAndGroup(t *testing.T) {
	h := newHarness(t)
	q, err := h.service.NewQuotas(map[string]float64{QuotaSymmetric: 3, QuotaRSA: 1, "CreateKey": 0.5})
	if err != nil {
		t.Fatal(err)
	}
	me, other := root(testAccount), root(otherAccount)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	rsa := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeEncryptDecrypt)})
	for _, k := range []string{key, rsa} { // have them in memory
		if _, err := h.describe(k); err != nil {
			t.Fatal(err)
		}
	}
	encrypt := quotaCall(me, testRegion, "Encrypt", &kmsapi.EncryptRequest{KeyId: &key})
	rsaEncrypt := quotaCall(me, testRegion, "Encrypt", &kmsapi.EncryptRequest{KeyId: &rsa})
	decrypt := quotaCall(me, testRegion, "Decrypt", &kmsapi.DecryptRequest{CiphertextBlob: []byte("x")})
	create := quotaCall(me, testRegion, "CreateKey", &kmsapi.CreateKeyRequest{})
	const text = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
	for i, step := range []struct {
		wait time.Duration
		call *call.Call
		ok   bool
	}{
		{0, encrypt, true}, {0, decrypt, true}, {0, encrypt, true}, {0, encrypt, false}, {0, decrypt, false},
		{0, rsaEncrypt, true}, {0, rsaEncrypt, false},
		{0, quotaCall(other, testRegion, "Encrypt", encrypt.Input), true},
		{0, quotaCall(me, "eu-west-1", "Encrypt", encrypt.Input), true},
		{0, quotaCall(me, testRegion, "ListKeys", &kmsapi.ListKeysRequest{}), true},
		{0, quotaCall(&call.Principal{Kind: call.Service, Service: "kms.amazonaws.com"}, testRegion, "Encrypt", encrypt.Input), true},
		{333 * time.Millisecond, encrypt, false}, {time.Millisecond, encrypt, true}, {0, encrypt, false},
		{0, create, true}, {time.Second, create, false}, {time.Second, create, true},
		{time.Hour, encrypt, true}, {0, encrypt, true}, {0, encrypt, true}, {0, encrypt, false},
	} {
		h.clock.Advance(step.wait)
		err := q.Admit(step.call)
		if (err == nil) != step.ok {
			t.Errorf("step %d, %s: %v", i, step.call.Operation.Name, err)
		}
		if err != nil {
			wantError(t, step.call.Operation.Name, err, "ThrottlingException", text)
		}
	}
}

func TestQuotaRatesAreChecked(t *testing.T) {
	h := newHarness(t)
	for _, rates := range []map[string]float64{{"Nothing": 1}, {"CreateKey": 0}, {"CreateKey": -1}, {"CreateKey": math.NaN()}, {"CreateKey": math.Inf(1)}} {
		if _, err := h.service.NewQuotas(rates); err == nil {
			t.Errorf("%v is accepted", rates)
		}
	}
	if _, err := h.service.NewQuotas(AWSRequestQuotas()); err != nil {
		t.Error(err)
	}
}

func TestEveryOperationHasAnAWSQuota(t *testing.T) {
	h := newHarness(t)
	rates := AWSRequestQuotas()
	for _, op := range kmsapi.API.Operations {
		c := quotaCall(root(testAccount), testRegion, op.Name, op.NewInput())
		switch in := c.Input.(type) {
		case *kmsapi.GenerateDataKeyPairRequest:
			in.KeyPairSpec = new(kmsapi.DataKeyPairSpecRSA2048)
		case *kmsapi.GenerateDataKeyPairWithoutPlaintextRequest:
			in.KeyPairSpec = new(kmsapi.DataKeyPairSpecSM2)
		}
		if group := h.service.quotaGroup(c); rates[group] == 0 {
			t.Errorf("%s: no rate for %s", op.Name, group)
		}
	}
	for _, spec := range kmsapi.DataKeyPairSpec("").Values() {
		if rates[pairQuota+string(spec)] == 0 {
			t.Errorf("no rate for pairs of %s", spec)
		}
	}
}

func TestBucketsAreBounded(t *testing.T) {
	h := newHarness(t)
	q, err := h.service.NewQuotas(map[string]float64{"ListKeys": 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxBuckets {
		q.take(bucketName{itoa(i), testRegion, "ListKeys"}, 1, 1)
	}
	h.clock.Advance(time.Second)
	q.take(bucketName{"new", testRegion, "ListKeys"}, 1, 1)
	if len(q.buckets) != 1 {
		t.Errorf("%d buckets", len(q.buckets))
	}
}
