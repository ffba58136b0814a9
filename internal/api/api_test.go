package api_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/wire"
)

var apis = []*wire.API{cloudtrailapi.API, iamapi.API, kmsapi.API, secretsmanagerapi.API, ssmapi.API, stsapi.API}

var clients = map[string]any{
	"cloudtrail": (*cloudtrailapi.Client)(nil), "iam": (*iamapi.Client)(nil),
	"kms": (*kmsapi.Client)(nil), "sts": (*stsapi.Client)(nil),
	"secretsmanager": (*secretsmanagerapi.Client)(nil), "ssm": (*ssmapi.Client)(nil),
}

// The tables say what the Go structs are: offsets, sizes and types agree.
func TestDescriptorsDescribeTheStructs(t *testing.T) {
	for _, a := range apis {
		for i := range a.Operations {
			op := &a.Operations[i]
			method, ok := reflect.TypeOf(clients[a.Name]).MethodByName(op.Name)
			if !ok {
				t.Fatalf("%s: the client has no method %s", a.Name, op.Name)
			}
			in, out := method.Type.In(2), method.Type.Out(0)
			seen := map[reflect.Type]bool{}
			if op.Input() != nil {
				if have := reflect.TypeOf(op.NewInput()); have != in {
					t.Errorf("%s.%s: NewInput gives %s, the client takes %s", a.Name, op.Name, have, in)
				}
				compare(t, a.Name+"."+op.Name, op.Input(), in.Elem(), seen)
			}
			if op.Output() != nil {
				compare(t, a.Name+"."+op.Name, op.Output(), out.Elem(), seen)
			}
		}
	}
}

func compare(t *testing.T, at string, s *wire.Shape, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	element := func(m *wire.Member, e reflect.Type) {
		if s.Sparse {
			e = e.Elem()
		}
		compare(t, at+"[]", m.Shape(), e, seen)
	}
	kinds := map[wire.Kind]reflect.Kind{
		wire.Structure: reflect.Struct, wire.List: reflect.Slice, wire.Map: reflect.Map, wire.String: reflect.String,
		wire.Blob: reflect.Slice, wire.Boolean: reflect.Bool, wire.Integer: reflect.Int32, wire.Long: reflect.Int64,
		wire.Float: reflect.Float32, wire.Double: reflect.Float64, wire.Timestamp: reflect.Struct, wire.Document: reflect.Interface,
	}
	if typ.Kind() != kinds[s.Kind] {
		t.Errorf("%s: kind %d is a %s", at, s.Kind, typ)
		return
	}
	switch s.Kind {
	case wire.List:
		element(&s.Elem, typ.Elem())
	case wire.Map:
		element(&s.Elem, typ.Elem())
	case wire.Structure:
		if seen[typ] {
			return
		}
		seen[typ] = true
		if typ.Size() != s.Size || typ.NumField() != len(s.Members) {
			t.Errorf("%s: %s has %d bytes and %d fields, the shape %d and %d", at, typ, typ.Size(), typ.NumField(), s.Size, len(s.Members))
			return
		}
		for i := range s.Members {
			m, f := &s.Members[i], typ.Field(i)
			if m.Offset != f.Offset || !strings.EqualFold(m.Name, f.Name) {
				t.Errorf("%s: member %s at %d is field %s at %d", at, m.Name, m.Offset, f.Name, f.Offset)
			}
			ft := f.Type
			if m.Boxed() {
				ft = ft.Elem()
			}
			compare(t, at+"."+m.Name, m.Shape(), ft, seen)
		}
	}
}

func TestEveryOperationIsAuthorizable(t *testing.T) {
	for _, a := range apis {
		if !slices.IsSortedFunc(a.Operations, func(x, y wire.Operation) int { return strings.Compare(x.Name, y.Name) }) {
			t.Errorf("%s: operations are not sorted", a.Name)
		}
		for i := range a.Operations {
			op := &a.Operations[i]
			if len(op.Actions) == 0 {
				t.Errorf("%s.%s has no IAM action", a.Name, op.Name)
			}
			for _, act := range op.Actions {
				if !strings.Contains(act.Name, ":") || act.AccessLevel == "" {
					t.Errorf("%s.%s: action %+v", a.Name, op.Name, act)
				}
			}
		}
	}
}

func TestOperationFacts(t *testing.T) {
	if n := len(kmsapi.API.Operations); n != 54 {
		t.Errorf("KMS has %d operations, want 54", n)
	}
	re := kmsapi.API.Operation("ReEncrypt")
	if len(re.Actions) != 2 || re.Actions[0].Name != "kms:ReEncryptFrom" || re.Actions[1].Name != "kms:ReEncryptTo" {
		t.Errorf("actions of ReEncrypt: %+v", re.Actions)
	}
	for op, want := range map[string]bool{
		"Encrypt": true, "Decrypt": true, "GenerateDataKey": true, "Sign": true, "DescribeKey": true, "ListKeys": true,
		"CreateKey": false, "ScheduleKeyDeletion": false, "PutKeyPolicy": false, "CreateGrant": false, "TagResource": false,
	} {
		if got := kmsapi.API.Operation(op).ReadOnly; got != want {
			t.Errorf("%s: read-only %v", op, got)
		}
	}
	if op := stsapi.API.Operation("AssumeRoleWithWebIdentity"); !op.Unsigned || !op.ReadOnly {
		t.Errorf("AssumeRoleWithWebIdentity: unsigned %v, read-only %v", op.Unsigned, op.ReadOnly)
	}
	if op := stsapi.API.Operation("GetCallerIdentity"); op.Unsigned || op.ResultWrapper != "GetCallerIdentityResult" {
		t.Errorf("GetCallerIdentity: %+v", op)
	}
	if !iamapi.API.Global || kmsapi.API.Global {
		t.Error("iam is global, kms is not")
	}
	if got := cloudtrailapi.API.TargetPrefix; got != "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" {
		t.Errorf("target prefix of CloudTrail: %s", got)
	}
	plaintext := kmsapi.API.Operation("Encrypt").Input().Member("Plaintext")
	if !plaintext.IsSensitive() || !plaintext.Required {
		t.Errorf("Plaintext: %+v", plaintext)
	}
}

func TestSecretsFacts(t *testing.T) {
	for _, c := range []struct {
		api              *wire.API
		operations       int
		target, signing  string
		reading, writing []string
	}{
		{
			api: ssmapi.API, operations: 19, target: "AmazonSSM", signing: "ssm",
			reading: []string{"GetParameter", "GetParameters", "GetParametersByPath", "DescribeParameters", "GetParameterHistory", "ListTagsForResource", "GetServiceSetting", "GetResourcePolicies"},
			writing: []string{"PutParameter", "DeleteParameters", "LabelParameterVersion", "AddTagsToResource", "ResetServiceSetting", "PutResourcePolicy"},
		},
		{
			api: secretsmanagerapi.API, operations: 23, target: "secretsmanager", signing: "secretsmanager",
			reading: []string{"GetSecretValue", "BatchGetSecretValue", "DescribeSecret", "ListSecrets", "GetRandomPassword", "GetResourcePolicy"},
			writing: []string{"CreateSecret", "PutSecretValue", "RotateSecret", "TagResource", "PutResourcePolicy", "ReplicateSecretToRegions"},
		},
	} {
		if n := len(c.api.Operations); n != c.operations {
			t.Errorf("%s has %d operations, want %d", c.api.Name, n, c.operations)
		}
		if c.api.TargetPrefix != c.target || c.api.SigningName != c.signing || c.api.Global || !c.api.Speaks(wire.AWSJSON11) {
			t.Errorf("%s: target %q, signing name %q, global %v", c.api.Name, c.api.TargetPrefix, c.api.SigningName, c.api.Global)
		}
		for want, names := range map[bool][]string{true: c.reading, false: c.writing} {
			for _, name := range names {
				if op := c.api.Operation(name); op == nil || op.ReadOnly != want {
					t.Errorf("%s.%s: %+v, want read-only %v", c.api.Name, name, op, want)
				}
			}
		}
	}
	for _, m := range []*wire.Member{
		ssmapi.API.Operation("PutParameter").Input().Member("Value"),
		secretsmanagerapi.API.Operation("CreateSecret").Input().Member("SecretString"),
		secretsmanagerapi.API.Operation("CreateSecret").Input().Member("SecretBinary"),
		secretsmanagerapi.API.Operation("PutSecretValue").Input().Member("RotationToken"),
		secretsmanagerapi.API.Operation("GetRandomPassword").Output().Member("RandomPassword"),
	} {
		if m == nil || !m.IsSensitive() {
			t.Errorf("not sensitive: %+v", m)
		}
	}
	rotate := secretsmanagerapi.API.Operation("RotateSecret").Input()
	for _, name := range []string{"ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"} {
		if rotate.Member(name) == nil {
			t.Errorf("RotateSecret has no %s", name)
		}
	}
}

func TestErrorsAreAPIErrors(t *testing.T) {
	err := error(&iamapi.NoSuchEntityException{Message: new("The user with name x cannot be found.")})
	var e interface {
		wire.APIError
		ErrorShape() *wire.Shape
	}
	if !errors.As(err, &e) {
		t.Fatal("no APIError")
	}
	trait := e.ErrorShape().Error
	if e.ErrorCode() != "NoSuchEntityException" || trait.Code != "NoSuchEntity" || trait.Status != 404 || !trait.Sender {
		t.Errorf("code %s, trait %+v", e.ErrorCode(), trait)
	}
	if got, want := err.Error(), "NoSuchEntityException: The user with name x cannot be found."; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got := (&kmsapi.NotFoundException{}).ErrorShape().Error; got.Code != "NotFoundException" {
		t.Errorf("KMS: %+v", got)
	}
	m := e.ErrorShape().Members[trait.Message]
	if got := *(**string)(m.Field(unsafe.Pointer(err.(*iamapi.NoSuchEntityException)))); *got != e.ErrorMessage() {
		t.Errorf("message member holds %q", *got)
	}
}

// keyStore implements two operations through an embedded nil Service.
type keyStore struct {
	kmsapi.Service
	out *kmsapi.DescribeKeyResponse
	err error
}

func (k keyStore) DescribeKey(_ context.Context, in *kmsapi.DescribeKeyRequest) (*kmsapi.DescribeKeyResponse, error) {
	return k.out, k.err
}

func (k keyStore) EnableKey(context.Context, *kmsapi.EnableKeyRequest) (*kmsapi.EnableKeyOutput, error) {
	return new(kmsapi.EnableKeyOutput), k.err
}

// loop is an Invoker that calls the service at once.
type loop struct{ svc any }

func (l loop) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return op.Invoke(ctx, l.svc, in)
}

func TestClientReachesService(t *testing.T) {
	want := &kmsapi.DescribeKeyResponse{KeyMetadata: &kmsapi.KeyMetadata{KeyId: new("k")}}
	c := kmsapi.NewClient(loop{keyStore{out: want}})
	got, err := c.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new("k")})
	if err != nil || got != want {
		t.Fatalf("DescribeKey = %v, %v", got, err)
	}
	if out, err := c.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: new("k")}); err != nil || out == nil {
		t.Fatalf("EnableKey = %v, %v", out, err)
	}
	fail := &kmsapi.DisabledException{Message: new("x")}
	c = kmsapi.NewClient(loop{keyStore{err: fail}})
	if _, err := c.EnableKey(t.Context(), new(kmsapi.EnableKeyRequest)); !errors.Is(err, fail) {
		t.Fatalf("EnableKey error %v", err)
	}
}

// Defects of ours become InternalFailure, not panics.
func TestInvokeWithWrongTypes(t *testing.T) {
	op := kmsapi.API.Operation("DescribeKey")
	for name, call := range map[string]func() (any, error){
		"service":    func() (any, error) { return op.Invoke(t.Context(), 1, new(kmsapi.DescribeKeyRequest)) },
		"input":      func() (any, error) { return op.Invoke(t.Context(), keyStore{}, new(kmsapi.EncryptRequest)) },
		"nil input":  func() (any, error) { return op.Invoke(t.Context(), keyStore{}, nil) },
		"nil output": func() (any, error) { return op.Invoke(t.Context(), keyStore{}, new(kmsapi.DescribeKeyRequest)) },
		"validate":   func() (any, error) { return nil, op.Validate(new(kmsapi.EncryptRequest)) },
	} {
		out, err := call()
		var ce *wire.CommonError
		if out != nil || !errors.As(err, &ce) || ce.Kind != wire.InternalFailure {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}
