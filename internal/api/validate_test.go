package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/wire"
)

// Texts in the form that AWS's services answer with. Where a comment names a report,
// the text was seen there, word for word but for the value.
func TestValidationTexts(t *testing.T) {
	long := strings.Repeat("x", 65)
	tests := []struct {
		name string
		op   *wire.Operation
		in   any
		want string // "" when valid
	}{
		{"absent", kmsapi.API.Operation("DescribeKey"), &kmsapi.DescribeKeyRequest{},
			"1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"empty", kmsapi.API.Operation("DescribeKey"), &kmsapi.DescribeKeyRequest{KeyId: new("")}, // stelligent/mu 382
			"1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"sensitive absent", kmsapi.API.Operation("Encrypt"), &kmsapi.EncryptRequest{KeyId: new("k")},
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must not be null"},
		{"sensitive blob too long", kmsapi.API.Operation("Encrypt"), &kmsapi.EncryptRequest{KeyId: new("k"), Plaintext: make([]byte, 4097)},
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{"two", kmsapi.API.Operation("Encrypt"), &kmsapi.EncryptRequest{},
			"2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value at 'plaintext' failed to satisfy constraint: Member must not be null"},
		{"blob", kmsapi.API.Operation("Decrypt"), &kmsapi.DecryptRequest{CiphertextBlob: make([]byte, 6145)},
			"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=6145 cap=6145]' at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144"},
		{"enum", kmsapi.API.Operation("GenerateDataKey"), &kmsapi.GenerateDataKeyRequest{KeyId: new("k"), KeySpec: new(kmsapi.DataKeySpec("AES_512"))},
			"1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]"},
		{"number too small", kmsapi.API.Operation("GenerateRandom"), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(0))},
			"1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"number too big", kmsapi.API.Operation("GenerateRandom"), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(1025))},
			"1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
		{"nested in a list", kmsapi.API.Operation("TagResource"), &kmsapi.TagResourceRequest{KeyId: new("k"), Tags: []kmsapi.Tag{{TagKey: new("a"), TagValue: new("")}, {TagKey: new("")}}},
			"2 validation errors detected: Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null"},
		{"element of a list", kmsapi.API.Operation("CreateGrant"), &kmsapi.CreateGrantRequest{KeyId: new("k"), GranteePrincipal: new("p"), Operations: []kmsapi.GrantOperation{"Decrypt"}, GrantTokens: []string{"a", ""}},
			"1 validation error detected: Value '[a, ]' at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]"},
		{"enum in a list", kmsapi.API.Operation("CreateGrant"), &kmsapi.CreateGrantRequest{KeyId: new("k"), GranteePrincipal: new("p"), Operations: []kmsapi.GrantOperation{"Decrypt", "Fly"}},
			"1 validation error detected: Value '[Decrypt, Fly]' at 'operations' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, Sign, Verify, GetPublicKey, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateMac, VerifyMac, DeriveSharedSecret]]"},
		{"pattern is of the whole value", stsapi.API.Operation("AssumeRole"), &stsapi.AssumeRoleRequest{RoleArn: new("arn:aws:iam::123456789012:role/x"), RoleSessionName: new("Session1:2")},
			`1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"session name too long", stsapi.API.Operation("AssumeRole"), &stsapi.AssumeRoleRequest{RoleArn: new("arn:aws:iam::123456789012:role/x"), RoleSessionName: &long}, // youyo/awslogin 20
			"1 validation error detected: Value '" + long + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"name too long", stsapi.API.Operation("GetFederationToken"), &stsapi.GetFederationTokenRequest{Name: new("x.someone@example.com-awsconsole1")}, // tenesys/awsconsole 2
			"1 validation error detected: Value 'x.someone@example.com-awsconsole1' at 'name' failed to satisfy constraint: Member must have length less than or equal to 32"},
		{"pattern before length", stsapi.API.Operation("GetFederationToken"), &stsapi.GetFederationTokenRequest{Name: new("!")},
			`2 validation errors detected: Value '!' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; Value '!' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2`},
		{"IAM hides values", iamapi.API.Operation("CreateUser"), &iamapi.CreateUserRequest{UserName: &long, Path: new("/")},
			"1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"IAM hides enums", iamapi.API.Operation("UpdateAccessKey"), &iamapi.UpdateAccessKeyRequest{AccessKeyId: new("AKIAIOSFODNN7EXAMPLE"), Status: new(iamapi.StatusType("On"))},
			"1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set"},
		{"characters, not bytes", kmsapi.API.Operation("UpdateKeyDescription"), &kmsapi.UpdateKeyDescriptionRequest{KeyId: new("k"), Description: new(strings.Repeat("\U0001F512", 8192))}, ""},
		{"too many characters", kmsapi.API.Operation("UpdateKeyDescription"), &kmsapi.UpdateKeyDescriptionRequest{KeyId: new("k"), Description: new(strings.Repeat("é", 8193))},
			"1 validation error detected: Value '" + strings.Repeat("é", 8193) + "' at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192"},
		{"valid", kmsapi.API.Operation("Encrypt"), &kmsapi.EncryptRequest{KeyId: new("k"), Plaintext: []byte{1}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.op.Validate(tt.in)
			got := ""
			if err != nil {
				if _, ok := errors.AsType[*wire.ValidationError](err); !ok {
					t.Fatalf("error of type %T: %v", err, err)
				}
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestValidationStopsCounting(t *testing.T) {
	in := &kmsapi.TagResourceRequest{KeyId: new("k"), Tags: make([]kmsapi.Tag, 1000)}
	err := kmsapi.API.Operation("TagResource").Validate(in)
	ve, ok := errors.AsType[*wire.ValidationError](err)
	if !ok || len(ve.Violations) != wire.MaxViolations {
		t.Fatalf("%v", err)
	}
}

// A violation repeats the value, but not without bound.
func TestValidationTextIsBounded(t *testing.T) {
	in := &kmsapi.CreateGrantRequest{KeyId: new("k"), GranteePrincipal: new("p"), Operations: []kmsapi.GrantOperation{"Decrypt"}}
	in.Name = new(strings.Repeat("é", 500_000))
	for range 11 {
		in.GrantTokens = append(in.GrantTokens, strings.Repeat("t", 100_000))
	}
	err := kmsapi.API.Operation("CreateGrant").Validate(in)
	if err == nil || len(err.Error()) > 200_000 {
		t.Fatalf("a text of %d bytes", len(fmt.Sprint(err)))
	}
}

var valid = []struct {
	api *wire.API
	op  string
	in  any
}{
	{kmsapi.API, "Encrypt", &kmsapi.EncryptRequest{
		KeyId: new("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"), Plaintext: make([]byte, 32),
		EncryptionContext: map[string]string{"purpose": "test"}, GrantTokens: []string{"token"},
	}},
	{kmsapi.API, "CreateKey", &kmsapi.CreateKeyRequest{
		KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify), Policy: new(strings.Repeat(`{"Version":"2012-10-17"}`, 100)),
		Tags: []kmsapi.Tag{{TagKey: new("a"), TagValue: new("b")}, {TagKey: new("c"), TagValue: new("")}},
	}},
	{kmsapi.API, "CreateGrant", &kmsapi.CreateGrantRequest{
		KeyId: new("k"), GranteePrincipal: new("arn:aws:iam::123456789012:role/x"),
		Operations:  []kmsapi.GrantOperation{kmsapi.GrantOperationDecrypt, kmsapi.GrantOperationGenerateDataKey},
		Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "b"}},
	}},
	{stsapi.API, "AssumeRole", &stsapi.AssumeRoleRequest{
		RoleArn: new("arn:aws:iam::123456789012:role/x"), RoleSessionName: new("me"), DurationSeconds: new(int32(900)),
		Tags: []stsapi.Tag{{Key: new("team"), Value: new("blue")}},
	}},
	{iamapi.API, "CreateUser", &iamapi.CreateUserRequest{UserName: new("alice"), Path: new("/staff/")}},
}

func TestValidInputsCostNoAllocation(t *testing.T) {
	for _, v := range valid {
		validate := v.api.Operation(v.op).Validate
		if err := validate(v.in); err != nil {
			t.Errorf("%s: %v", v.op, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = validate(v.in) }); n != 0 {
			t.Errorf("%s: %.0f allocations", v.op, n)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, v := range valid {
		validate := v.api.Operation(v.op).Validate
		b.Run(v.api.Name+"."+v.op, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := validate(v.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
