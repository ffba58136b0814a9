package audit

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

const testKeyARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func keyAccess(account string) call.Access {
	return call.Access{
		Action: "kms:Encrypt", ResourceType: "AWS::KMS::Key", Account: account,
		Resource: "arn:aws:kms:eu-central-1:" + account + ":key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
}

// always are the members that the record contents reference of the CloudTrail user
// guide does not call optional, for a management event, and requestID, eventID,
// readOnly, managementEvent and recipientAccountId, which every API call has.
var always = []string{
	"eventTime", "eventVersion", "userIdentity", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
	"requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType", "managementEvent",
	"recipientAccountId", "eventCategory",
}

// sometimes are the optional members that Fastness writes.
var sometimes = []string{
	"errorCode", "errorMessage", "additionalEventData", "resources", "sharedEventID", "tlsDetails", "serviceEventDetails",
}

func TestRecordHasTheMembersOfTheReference(t *testing.T) {
	c := testCall("Encrypt", &kmsapi.EncryptRequest{
		KeyId: new(testKeyARN), Plaintext: []byte("attack at dawn"), EncryptionContext: map[string]string{"purpose": "test", "app": "x"},
	})
	c.Accesses = []call.Access{keyAccess(testAccount)}
	out := &kmsapi.EncryptResponse{CiphertextBlob: []byte("blob"), KeyId: new(testKeyARN)}
	events := Records(c, out, nil)
	if len(events) != 1 {
		t.Fatalf("%d records", len(events))
	}
	got := parse(t, events[0])
	for _, m := range always {
		if _, ok := got[m]; !ok {
			t.Errorf("%s is missing", m)
		}
	}
	for m := range got {
		if !slices.Contains(always, m) && !slices.Contains(sometimes, m) {
			t.Errorf("%s is no member of a record", m)
		}
	}
	want := map[string]any{
		"eventVersion": "1.11", "eventTime": "2026-03-01T12:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "Encrypt",
		"awsRegion": testRegion, "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2",
		"userIdentity": map[string]any{
			"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/alice",
			"accountId": testAccount, "accessKeyId": "AKIAEXAMPLE", "userName": "alice",
		},
		"requestParameters": map[string]any{"keyId": testKeyARN, "encryptionContext": map[string]any{"purpose": "test", "app": "x"}},
		"responseElements":  nil, // the operation changes nothing
		"requestID":         c.RequestID, "eventID": c.EventID, "readOnly": true, "eventType": "AwsApiCall",
		"managementEvent": true, "recipientAccountId": testAccount, "eventCategory": "Management",
		"resources": []any{map[string]any{"accountId": testAccount, "type": "AWS::KMS::Key", "ARN": testKeyARN}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("record is\n%s\nwant\n%v", events[0].JSON, want)
	}
	attributes := *events[0]
	attributes.JSON = nil
	if !reflect.DeepEqual(attributes, Event{
		ID: c.EventID, Time: testTime, Account: testAccount, Region: testRegion, Name: "Encrypt", Source: "kms.amazonaws.com",
		AccessKeyID: "AKIAEXAMPLE", UserName: "alice", ReadOnly: true,
		Resources: []Resource{{"AWS::KMS::Key", testKeyARN, testAccount}},
	}) {
		t.Errorf("attributes are %+v", attributes)
	}
}

func TestUserIdentityOfEachPrincipal(t *testing.T) {
	issued := testTime.Add(-time.Hour)
	for _, c := range []struct {
		name string
		who  *call.Principal
		want string
	}{
		{"root", &call.Principal{Kind: call.Root, Account: testAccount, ARN: "arn:aws:iam::111122223333:root", ID: testAccount, AccessKeyID: "AKIAROOT"},
			`{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"AKIAROOT"}`},
		{"role session", &call.Principal{
			Kind: call.AssumedRole, Account: testAccount, ARN: "arn:aws:sts::111122223333:assumed-role/ops/bob", ID: "AROAEXAMPLE:bob", AccessKeyID: "ASIAEXAMPLE",
			Session: &call.Session{Issued: issued, MFA: true, RoleARN: "arn:aws:iam::111122223333:role/team/ops", RoleID: "AROAEXAMPLE", RoleName: "ops", Name: "bob", SourceIdentity: "bob@example.com"},
		}, `{"type":"AssumedRole","principalId":"AROAEXAMPLE:bob","arn":"arn:aws:sts::111122223333:assumed-role/ops/bob","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/team/ops","accountId":"111122223333","userName":"ops"},"attributes":{"creationDate":"2026-03-01T11:00:00Z","mfaAuthenticated":"true"},"sourceIdentity":"bob@example.com"}}`},
		{"user with temporary credentials", &call.Principal{
			Kind: call.User, Account: testAccount, ARN: "arn:aws:iam::111122223333:user/alice", ID: "AIDAEXAMPLE", UserName: "alice", AccessKeyID: "ASIAEXAMPLE",
			Session: &call.Session{Issued: issued},
		}, `{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","userName":"alice","sessionContext":{"attributes":{"creationDate":"2026-03-01T11:00:00Z","mfaAuthenticated":"false"}}}`},
		{"federated user", &call.Principal{
			Kind: call.FederatedUser, Account: testAccount, ARN: "arn:aws:sts::111122223333:federated-user/carol", ID: "111122223333:carol", AccessKeyID: "ASIAEXAMPLE",
			Session: &call.Session{Issued: issued, Name: "carol"},
		}, `{"type":"FederatedUser","principalId":"111122223333:carol","arn":"arn:aws:sts::111122223333:federated-user/carol","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"attributes":{"creationDate":"2026-03-01T11:00:00Z","mfaAuthenticated":"false"}}}`},
		{"service", &call.Principal{Kind: call.Service, Service: "ssm.amazonaws.com", Account: testAccount},
			`{"type":"AWSService","invokedBy":"ssm.amazonaws.com"}`},
		{"nobody", &call.Principal{Kind: call.Anonymous},
			`{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := testCall("Encrypt", &kmsapi.EncryptRequest{KeyId: new("k")})
			k.Principal = c.who
			got := parse(t, Records(k, nil, nil)[0])["userIdentity"]
			var want any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("userIdentity is %v, want %v", got, want)
			}
		})
	}
}

func TestOtherAccountsGetARecordOfTheirOwn(t *testing.T) {
	c := testCall("ReEncrypt", &kmsapi.ReEncryptRequest{CiphertextBlob: []byte("x"), DestinationKeyId: new("k")})
	c.Accesses = []call.Access{keyAccess(otherAccount), keyAccess(testAccount), keyAccess(otherAccount)}
	events := Records(c, nil, nil)
	if len(events) != 2 || events[0].Account != testAccount || events[1].Account != otherAccount {
		t.Fatalf("%d records", len(events))
	}
	own, foreign := parse(t, events[0]), parse(t, events[1])
	if own["sharedEventID"] == nil || own["sharedEventID"] != foreign["sharedEventID"] || own["sharedEventID"] == own["eventID"] {
		t.Errorf("sharedEventID: %v and %v", own["sharedEventID"], foreign["sharedEventID"])
	}
	if own["eventID"] != c.EventID || foreign["eventID"] == c.EventID || own["requestID"] != foreign["requestID"] {
		t.Error("the two records need two event ids and one request id")
	}
	if foreign["eventID"] != EventID(c, otherAccount) || EventID(c, testAccount) != c.EventID {
		t.Error("EventID does not name the records")
	}
	if third := EventID(c, "777788889999"); third == foreign["eventID"] || third == c.EventID {
		t.Errorf("another account shares the event id %s", third)
	}
	if foreign["recipientAccountId"] != otherAccount || own["recipientAccountId"] != testAccount {
		t.Error("recipientAccountId is wrong")
	}
	want := map[string]any{"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": testAccount}
	if !reflect.DeepEqual(foreign["userIdentity"], want) {
		t.Errorf("the other account learns %v", foreign["userIdentity"])
	}
	if events[1].UserName != "" || events[1].AccessKeyID != "" {
		t.Error("the other account can search for the caller's name")
	}
	if r := own["resources"].([]any); len(r) != 2 {
		t.Errorf("resources: %v", r)
	}
}

func TestSecretsStayOut(t *testing.T) {
	const secret = "correct horse battery staple"
	for _, c := range []struct {
		op      string
		in, out any
		want    string
	}{
		{"CreateCustomKeyStore", &kmsapi.CreateCustomKeyStoreRequest{CustomKeyStoreName: new("n"), KeyStorePassword: new(secret)},
			&kmsapi.CreateCustomKeyStoreResponse{CustomKeyStoreId: new("cks-1")},
			`{"customKeyStoreName":"n","keyStorePassword":"HIDDEN_DUE_TO_SECURITY_REASONS"}`},
		{"GenerateDataKey", &kmsapi.GenerateDataKeyRequest{KeyId: new("k"), NumberOfBytes: new(int32(32))},
			&kmsapi.GenerateDataKeyResponse{Plaintext: []byte(secret), CiphertextBlob: []byte(secret)},
			`{"keyId":"k","numberOfBytes":32}`},
		{"ImportKeyMaterial", &kmsapi.ImportKeyMaterialRequest{KeyId: new("k"), ImportToken: []byte(secret), EncryptedKeyMaterial: []byte(secret), ValidTo: new(testTime)},
			&kmsapi.ImportKeyMaterialResponse{}, `{"keyId":"k","validTo":"Mar 1, 2026, 12:00:00 PM"}`},
	} {
		e := Records(testCall(c.op, c.in), c.out, nil)[0]
		if strings.Contains(string(e.JSON), secret) || strings.Contains(string(e.JSON), "Y29ycmVjdCBob3Jz") {
			t.Errorf("%s: the record shows a secret: %s", c.op, e.JSON)
		}
		var want any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := parse(t, e)["requestParameters"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: requestParameters %v, want %v", c.op, got, want)
		}
	}
}

// The members are those of the record of CreateAccessKey in the detonation logs of Stratus Red
// Team, "Create an administrative IAM User".
func TestRecordsOfIAMHaveNoSecretsAndNoResources(t *testing.T) {
	c := testCall("", &iamapi.CreateAccessKeyRequest{UserName: new("bob")})
	c.Operation = iamapi.API.Operation("CreateAccessKey")
	c.Accesses = []call.Access{{Action: "iam:CreateAccessKey", Resource: "arn:aws:iam::" + testAccount + ":user/bob", ResourceType: "AWS::IAM::User", Account: testAccount}}
	e := Records(c, &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{
		UserName: new("bob"), AccessKeyId: new("AKIAEXAMPLE"), SecretAccessKey: new("secret"), Status: new(iamapi.StatusTypeActive), CreateDate: new(testTime),
	}}, nil)[0]
	got := parse(t, e)
	want := map[string]any{"accessKey": map[string]any{"accessKeyId": "AKIAEXAMPLE", "createDate": "Mar 1, 2026 12:00:00 PM", "status": "Active", "userName": "bob"}}
	if !reflect.DeepEqual(got["responseElements"], want) || got["resources"] != nil {
		t.Errorf("%s", e.JSON)
	}
	if len(e.Resources) != 1 {
		t.Error("LookupEvents does not know the user")
	}
}

// The issuer is that of the record of GetCallerIdentity in the detonation logs of Stratus Red
// Team, "Generate temporary AWS credentials using GetFederationToken".
func TestWhoMadeAFederatedUserIsRecorded(t *testing.T) {
	for arn, want := range map[string]map[string]any{
		"arn:aws:iam::" + testAccount + ":user/a/carol": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::" + testAccount + ":user/a/carol", "accountId": testAccount, "userName": "carol"},
		"arn:aws:iam::" + testAccount + ":root":         {"type": "Root", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::" + testAccount + ":root", "accountId": testAccount},
	} {
		c := testCall("ListKeys", &kmsapi.ListKeysRequest{})
		c.Principal = &call.Principal{
			Kind: call.FederatedUser, Account: testAccount, ARN: "arn:aws:sts::" + testAccount + ":federated-user/f", ID: testAccount + ":f",
			Session: &call.Session{Issued: testTime, Name: "f", IssuerARN: arn, IssuerID: "AIDAEXAMPLE"},
		}
		identity := parse(t, Records(c, nil, nil)[0])["userIdentity"].(map[string]any)
		if got := identity["sessionContext"].(map[string]any)["sessionIssuer"]; !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%v", got)
		}
	}
}

func TestMutationsShowWhatTheyAnswered(t *testing.T) {
	c := testCall("CreateKey", &kmsapi.CreateKeyRequest{Description: new("a \"key\"\n"), Tags: []kmsapi.Tag{{TagKey: new("k"), TagValue: new("v")}}})
	created := testTime.Add(time.Second)
	e := Records(c, &kmsapi.CreateKeyResponse{KeyMetadata: &kmsapi.KeyMetadata{KeyId: new("id"), Enabled: new(true), CreationDate: &created}}, nil)[0]
	got := parse(t, e)
	if !reflect.DeepEqual(got["responseElements"], map[string]any{"keyMetadata": map[string]any{"keyId": "id", "enabled": true, "creationDate": "Mar 1, 2026, 12:00:01 PM"}}) {
		t.Errorf("responseElements: %v", got["responseElements"])
	}
	if !reflect.DeepEqual(got["requestParameters"], map[string]any{"description": "a \"key\"\n", "tags": []any{map[string]any{"tagKey": "k", "tagValue": "v"}}}) {
		t.Errorf("requestParameters: %v", got["requestParameters"])
	}
	if got["readOnly"] != false || e.ReadOnly {
		t.Error("a mutation is recorded as read-only")
	}
}

func TestRefusedCallsAreRecorded(t *testing.T) {
	for _, c := range []struct {
		err           wire.APIError
		code, message string
	}{
		// The code is CloudTrail's, not the protocol's.
		{&wire.CommonError{Kind: wire.AccessDenied, Message: "User: x is not authorized"}, "AccessDenied", "User: x is not authorized"},
		{&kmsapi.NotFoundException{Message: new("Key 'k' does not exist")}, "NotFoundException", "Key 'k' does not exist"},
		{&kmsapi.NotFoundException{Message: new(strings.Repeat("ä", 2000))}, "NotFoundException", strings.Repeat("ä", 512)},
	} {
		in := testCall("CreateAlias", &kmsapi.CreateAliasRequest{AliasName: new("alias/a")})
		got := parse(t, Records(in, &struct{}{}, c.err)[0])
		if got["errorCode"] != c.code || got["errorMessage"] != c.message || got["responseElements"] != nil {
			t.Errorf("%v: %v, %v, %v", c.err, got["errorCode"], got["errorMessage"], got["responseElements"])
		}
	}
}

func TestForwardedCallsNameTheForwarder(t *testing.T) {
	c := testCall("Decrypt", &kmsapi.DecryptRequest{CiphertextBlob: []byte("x")})
	c.Via = []string{"cloudformation.amazonaws.com", "ssm.amazonaws.com"}
	c.Source.TLSVersion, c.Source.TLSCipher = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
	got := parse(t, Records(c, nil, nil)[0])
	identity := got["userIdentity"].(map[string]any)
	if identity["invokedBy"] != "ssm.amazonaws.com" || identity["userName"] != "alice" {
		t.Errorf("userIdentity: %v", identity)
	}
	if got["sourceIPAddress"] != "ssm.amazonaws.com" || got["userAgent"] != "ssm.amazonaws.com" || got["tlsDetails"] != nil {
		t.Errorf("source: %v, %v, %v", got["sourceIPAddress"], got["userAgent"], got["tlsDetails"])
	}
	if got["requestParameters"] != nil {
		t.Errorf("nothing of the input may be shown: %v", got["requestParameters"])
	}
}

func TestTLSDetails(t *testing.T) {
	c := testCall("Decrypt", nil)
	c.Source.TLSVersion, c.Source.TLSCipher = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
	want := map[string]any{"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": "localhost:4566"}
	if got := parse(t, Records(c, nil, nil)[0])["tlsDetails"]; !reflect.DeepEqual(got, want) {
		t.Errorf("tlsDetails: %v", got)
	}
}

func TestNotesAddAndReplace(t *testing.T) {
	c := testCall("Encrypt", &kmsapi.EncryptRequest{KeyId: new("k"), GrantTokens: []string{"token"}})
	c.Note("keyMaterialId", "abc")
	c.Notes.Request = map[string]any{"grantTokens": nil, "extra": map[string]any{"b": 1, "a": "x"}, "keyId": "other"}
	c.Notes.Response = map[string]any{"keyId": "k"}
	got := parse(t, Records(c, nil, nil)[0])
	if !reflect.DeepEqual(got["additionalEventData"], map[string]any{"keyMaterialId": "abc"}) ||
		!reflect.DeepEqual(got["requestParameters"], map[string]any{"keyId": "other", "extra": map[string]any{"b": 1.0, "a": "x"}}) ||
		!reflect.DeepEqual(got["responseElements"], map[string]any{"keyId": "k"}) {
		t.Errorf("record: %v", got)
	}
}

func TestLargeParametersAreOmitted(t *testing.T) {
	context := map[string]string{}
	for i := range 64 {
		context[strings.Repeat("k", i+1)] = strings.Repeat("v", 4096)
	}
	c := testCall("Encrypt", &kmsapi.EncryptRequest{KeyId: new("k"), EncryptionContext: context})
	got := parse(t, Records(c, nil, nil)[0])["requestParameters"].(map[string]any)
	if got["omitted"] != true || got["reason"] != "requestParameters too large" || got["originalSize"].(float64) < 64*4096 {
		t.Errorf("requestParameters: %v", got)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	control := strings.Repeat("\x01", 16<<10) // each byte becomes six
	c := testCall("CreateKey", &kmsapi.CreateKeyRequest{Description: new(control)})
	c.Source.UserAgent = control
	for range 2000 {
		a := keyAccess(testAccount)
		a.Resource += NewID()
		c.Accesses = append(c.Accesses, a)
	}
	for range 100 {
		c.Note("n", strings.Repeat("v", 1000))
	}
	e := Records(c, &kmsapi.CreateKeyResponse{KeyMetadata: &kmsapi.KeyMetadata{Description: new(control)}}, nil)[0]
	parse(t, e)
	if len(e.JSON) > maxRecordBytes {
		t.Errorf("a record of %d bytes", len(e.JSON))
	}
	if len(e.Resources) == 0 || len(e.Resources) > maxResources {
		t.Errorf("%d resources", len(e.Resources))
	}
}

// Text of callers must not break out of the record.
func TestRecordsAreJSONWhateverCallersSend(t *testing.T) {
	for _, s := range []string{`"},"eventName":"x`, "\x00\x1f\x7f", "\xff\xfe", "</script>", "\u2028", `\`, "line\r\n\ttab"} {
		c := testCall("Encrypt", &kmsapi.EncryptRequest{KeyId: &s, EncryptionContext: map[string]string{s: s}})
		c.Source.UserAgent, c.Source.Host = s, s
		got := parse(t, Records(c, nil, &kmsapi.NotFoundException{Message: &s})[0])
		want := strings.ToValidUTF8(s, "\ufffd")
		if s == "\xff\xfe" {
			want = "\ufffd\ufffd"
		}
		if got["userAgent"] != want || got["errorMessage"] != want || got["requestParameters"].(map[string]any)["keyId"] != want {
			t.Errorf("%q became %q", s, got["userAgent"])
		}
		if got["eventName"] != "Encrypt" {
			t.Errorf("%q changed the event name to %v", s, got["eventName"])
		}
	}
}

func TestServiceRecord(t *testing.T) {
	e := ServiceRecord(ServiceEvent{
		Account: testAccount, Region: testRegion, Source: "kms.amazonaws.com", Name: "RotateKey", Time: testTime,
		Resources: []Resource{{"AWS::KMS::Key", testKeyARN, testAccount}},
		Details:   []call.Note{{Name: "rotationType", Value: "AUTOMATIC"}, {Name: "keyId", Value: "1234"}},
	})
	got := parse(t, e)
	want := map[string]any{
		"eventVersion": "1.11", "userIdentity": map[string]any{"accountId": testAccount, "invokedBy": "AWS Internal"},
		"eventTime": "2026-03-01T12:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "RotateKey", "awsRegion": testRegion,
		"sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal", "requestParameters": nil, "responseElements": nil,
		"eventID": e.ID, "readOnly": false, "eventType": "AwsServiceEvent", "managementEvent": true,
		"resources":           []any{map[string]any{"accountId": testAccount, "type": "AWS::KMS::Key", "ARN": testKeyARN}},
		"recipientAccountId":  testAccount,
		"serviceEventDetails": map[string]any{"rotationType": "AUTOMATIC", "keyId": "1234"},
		"eventCategory":       "Management",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("record is %s", e.JSON)
	}
}

func TestNewIDIsARandomUUID(t *testing.T) {
	seen := map[string]bool{}
	for range 10000 {
		id := NewID()
		if len(id) != 36 || id[14] != '4' || !strings.Contains("89ab", id[19:20]) || seen[id] {
			t.Fatalf("id %q", id)
		}
		for i, r := range id {
			if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
				t.Fatalf("id %q", id)
			}
		}
		seen[id] = true
	}
}
