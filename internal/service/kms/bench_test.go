package kms

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// roomCall makes a call as the door does, without the door: authorized, no audit.
func (h *harness) roomCall(b *testing.B, who *call.Principal, operation string, in any) (context.Context, *call.Call) {
	b.Helper()
	c := quotaCall(who, testRegion, operation, in)
	c.Time = h.clock.Now()
	return call.With(b.Context(), c), c
}

func benchmarkRoom(b *testing.B, operation string, request func(key string) any, call func(ctx context.Context, s *Service, in any) error) {
	h := newHarness(b)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	in := request(key)
	ctx, c := h.roomCall(b, root(testAccount), operation, in)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.service.Resolve(ctx, c); err != nil {
			b.Fatal(err)
		}
		if err := call(ctx, h.service, in); err != nil {
			b.Fatal(err)
		}
	}
}

func encrypt32(key string) any {
	return &kmsapi.EncryptRequest{KeyId: &key, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"purpose": "test"}}
}

func BenchmarkEncryptInTheRoom(b *testing.B) {
	benchmarkRoom(b, "Encrypt", encrypt32, func(ctx context.Context, s *Service, in any) error {
		return errorOf(s.Encrypt(ctx, in.(*kmsapi.EncryptRequest)))
	})
}

func BenchmarkGenerateDataKeyInTheRoom(b *testing.B) {
	benchmarkRoom(b, "GenerateDataKey", func(key string) any {
		return &kmsapi.GenerateDataKeyRequest{KeyId: &key, KeySpec: new(kmsapi.DataKeySpecAES256)}
	}, func(ctx context.Context, s *Service, in any) error {
		return errorOf(s.GenerateDataKey(ctx, in.(*kmsapi.GenerateDataKeyRequest)))
	})
}

// What the first use of a key costs, after it was idle: its slot is read, its material
// unwrapped and parsed.
func BenchmarkOpenMaterial(b *testing.B) {
	for _, spec := range []kmsapi.KeySpec{kmsapi.KeySpecSymmetricDefault, kmsapi.KeySpecHMAC256, kmsapi.KeySpecRSA2048, kmsapi.KeySpecECCNISTP256, kmsapi.KeySpecMLDSA65} {
		b.Run(string(spec), func(b *testing.B) {
			h := newHarness(b)
			usage := kmsapi.KeyUsageTypeSignVerify
			switch spec {
			case kmsapi.KeySpecSymmetricDefault:
				usage = kmsapi.KeyUsageTypeEncryptDecrypt
			case kmsapi.KeySpecHMAC256:
				usage = kmsapi.KeyUsageTypeGenerateVerifyMAC
			}
			id := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: &spec, KeyUsage: &usage})
			k := got(h.service.directory.key(b.Context(), nameOf(id)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.service.ready(b.Context(), k, k.current); err != nil {
					b.Fatal(err)
				}
				h.service.locked.closeIdle(true)
				h.service.parsed.closeIdle(true)
			}
		})
	}
}

// A signature or MAC that does not verify, or cannot be one, costs what a valid one does.
func BenchmarkVerify(b *testing.B) {
	h := newHarness(b)
	c := h.in(testRegion)
	signing := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	macs := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	message := make([]byte, 32)
	algorithm, mac := new(kmsapi.SigningAlgorithmSpecECDSASHA256), new(kmsapi.MacAlgorithmSpecHMACSHA256)
	signature := got(c.Sign(b.Context(), &kmsapi.SignRequest{KeyId: &signing, Message: message, SigningAlgorithm: algorithm})).Signature
	tag := got(c.GenerateMac(b.Context(), &kmsapi.GenerateMacRequest{KeyId: &macs, Message: message, MacAlgorithm: mac})).Mac
	changed := slices.Clone(signature)
	changed[len(changed)-1] ^= 1
	for name, s := range map[string][]byte{"valid": signature, "changed": changed, "garbage": []byte("garbage")} {
		b.Run("P-256/"+name, func(b *testing.B) {
			for b.Loop() {
				_ = errorOf(c.Verify(b.Context(), &kmsapi.VerifyRequest{KeyId: &signing, Message: message, Signature: s, SigningAlgorithm: algorithm}))
			}
		})
	}
	for name, m := range map[string][]byte{"valid": tag, "changed": make([]byte, len(tag)), "garbage": []byte("garbage")} {
		b.Run("HMAC/"+name, func(b *testing.B) {
			for b.Loop() {
				_ = errorOf(c.VerifyMac(b.Context(), &kmsapi.VerifyMacRequest{KeyId: &macs, Message: message, Mac: m, MacAlgorithm: mac}))
			}
		})
	}
}

// What a tag costs through the door: a transaction, an audit record, a new snapshot.
func BenchmarkTagResource(b *testing.B) {
	h := newHarness(b)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.in(testRegion)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := c.TagResource(b.Context(), &kmsapi.TagResourceRequest{KeyId: &key, Tags: []kmsapi.Tag{{TagKey: new("a"), TagValue: new(itoa(i))}}}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkDoor goes through the door: policies, audit and all, but not HTTP.
func benchmarkDoor(b *testing.B, h *harness, who *call.Principal, operation string, in any) {
	var op *wire.Operation
	for i := range kmsapi.API.Operations {
		if kmsapi.API.Operations[i].Name == operation {
			op = &kmsapi.API.Operations[i]
		}
	}
	ctx := call.With(b.Context(), &call.Call{
		Principal: who, Account: who.Account, Region: testRegion, Time: h.clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.door.Invoke(ctx, op, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkEncryptThroughTheDoor(b *testing.B) {
	h := newHarness(b)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	benchmarkDoor(b, h, root(testAccount), "Encrypt", encrypt32(key))
}

// A user who may use the key by one grant, on a key with few and with very many.
func BenchmarkEncryptByGrant(b *testing.B) {
	for _, n := range []int{1, 50_000} {
		b.Run(itoa(n), func(b *testing.B) {
			h := newHarness(b)
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			h.manyGrants(nameOf(key), n)
			h.service.directory.changed(nameOf(key))
			in := encrypt32(key)
			who := user(testAccount, "user0")
			ctx, c := h.roomCall(b, who, "Encrypt", in)
			b.ReportAllocs()
			for b.Loop() {
				accesses, err := h.service.Resolve(ctx, c)
				if err != nil {
					b.Fatal(err)
				}
				if _, ok := accesses[0].Extra.Allow(); !ok {
					b.Fatal("not granted")
				}
			}
		})
	}
}

// What a new grant costs the next call: the snapshot of the key stays.
func BenchmarkCallAfterANewGrant(b *testing.B) {
	for _, n := range []int{1, 50_000} {
		b.Run(itoa(n), func(b *testing.B) {
			h := newHarness(b)
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			h.manyGrants(nameOf(key), n)
			h.service.directory.changed(nameOf(key))
			who := user(testAccount, "user0")
			ctx, c := h.roomCall(b, who, "Encrypt", encrypt32(key))
			b.ReportAllocs()
			for b.Loop() {
				h.service.directory.grantChanged(nameOf(key), who.ARN)
				if _, err := h.service.Resolve(ctx, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A new grant on a key that has few and very many, through the door.
func BenchmarkCreateGrant(b *testing.B) {
	for _, n := range []int{1, 40_000} {
		b.Run(itoa(n), func(b *testing.B) {
			h := newHarness(b)
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			h.manyGrants(nameOf(key), n)
			h.service.directory.changed(nameOf(key))
			c := h.as(root(testAccount), testRegion).kms()
			alice := user(testAccount, "alice").ARN
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%5000 == 0 { // stay below the quota
					h.service.directory.counts[nameOf(key)] = n
				}
				if _, err := c.CreateGrant(b.Context(), &kmsapi.CreateGrantRequest{
					KeyId: &key, GranteePrincipal: &alice, RetiringPrincipal: &alice, Name: new("grant" + itoa(i)), Operations: grantEncrypt,
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
