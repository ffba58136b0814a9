package e2e

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

// call calls an operation of awsJson 1.1 as the root user; it must succeed.
func (s *server) call(t *testing.T, service, target string, in object) object {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := s.send(s.key, service, target, "application/x-amz-json-1.1", body)
	out := object{}
	if err == nil && len(answer) > 0 {
		err = json.Unmarshal(answer, &out)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", target, status, answer, err)
	}
	return out
}

func (s *server) createSecret(t *testing.T, name, value string) {
	t.Helper()
	s.call(t, "secretsmanager", "secretsmanager.CreateSecret", object{"Name": name, "SecretString": value, "ClientRequestToken": newRequestToken(t)})
}

// putSecret gives a secret another value.
func (s *server) putSecret(t *testing.T, name, value string) {
	t.Helper()
	s.call(t, "secretsmanager", "secretsmanager.PutSecretValue", object{"SecretId": name, "SecretString": value, "ClientRequestToken": newRequestToken(t)})
}

func newRequestToken(t *testing.T) string {
	t.Helper()
	return hex.EncodeToString(random(t, 16))
}

// asClient is the environment of a client with an access key.
func (s *server) asClient(key sigv4.Credentials, more ...string) []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "AWS_") {
			env = append(env, pair)
		}
	}
	return append(env, append([]string{
		"AWS_ENDPOINT_URL=http://" + s.addr, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + key.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + string(key.Secret), "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}, more...)...)
}

// secretsAgent is a running `fastness agent secrets`.
type secretsAgent struct {
	cmd  *exec.Cmd
	base string
	log  *buffer
}

const agentToken = "a token of the agent's"

// startAgent starts an agent with the access key of key.
func (s *server) startAgent(t *testing.T, key sigv4.Credentials, flags ...string) *secretsAgent {
	t.Helper()
	a := &secretsAgent{log: new(buffer)}
	a.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.program, append([]string{"agent", "secrets", "--port", "0", "--log-level", "debug"}, flags...)...)
	a.cmd.Env, a.cmd.Stderr = s.asClient(key, "AWS_TOKEN="+agentToken), a.log
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.cmd.Process.Kill(); _ = a.cmd.Wait() })
	banner, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the agent did not start: %v\n%s", err, a.log)
	}
	_, a.base, _ = strings.Cut(strings.TrimSpace(banner), " at ")
	return a
}

// get asks the agent.
func (a *secretsAgent) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Aws-Parameters-Secrets-Token", agentToken)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// wantValue expects a secret's value, or part of an error.
func (a *secretsAgent) wantValue(t *testing.T, path string, status int, value string) {
	t.Helper()
	got, body := a.get(t, path)
	var out struct {
		SecretString string
		Parameter    struct{ Value string }
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatalf("%s: %v in %s", path, err, body)
	}
	if got != status || status == 200 && out.SecretString+out.Parameter.Value != value || !strings.Contains(body, value) {
		t.Errorf("%s: %d %s\nwant %d %s", path, got, body, status, value)
	}
}

const readerPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","ssm:GetParameter","kms:Decrypt"],"Resource":"*"}}`

func TestSecretsAgentAgainstTheServer(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	reader := s.newUser(t, "reader")
	s.iam(t, "PutUserPolicy", "UserName", "reader", "PolicyName", "p", "PolicyDocument", readerPolicy)
	s.createSecret(t, "prod/db", "first-canary")
	s.createSecret(t, "other", "other-canary")
	agent := s.startAgent(t, reader)
	fresh := s.startAgent(t, reader, "--ttl", "0")

	agent.wantValue(t, "/secretsmanager/get?secretId=prod%2Fdb", 200, "first-canary")
	agent.wantValue(t, "/v1/other", 200, "other-canary")
	s.putSecret(t, "prod/db", "second-canary")
	agent.wantValue(t, "/v1/prod/db", 200, "first-canary")
	fresh.wantValue(t, "/v1/prod/db", 200, "second-canary")
	agent.wantValue(t, "/v1/prod/db?refreshNow=true", 200, "second-canary")
	agent.wantValue(t, "/v1/prod/db?versionStage=AWSPREVIOUS", 200, "first-canary")
	agent.wantValue(t, "/v1/gone", 400, "Secrets Manager can't find the specified secret.")

	// Deleted and denied secrets leave the cache when that is found out.
	s.call(t, "secretsmanager", "secretsmanager.DeleteSecret", object{"SecretId": "other", "ForceDeleteWithoutRecovery": true})
	agent.wantValue(t, "/v1/other?refreshNow=true", 400, "ResourceNotFoundException")
	agent.wantValue(t, "/v1/other", 400, "ResourceNotFoundException")
	s.iam(t, "DeleteUserPolicy", "UserName", "reader", "PolicyName", "p")
	fresh.wantValue(t, "/v1/prod/db", 400, "AccessDeniedException")
	agent.wantValue(t, "/v1/prod/db?refreshNow=true", 400, "AccessDeniedException")
	agent.wantValue(t, "/v1/prod/db?versionStage=AWSPREVIOUS", 400, "AccessDeniedException")

	// What is cached is there while the server is not.
	s.iam(t, "PutUserPolicy", "UserName", "reader", "PolicyName", "p", "PolicyDocument", readerPolicy)
	brief := s.startAgent(t, reader, "--ttl", "1")
	brief.wantValue(t, "/v1/prod/db", 200, "second-canary")
	stored := time.Now()
	s.stop(t)
	for time.Since(stored) < 1100*time.Millisecond {
		brief.wantValue(t, "/v1/prod/db", 200, "second-canary")
	}
	brief.wantValue(t, "/v1/prod/db", 200, "second-canary")
	brief.wantValue(t, "/v1/prod/db?refreshNow=true", 502, "ConnectionError")

	for _, a := range []*secretsAgent{agent, fresh, brief} {
		if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := a.cmd.Wait(); err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		if log := a.log.String(); strings.Contains(log, "canary") || strings.Contains(log, agentToken) {
			t.Errorf("the log has a secret:\n%s", log)
		}
	}
}

func TestSecretsAgentRefusesCredentialsThatDoNotWork(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, "agent", "secrets", "--port", "0")
	cmd.Env = s.asClient(sigv4.Credentials{AccessKeyID: s.key.AccessKeyID, Secret: []byte("wrong")}, "AWS_TOKEN=x")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "SignatureDoesNotMatch") {
		t.Errorf("%v\n%s", err, out)
	}
}

// runIt runs `fastness run`, and returns both streams and the exit status.
func (s *server) runIt(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, append([]string{"run"}, args...)...)
	cmd.Env = append(s.asClient(s.key), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestRunGivesProgramsTheirSecrets(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	s.createSecret(t, "prod/db", `{"user":"alice","password":"hunter2 $HOME"}`)
	s.putSecret(t, "prod/db", `{"user":"bob","password":"p"}`)
	file := i.path("env")
	if err := os.WriteFile(file, []byte("# of the program\nA=from file\nB=secretsmanager:prod/db:user\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := s.startAgent(t, s.key)
	print := []string{"--", "sh", "-c", `printf '%s|%s|%s|%s' "$A" "$B" "$C" "$1"; exit 7`, "sh", "--flag"}
	env := []string{"A=overridden", "B=ssm:", "C=db://{{resolve:secretsmanager:prod/db:SecretString:user:AWSPREVIOUS}}:{{resolve:secretsmanager:prod/db:SecretString:password:AWSPREVIOUS}}@h", "AWS_TOKEN=" + agentToken}
	for name, flags := range map[string][]string{"from the server": nil, "from an agent": {"--agent", agent.base}} {
		out, status := s.runIt(t, env, append(append([]string{"--env-file", file}, flags...), print...)...)
		if want := "from file|bob|db://alice:hunter2 $HOME@h|--flag"; out != want || status != 7 {
			t.Errorf("%s: %d %q, want %q", name, status, out, want)
		}
	}
	if out, status := s.runIt(t, nil, append([]string{"--env", "A=secretsmanager:prod/db:user"}, print[1:]...)...); out != "bob|||--flag" || status != 7 {
		t.Errorf("without --: %d %q", status, out)
	}
}

func TestRunStartsNothingWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	s.createSecret(t, "s", "hunter2")
	for _, c := range []struct {
		env, args []string
		want      string
		status    int
	}{
		{[]string{"PASSWORD=secretsmanager:gone"}, nil, "run: PASSWORD: secretsmanager:gone: ResourceNotFoundException", 1},
		{[]string{"PASSWORD=secretsmanager:s:key"}, nil, "run: PASSWORD: secretsmanager:s:key: the secret is not a JSON object", 1},
		{[]string{"PASSWORD=ssm: is no reference"}, nil, "run: PASSWORD: not the name of a parameter", 1},
		{nil, []string{"--env", "X=plain"}, "X: --env takes a reference", 2},
		{nil, []string{"--env", "X"}, "--env: not NAME=VALUE", 2},
		{[]string{"X=secretsmanager:s"}, []string{"--agent", "http://192.0.2.1:2773"}, "no token", 1},
		{[]string{"X=secretsmanager:s", "AWS_TOKEN=t"}, []string{"--agent", "http://192.0.2.1:2773"}, "not of this machine", 2},
	} {
		out, status := s.runIt(t, c.env, append(c.args, "--", "echo", "started")...)
		if !strings.Contains(out, c.want) || status != c.status || strings.Contains(out, "started\n") || strings.Contains(out, "hunter2") || strings.Contains(out, "is no reference") {
			t.Errorf("%v %v: %d %s", c.env, c.args, status, out)
		}
	}
	if out, status := s.runIt(t, nil); status != 2 {
		t.Errorf("%d %s", status, out)
	}
	if out, status := s.runIt(t, nil, "--", "no-such-program"); status != 1 || !strings.Contains(out, "no-such-program") {
		t.Errorf("%d %s", status, out)
	}
}

// The program is the process that was started: it gets its signals, and its end by one
// is to be seen.
func TestRunIsReplacedByTheProgram(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	s.createSecret(t, "s", "hunter2")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), s.program, "run", "--env", "S=secretsmanager:s", "--", "sh", "-c", `echo $$ $(ulimit -c); exec sleep 600`)
	cmd.Env = s.asClient(s.key)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	core := "unlimited"
	if limit.Cur != ^uint64(0) {
		core = fmt.Sprint(limit.Cur / 512)
	}
	if want := fmt.Sprintf("%d %s\n", cmd.Process.Pid, core); line != want {
		t.Errorf("process and core limit are %q, want %q", line, want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if state := cmd.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
}
