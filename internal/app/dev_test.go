package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

func startDev(t *testing.T) *App {
	t.Helper()
	dir, err := os.MkdirTemp("", "fst") // the paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	a, err := Start(t.Context(), Config{DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Dev: true, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return a
}

// lone makes a connection for each request, so that none is left to count.
var lone = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// kms calls a KMS operation without parameters and returns the status and the answer.
func (a *App) kms(t *testing.T, key sigv4.Credentials, operation string) (int, map[string]any) {
	t.Helper()
	return a.kmsWith(t, key, operation, "{}")
}

// kmsWith calls a KMS operation and returns the status and the answer.
func (a *App) kmsWith(t *testing.T, key sigv4.Credentials, operation, in string) (int, map[string]any) {
	t.Helper()
	body := []byte(in)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService."+operation)
	if err := sigv4.Sign(req, body, key, sigv4.Scope{Region: "us-east-1", Service: "kms"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return answered(t, req)
}

func answered(t *testing.T, req *http.Request) (int, map[string]any) {
	t.Helper()
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, out
}

func (a *App) reset(t *testing.T, path string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, req)
}

func (a *App) rootKey(t *testing.T) (key sigv4.Credentials) {
	t.Helper()
	text, err := os.ReadFile(a.CredentialsFile())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), " = "); name {
		case "aws_access_key_id":
			key.AccessKeyID = value
		case "aws_secret_access_key":
			key.Secret = []byte(value)
		}
	}
	return key
}

func someone(id string) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: id, Secret: []byte("anything")}
}

func (a *App) keyARN(t *testing.T, key sigv4.Credentials) string {
	t.Helper()
	status, out := a.kms(t, key, "CreateKey")
	if status != http.StatusOK {
		t.Fatalf("CreateKey: %d %v", status, out)
	}
	return out["KeyMetadata"].(map[string]any)["Arn"].(string)
}

func TestUnknownAccessKeysActAsRootOfTheirAccount(t *testing.T) {
	a := startDev(t)
	for id, account := range map[string]string{"test": DefaultAccount, "123456789012": "123456789012", "ASIAIOSFODNN7EXAMPLE": DefaultAccount} {
		key := someone(id)
		if strings.HasPrefix(id, "ASIA") {
			key.SecurityToken = "a token from elsewhere"
		}
		if arn := a.keyARN(t, key); !strings.Contains(arn, ":"+account+":key/") {
			t.Errorf("%s made %s", id, arn)
		}
	}
	root := a.rootKey(t)
	if status, out := a.kms(t, root, "ListKeys"); status != http.StatusOK {
		t.Errorf("the root key: %d %v", status, out)
	}
	if status, out := a.kms(t, someone(root.AccessKeyID), "ListKeys"); status != http.StatusBadRequest {
		t.Errorf("the root key's id with another secret: %d %v", status, out)
	}
	root.SecurityToken = "x"
	if status, out := a.kms(t, root, "ListKeys"); status != http.StatusBadRequest {
		t.Errorf("the root key with a session token: %d %v", status, out)
	}
}

func TestResetEmptiesEverything(t *testing.T) {
	a := startDev(t)
	ca, err := os.ReadFile(a.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	old := a.rootKey(t)
	for i, path := range []string{"/_fastness/reset", "/moto-api/reset"} {
		a.keyARN(t, someone("test"))
		if status, out := a.reset(t, path); status != http.StatusOK || out["status"] != "ok" {
			t.Fatalf("%s: %d %v", path, status, out)
		}
		status, out := a.kms(t, someone("test"), "ListKeys")
		if keys, ok := out["Keys"].([]any); status != http.StatusOK || !ok || len(keys) != 0 {
			t.Errorf("after %d resets: %d %v", i+1, status, out)
		}
	}
	if a.rootKey(t).AccessKeyID == old.AccessKeyID {
		t.Error("the root access key survived")
	}
	if again, err := os.ReadFile(a.CAFile()); err != nil || !bytes.Equal(again, ca) {
		t.Errorf("clients do not trust the server any more: %v", err)
	}
	a.keyARN(t, someone("test"))
	for _, path := range []string{"/_fastness/reset", "/"} {
		if status, err := fromPage(t, a, path); status != http.StatusForbidden || err != nil {
			t.Errorf("a web page may use the server: %d %v", status, err)
		}
	}
	if _, out := a.kms(t, someone("test"), "ListKeys"); len(out["Keys"].([]any)) != 1 {
		t.Errorf("a refused reset did something: %v", out)
	}
}

// fromPage sends a request as a page of another site does.
func fromPage(t *testing.T, a *App, path string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Body.Close()
}

func TestResetsLeaveNothingRunning(t *testing.T) {
	a := startDev(t)
	reset := func() {
		if err := a.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reset()
	before := runtime.NumGoroutine()
	for range 50 {
		reset()
	}
	// The pools of the store differ by a few from one start to another.
	if after := runtime.NumGoroutine(); after > before+10 {
		t.Errorf("%d goroutines became %d", before, after)
	}
	a.keyARN(t, someone("test"))
}

func TestDevStaysAtHome(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "127.9.9.9:1": true,
		"0.0.0.0:0": false, ":4566": false, "[::]:0": false, "192.0.2.1:1": false, "example.com:1": false,
	} {
		c := Config{DataDir: "data", Listen: listen, Dev: true}
		if err := c.complete(); (err == nil) != ok {
			t.Errorf("%s: %v", listen, err)
		}
	}
	c := Config{DataDir: "data", Dev: true, Seal: SealConfig{Kind: SealShamir}}
	if err := c.complete(); err == nil {
		t.Error("a seal that needs people goes with --dev")
	}
	a := &App{}
	if err := a.Reset(t.Context()); err == nil {
		t.Error("a server without --dev can be reset")
	}
}

// Whoever calls while the server is reset is answered, before or after.
func TestCallsDuringResets(t *testing.T) {
	a := startDev(t)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, out := a.kms(t, someone("test"), "CreateKey"); status != http.StatusOK {
					t.Errorf("%d %v", status, out)
				}
			}
		})
	}
	for range 10 {
		if status, out := a.reset(t, "/_fastness/reset"); status != http.StatusOK {
			t.Errorf("reset: %d %v", status, out)
		}
	}
	close(stop)
	callers.Wait()
}

// An access key that IAM knows is never taken on trust, even when it is inactive.
func TestInactiveAccessKeysStayRefused(t *testing.T) {
	a := startDev(t)
	root := a.rootKey(t)
	if status, out := a.iam(t, root, "Action=UpdateAccessKey&Status=Inactive&Version=2010-05-08&AccessKeyId="+root.AccessKeyID); status != http.StatusOK {
		t.Fatalf("UpdateAccessKey: %d %s", status, out)
	}
	for _, key := range []sigv4.Credentials{root, someone(root.AccessKeyID)} {
		if status, out := a.kms(t, key, "ListKeys"); status != http.StatusBadRequest {
			t.Errorf("ListKeys: %d %v", status, out)
		}
	}
}

// What was made here and has been deleted never comes back as a root user.
func TestDeletedCredentialsStayRefused(t *testing.T) {
	a := startDev(t)
	root := a.rootKey(t)
	ask := func(key sigv4.Credentials, service, query string) string {
		t.Helper()
		status, out := a.query(t, key, service, query)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, out)
		}
		return out
	}
	within := func(text, element string) string {
		_, after, _ := strings.Cut(text, "<"+element+">")
		value, _, _ := strings.Cut(after, "</"+element+">")
		return value
	}
	credentials := func(out string) sigv4.Credentials {
		return sigv4.Credentials{
			AccessKeyID: within(out, "AccessKeyId"), Secret: []byte(within(out, "SecretAccessKey")), SecurityToken: within(out, "SessionToken"),
		}
	}
	const v = "&Version=2010-05-08"
	ask(root, "iam", "Action=CreateUser&UserName=ann"+v)
	key := credentials(ask(root, "iam", "Action=CreateAccessKey&UserName=ann"+v))
	trust := url.QueryEscape(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + DefaultAccount + `"},"Action":"sts:AssumeRole"}}`)
	ask(root, "iam", "Action=PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument="+url.QueryEscape(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`)+v)
	arn := within(ask(root, "iam", "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument="+trust+v), "Arn")
	session := credentials(ask(key, "sts", "Action=AssumeRole&RoleSessionName=s1&Version=2011-06-15&RoleArn="+url.QueryEscape(arn)))
	whoami := func(key sigv4.Credentials) (int, string) {
		return a.query(t, key, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
	}
	for _, c := range []sigv4.Credentials{key, session} {
		if status, out := whoami(c); status != http.StatusOK || strings.Contains(out, ":root") {
			t.Errorf("before: %d %s", status, out)
		}
	}
	ask(root, "iam", "Action=DeleteRole&RoleName=r"+v)
	ask(root, "iam", "Action=DeleteAccessKey&UserName=ann&AccessKeyId="+key.AccessKeyID+v)
	bare := session
	bare.SecurityToken = ""
	other := session
	other.SecurityToken = "a token from elsewhere"
	for name, c := range map[string]sigv4.Credentials{
		"a deleted key": key, "a deleted key with another secret": someone(key.AccessKeyID),
		"a session of a deleted role": session, "its key alone": bare, "its key with another token": other,
	} {
		if status, out := whoami(c); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, out)
		}
	}
}

// Under --dev a policy may name nobody; whoever exists it names by id.
func TestDevPrincipals(t *testing.T) {
	a := startDev(t)
	root := a.rootKey(t)
	const v = "&Version=2010-05-08"
	if status, out := a.iam(t, root, "Action=CreateUser&UserName=ann"+v); status != http.StatusOK {
		t.Fatalf("CreateUser: %d %s", status, out)
	}
	const ann, nobody = "arn:aws:iam::" + DefaultAccount + ":user/ann", "arn:aws:iam::" + DefaultAccount + ":user/nobody"
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + DefaultAccount + `","` + ann + `","` + nobody + `"]},"Action":"kms:*","Resource":"*"}]}`
	document, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	status, out := a.kmsWith(t, root, "CreateKey", `{"Policy":`+string(document)+`}`)
	if status != http.StatusOK {
		t.Fatalf("CreateKey: %d %v", status, out)
	}
	id := out["KeyMetadata"].(map[string]any)["KeyId"].(string)
	if status, out := a.kmsWith(t, root, "CreateGrant", `{"KeyId":"`+id+`","GranteePrincipal":"`+nobody+`","Operations":["Decrypt"]}`); status != http.StatusOK {
		t.Errorf("a grant to nobody: %d %v", status, out)
	}
	shown := func() string {
		_, out := a.kmsWith(t, root, "GetKeyPolicy", `{"KeyId":"`+id+`"}`)
		text, _ := out["Policy"].(string)
		return text
	}
	if s := shown(); !strings.Contains(s, ann) || !strings.Contains(s, nobody) {
		t.Errorf("the policy shows %s", s)
	}
	if status, out := a.iam(t, root, "Action=DeleteUser&UserName=ann"+v); status != http.StatusOK {
		t.Fatalf("DeleteUser: %d %s", status, out)
	}
	if s := shown(); strings.Contains(s, ann) || !strings.Contains(s, `"AIDA`) || !strings.Contains(s, nobody) {
		t.Errorf("with the user gone the policy shows %s", s)
	}
}

// iam sends a query to IAM and returns the status and the answer.
func (a *App) iam(t *testing.T, key sigv4.Credentials, query string) (int, string) {
	t.Helper()
	return a.query(t, key, "iam", query)
}

// query sends a query to a service and returns the status and the answer.
func (a *App) query(t *testing.T, key sigv4.Credentials, service, query string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+"/", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := sigv4.Sign(req, []byte(query), key, sigv4.Scope{Region: "us-east-1", Service: service}, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
