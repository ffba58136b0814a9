package e2e

import (
	"net/url"
	"testing"
)

func TestSecretsAgentHandsOutParameters(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	put := func(name, kind, value string) {
		t.Helper()
		s.call(t, "ssm", "AmazonSSM.PutParameter", object{"Name": name, "Type": kind, "Value": value, "Overwrite": true})
	}
	put("/app/host", "String", "db.example.com")
	put("/app/password", "SecureString", "first-canary")
	put("/app/password", "SecureString", "second-canary")
	s.call(t, "ssm", "AmazonSSM.LabelParameterVersion", object{"Name": "/app/password", "ParameterVersion": 1, "Labels": []string{"old"}})
	agent := s.startAgent(t, s.key)
	for query, want := range map[string]string{
		"":           "second-canary",
		"&version=1": "first-canary",
		"&label=old": "first-canary",
	} {
		agent.wantValue(t, "/systemsmanager/parameters/get?withDecryption=true&name="+url.QueryEscape("/app/password")+query, 200, want)
	}
	agent.wantValue(t, "/systemsmanager/parameters/get?name=/app/host", 200, "db.example.com")
	agent.wantValue(t, "/systemsmanager/parameters/get?name=/app/gone", 400, "ParameterNotFound")
	put("/app/host", "String", "new.example.com")
	agent.wantValue(t, "/systemsmanager/parameters/get?name=/app/host", 200, "db.example.com")
	agent.wantValue(t, "/systemsmanager/parameters/get?name=/app/host&refreshNow=true", 200, "new.example.com")

	env := []string{"A=ssm:/app/password:old", "B={{resolve:ssm-secure:/app/password:2}}@{{resolve:ssm:/app/host}}", "AWS_TOKEN=" + agentToken}
	for name, flags := range map[string][]string{"from the server": nil, "from an agent": {"--agent", agent.base}} {
		out, status := s.runIt(t, env, append(flags, "--", "sh", "-c", `printf '%s|%s' "$A" "$B"`)...)
		if want := "first-canary|second-canary@new.example.com"; out != want || status != 0 {
			t.Errorf("%s: %d %q, want %q", name, status, out, want)
		}
	}
	if out, status := s.runIt(t, []string{"B={{resolve:ssm:/app/password}}"}, "--", "echo", "started"); status != 1 || out != "fastness: run: B: {{resolve:ssm:/app/password}}: the parameter is a SecureString: write ssm-secure\n" {
		t.Errorf("%d %q", status, out)
	}
}
