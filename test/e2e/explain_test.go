package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// explain runs fastness kms explain.
func (i *installation) explain(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, i.program, append([]string{"kms", "explain", "--data-dir", i.data()}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestExplainSaysWhatDecides(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	meta := s.kms(t, "CreateKey", object{})["KeyMetadata"].(object)
	key, account := meta["KeyId"].(string), meta["AWSAccountId"].(string)
	s.iam(t, "CreateUser", "UserName", "alice")
	s.iam(t, "PutUserPolicy", "UserName", "alice", "PolicyName", "decrypt", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Sid":"Blue","Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:colour":"blue"}}}]}`)
	s.iam(t, "CreateRole", "RoleName", "reader", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"}]}`)
	arn := "arn:aws:iam::" + account + ":"
	grant := s.kms(t, "CreateGrant", object{"KeyId": key, "GranteePrincipal": arn + "role/reader", "Operations": []string{"Decrypt"}, "Name": "nightly"})

	for name, tc := range map[string]struct {
		args    []string
		allowed bool
		say     []string
	}{
		"by an identity policy": {[]string{"--principal", arn + "user/alice", "--action", "kms:Decrypt", "--key", key, "--encryption-context", "colour=blue,size=big"},
			true, []string{": allowed", `"Blue"`, "of policy decrypt", "1:"}},
		"a condition that does not hold": {[]string{"--principal", arn + "user/alice", "--action", "kms:Decrypt", "--key", key, "--encryption-context", "colour=red"},
			false, []string{"denied", `"Blue"`, "condition is not met"}},
		"nothing allows it": {[]string{"--principal", arn + "user/alice", "--action", "kms:Encrypt", "--key", key},
			false, []string{"no identity-based policy allows the kms:Encrypt action"}},
		"by a grant": {[]string{"--principal", "arn:aws:sts::" + account + ":assumed-role/reader/tonight", "--action", "kms:Decrypt", "--key", key, "--grant-token", grant["GrantToken"].(string)},
			true, []string{"allowed by grant " + grant["GrantId"].(string), `"nightly"`}},
		"the role itself":   {[]string{"--principal", arn + "role/reader", "--action", "kms:Decrypt", "--key", key}, true, []string{"allowed by grant"}},
		"the root user":     {[]string{"--principal", arn + "root", "--action", "kms:DescribeKey", "--key", key}, true, []string{": allowed"}},
		"a bad grant token": {[]string{"--principal", arn + "root", "--action", "kms:Decrypt", "--key", key, "--grant-token", "x"}, false, []string{"InvalidGrantToken"}},
		"nobody":            {[]string{"--principal", arn + "user/bob", "--action", "kms:Decrypt", "--key", key}, false, []string{"no principal"}},
		"no such action":    {[]string{"--principal", arn + "root", "--action", "kms:Nothing"}, false, []string{"no operation"}},
	} {
		out, err := i.explain(t, tc.args...)
		if (err == nil) != tc.allowed {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		for _, say := range tc.say {
			if !strings.Contains(out, say) {
				t.Errorf("%s: %q is missing in\n%s", name, say, out)
			}
		}
	}
	s.kms(t, "DisableKey", object{"KeyId": key})
	if out, err := i.explain(t, "--principal", arn+"root", "--action", "kms:Encrypt", "--key", key); err != nil || !strings.Contains(out, "would fail") || !strings.Contains(out, "is disabled") {
		t.Errorf("a disabled key: %v\n%s", err, out)
	}
	s.stop(t)
	if out, err := i.explain(t, "--principal", arn+"root", "--action", "kms:Encrypt", "--key", key); err == nil || !strings.Contains(out, "no server runs") {
		t.Errorf("without a server: %v\n%s", err, out)
	}
}
