package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// trailEvent is what these tests read of an event that CloudTrail delivers.
type trailEvent struct {
	ID         string
	Source     string
	DetailType string `json:"detail-type"`
	Account    string
	Detail     struct {
		EventName, EventSource, EventType, EventID, ErrorCode string
		ReadOnly                                              bool
		RequestParameters                                     map[string]any
		UserIdentity                                          struct{ Type, Arn string }
	}
}

func (e *trailEvent) String() string {
	return strings.TrimSpace(e.Detail.EventName + " " + e.Detail.ErrorCode)
}

// followCalls runs fastness events tail --follow, and returns a function that waits for the next
// event of Secrets Manager and Parameter Store that CloudTrail delivers.
func (i *installation) followCalls(t *testing.T, args ...string) (next func() trailEvent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := i.command(ctx, "events tail", append([]string{"--follow", "--output", "json"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return func() (e trailEvent) {
		t.Helper()
		for lines.Scan() {
			e = trailEvent{}
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatalf("%v in %s", err, lines.Text())
			}
			if (e.Source == "aws.secretsmanager" || e.Source == "aws.ssm") && strings.HasSuffix(e.DetailType, " via CloudTrail") {
				return e
			}
		}
		t.Fatalf("the follower ended: %v", lines.Err())
		return e
	}
}

// TestEventsTailShowsCalls: calls that change something, and those that were refused, are events
// of CloudTrail in the order of their commits; reading is none; nothing secret is in them; and
// what was answered is there after kill -9.
func TestEventsTailShowsCalls(t *testing.T) {
	t.Parallel()
	const secret = "canary-of-events-77aa"
	i := newInstallation(t)
	s := i.serve(t)
	next := i.followCalls(t, "--lines", "1000")
	expect := func(want string) trailEvent {
		t.Helper()
		e := next()
		if e.String() != want || e.DetailType != "AWS API Call via CloudTrail" || e.Detail.EventType != "AwsApiCall" || e.Detail.ReadOnly {
			t.Fatalf("the event is %s of %s (%s), want %s", &e, e.Source, e.DetailType, want)
		}
		if len(e.ID) != 36 || e.ID == e.Detail.EventID || e.Account != "000000000000" || e.Detail.UserIdentity.Type != "Root" {
			t.Errorf("%+v", e)
		}
		return e
	}

	s.secretsManager(t, "CreateSecret", object{"Name": "db", "SecretString": secret, "ClientRequestToken": uuid()})
	created := expect("CreateSecret")
	if text := fmt.Sprint(created.Detail.RequestParameters); !strings.Contains(text, "db") || strings.Contains(text, secret) {
		t.Errorf("request parameters %s", text)
	}
	for range 3 {
		s.secretsManager(t, "GetSecretValue", object{"SecretId": "db"})
		s.secretsManager(t, "DescribeSecret", object{"SecretId": "db"})
	}
	if _, err := s.trySecrets("PutSecretValue", object{"SecretId": "nowhere", "SecretString": secret, "ClientRequestToken": uuid()}); err == nil {
		t.Error("PutSecretValue of no secret")
	}
	expect("PutSecretValue ResourceNotFoundException")
	s.call(t, "ssm", "AmazonSSM.PutParameter", object{"Name": "/p", "Type": "SecureString", "Value": secret})
	expect("PutParameter")
	s.call(t, "ssm", "AmazonSSM.GetParameter", object{"Name": "/p", "WithDecryption": true})
	s.secretsManager(t, "DeleteSecret", object{"SecretId": "db", "RecoveryWindowInDays": 7})
	// The version's deletion begins within the call, and is recorded before the call is.
	started := next()
	if started.String() != "StartSecretVersionDelete" || started.DetailType != "AWS Service Event via CloudTrail" || started.Source != "aws.secretsmanager" {
		t.Errorf("%s (%s)", &started, started.DetailType)
	}
	expect("DeleteSecret")
	if _, err := s.trySecrets("DeleteSecret", object{"SecretId": "nowhere"}); err == nil {
		t.Error("DeleteSecret of no secret")
	}
	s.kill(t)

	s = i.serve(t)
	var calls []string
	again := i.followCalls(t, "--lines", "1000")
	for len(calls) == 0 || calls[len(calls)-1] != "DeleteSecret ResourceNotFoundException" {
		e := again()
		calls = append(calls, e.String())
	}
	want := []string{"CreateSecret", "PutSecretValue ResourceNotFoundException", "PutParameter", "StartSecretVersionDelete", "DeleteSecret", "DeleteSecret ResourceNotFoundException"}
	if !slices.Equal(calls, want) {
		t.Errorf("after kill -9: %v", calls)
	}
	if text := i.tail(t, "--lines", "1000", "--output", "json"); strings.Contains(text, secret) {
		t.Error("the events hold the secret")
	}
	s.stop(t)
	if out := i.run(t, "", "fsck"); strings.Contains(out, "event") {
		t.Errorf("fsck says %s", out)
	}
}
