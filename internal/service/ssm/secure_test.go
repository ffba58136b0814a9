package ssm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"fastness/encryptionsdk"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/audit"
	"fastness/internal/store"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const canary = "canary-7f3a9c51d2"

func TestSecureStringIsACiphertextOfKMSBoundToTheParameter(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	h.put("/app/secret", canary, secure, under(key))
	if p := h.get("/app/secret"); *p.Value != canary || *p.Type != "SecureString" {
		t.Errorf("%+v", p)
	}
	blob := h.ciphertext("/app/secret")
	keys := h.kmsAs(root(testAccount))
	const arn = "arn:aws:ssm:us-east-1:111122223333:parameter/app/secret"
	out, err := keys.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob, EncryptionContext: map[string]string{"PARAMETER_ARN": arn}})
	if err != nil || string(out.Plaintext) != canary || !strings.HasSuffix(*out.KeyId, key) {
		t.Errorf("decrypted by KMS itself: %v, %v", out, err)
	}
	if _, err := keys.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob}); codeOf(err) != "InvalidCiphertextException" {
		t.Errorf("without the encryption context: %v", err)
	}
}

func TestAdvancedSecureStringIsAMessageOfTheEncryptionSDK(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	plaintext := strings.Repeat(canary, 8192/len(canary))
	h.put("secret", plaintext, secure, advanced, under(key))
	if p := h.get("secret"); *p.Value != plaintext {
		t.Error("another value")
	}
	header, err := encryptionsdk.ReadHeader(bytes.NewReader(h.ciphertext("secret")))
	if err != nil {
		t.Fatal(err)
	}
	if header.EncryptionContext["PARAMETER_ARN"] != "arn:aws:ssm:us-east-1:111122223333:parameter/secret" || len(header.EncryptedDataKeys) != 1 ||
		header.EncryptedDataKeys[0].ProviderID != "aws-kms" || !strings.HasSuffix(string(header.EncryptedDataKeys[0].ProviderInfo), key) {
		t.Errorf("header %+v", header)
	}
	// Versions of before a promotion stay readable.
	h.put("promoted", "before", secure, under(key))
	h.put("promoted", "after", secure, overwrite, advanced)
	if a, b := *h.get("promoted:1").Value, *h.get("promoted:2").Value; a != "before" || b != "after" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestDefaultKeyIsMadeForTheFirstSecureString(t *testing.T) {
	h := newHarness(t)
	h.put("one", canary, secure)
	h.put("two", canary, secure, advanced)
	if m := h.describe("one"); *m.KeyId != "alias/aws/ssm" {
		t.Errorf("key %s", *m.KeyId)
	}
	if *h.get("one").Value != canary || *h.get("two").Value != canary {
		t.Error("another value")
	}
	meta, err := h.kmsAs(root(testAccount)).DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new("alias/aws/ssm")})
	if err != nil || *meta.KeyMetadata.KeyManager != kmsapi.KeyManagerTypeAWS {
		t.Errorf("%+v, %v", meta, err)
	}
}

func TestADisabledKeyMakesReadsFailAtOnce(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	arn := "arn:aws:kms:us-east-1:111122223333:key/" + key
	h.put("standard", canary, secure, under(key))
	h.put("advanced", canary, secure, advanced, under(key))
	h.get("standard")
	h.get("advanced")
	keys := h.kmsAs(root(testAccount))
	if _, err := keys.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"standard", "advanced"} {
		if got := h.getError(name); got != "InvalidKeyId: "+arn+" is disabled."+fromKMS("DisabledException") {
			t.Errorf("%s: %s", name, got)
		}
		if _, err := h.admin().GetParameters(t.Context(), &ssmapi.GetParametersRequest{Names: []string{name}, WithDecryption: new(true)}); codeOf(err) != "InvalidKeyId" {
			t.Errorf("GetParameters: %v", err)
		}
		if _, err := h.admin().GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: new("/"), WithDecryption: new(true)}); codeOf(err) != "InvalidKeyId" {
			t.Errorf("GetParametersByPath: %v", err)
		}
		if _, err := h.admin().GetParameterHistory(t.Context(), &ssmapi.GetParameterHistoryRequest{Name: &name, WithDecryption: new(true)}); codeOf(err) != "InvalidKeyId" {
			t.Errorf("GetParameterHistory: %v", err)
		}
		h.ciphertext(name) // needs no key
		if _, err := h.tryPut(name, "x", secure, overwrite); codeOf(err) != "InvalidKeyId" {
			t.Errorf("PutParameter: %v", err)
		}
	}
	if _, err := keys.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	if p := h.get("standard"); *p.Version != 1 {
		t.Error("a refused change made a version")
	}
}

func TestReadersNeedTheKeyItself(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	h.put("secret", canary, secure, under(key))
	alice := user(testAccount, "alice")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ssm:*","Resource":"*"}}`)
	read := func(decrypt bool) error {
		_, err := h.as(alice).GetParameter(t.Context(), &ssmapi.GetParameterRequest{Name: new("secret"), WithDecryption: &decrypt})
		return err
	}
	if err := read(true); codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "kms:Decrypt") {
		t.Errorf("without kms:Decrypt: %v", err)
	}
	if err := read(false); err != nil {
		t.Errorf("the ciphertext: %v", err)
	}
	// Only through Parameter Store, and only for this parameter.
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{
		"kms:ViaService":"ssm.us-east-1.amazonaws.com","kms:EncryptionContext:PARAMETER_ARN":"arn:aws:ssm:us-east-1:111122223333:parameter/secret"}}}}`)
	if err := read(true); err != nil {
		t.Errorf("through Parameter Store: %v", err)
	}
	if _, err := h.kmsAs(alice).Decrypt(t.Context(), &kmsapi.DecryptRequest{
		CiphertextBlob: h.ciphertext("secret"), EncryptionContext: map[string]string{"PARAMETER_ARN": "arn:aws:ssm:us-east-1:111122223333:parameter/secret"},
	}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("directly: %v", err)
	}
}

func TestPlaintextsAreNowhere(t *testing.T) {
	h := newHarness(t)
	h.put("standard", canary, secure, func(in *ssmapi.PutParameterRequest) { in.AllowedPattern = new("canary.*") })
	h.put("advanced", canary, secure, advanced, policies(`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Hours"}}]`))
	h.get("standard")
	h.get("advanced")
	if _, err := h.tryPut("standard", canary+canary, secure, overwrite, func(in *ssmapi.PutParameterRequest) { in.AllowedPattern = new("x") }); codeOf(err) != "ParameterPatternMismatchException" || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
	for _, e := range h.take() {
		if strings.Contains(string(e.Detail), canary) {
			t.Errorf("event %s", e.Detail)
		}
	}
	// The store below the seal, every value of it opened.
	records := 0
	if err := h.store.View(t.Context(), func(r store.Reader) error {
		for it, err := range r.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			records++
			for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))[:20]} {
				if bytes.Contains(it.Value, []byte(form)) || bytes.Contains(it.Key, []byte(form)) {
					t.Errorf("record %q", it.Key)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if records < 10 {
		t.Errorf("only %d records were examined", records)
	}
	files := 0
	h.files("store", func(name string, content []byte) {
		files++
		if bytes.Contains(content, []byte(canary)) {
			t.Errorf("file %s", name)
		}
	})
	if files == 0 {
		t.Error("no files were examined")
	}
	found := 0
	for _, record := range h.history("PutParameter") {
		found++
		if strings.Contains(string(record.JSON), canary) {
			t.Errorf("audit record %s", record.JSON)
		}
		var r struct {
			RequestParameters map[string]any `json:"requestParameters"`
		}
		if err := json.Unmarshal(record.JSON, &r); err != nil || r.RequestParameters["value"] != "HIDDEN_DUE_TO_SECURITY_REASONS" {
			t.Errorf("%v, %v", r.RequestParameters, err)
		}
	}
	if found != 3 {
		t.Errorf("%d audit records", found)
	}
}

// Resources of records have no type (Panther, the rule for many calls of GetParameter); a
// listing has none.
func TestResourcesOfRecords(t *testing.T) {
	h := newHarness(t)
	_, put := h.admin().PutParameter(h.Context(), &ssmapi.PutParameterRequest{Name: new("/a/b"), Value: new("v"), Type: new(ssmapi.ParameterTypeString)})
	_, get := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: new("/a/b")})
	_, list := h.admin().DescribeParameters(h.Context(), &ssmapi.DescribeParametersRequest{})
	if err := errors.Join(put, get, list); err != nil {
		t.Fatal(err)
	}
	parameter := []any{map[string]any{"accountId": testAccount, "ARN": "arn:aws:ssm:" + testRegion + ":" + testAccount + ":parameter/a/b"}}
	for operation, want := range map[string][]any{"PutParameter": parameter, "GetParameter": parameter, "DescribeParameters": nil} {
		records := h.history(operation)
		if len(records) != 1 {
			t.Fatalf("%s: %d records", operation, len(records))
		}
		var r struct{ Resources []any }
		if err := json.Unmarshal(records[0].JSON, &r); err != nil || !reflect.DeepEqual(r.Resources, want) {
			t.Errorf("%s: %v, %v", operation, r.Resources, err)
		}
	}
}

// ciphertext is what a read without decryption returns.
func (h *harness) ciphertext(name string) []byte {
	h.Helper()
	out, err := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: &name})
	if err != nil {
		h.Fatal(err)
	}
	blob, err := base64.StdEncoding.DecodeString(*out.Parameter.Value)
	if err != nil {
		h.Fatalf("not base64: %v", err)
	}
	return blob
}

// files yields the files below a directory of the store.
func (h *harness) files(dir string, f func(name string, content []byte)) {
	h.Helper()
	names, err := h.fs.List(dir)
	if err != nil {
		h.Fatal(err)
	}
	for _, n := range names {
		path := h.fs.PathJoin(dir, n)
		if info, err := h.fs.Stat(path); err != nil || info.IsDir() {
			continue
		}
		file, err := h.fs.Open(path, vfs.SequentialReadsOption)
		if err != nil {
			h.Fatal(err)
		}
		content, err := io.ReadAll(file)
		_ = file.Close()
		if err != nil {
			h.Fatal(err)
		}
		f(path, content)
	}
}

// history are the audit records of an operation.
func (h *harness) history(operation string) []audit.Event {
	h.Helper()
	found, err := h.audit.Lookup(h.Context(), audit.Query{
		Account: testAccount, Region: testRegion, Limit: 100, Match: func(e *audit.Event) bool { return e.Name == operation },
	})
	if err != nil {
		h.Fatal(err)
	}
	return found.Events
}
