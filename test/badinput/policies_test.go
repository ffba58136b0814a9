package badinput

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// policyCases are documents that are no policies, whatever they are attached to.
func policyCases() map[string]string {
	const open, end = `{"Version":"2012-10-17","Statement":[`, `]}`
	statement := func(s string) string { return open + s + end }
	return map[string]string{
		"not JSON":                         "policy",
		"empty object":                     "{}",
		"null":                             "null",
		"a list":                           "[]",
		"a string":                         `"x"`,
		"byte order mark, seen as Latin-1": "\u00ef\u00bb\u00bf" + statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`),
		"trailing garbage":                 statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*"}`) + "x",
		"cut short":                        open,
		"no statement":                     open + end,
		"Version of no year":               `{"Version":"2012-10-18","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"Version a number":                 `{"Version":20121017,"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"unknown element":                  `{"Version":"2012-10-17","Extra":1,"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"unknown in a statement":           statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Extra":1}`),
		"effect in small":                  statement(`{"Effect":"allow","Action":"kms:*","Resource":"*"}`),
		"no effect":                        statement(`{"Action":"kms:*","Resource":"*"}`),
		"two effects":                      statement(`{"Effect":"Deny","Effect":"Allow","Action":"kms:*","Resource":"*"}`),
		"two versions":                     `{"Version":"2008-10-17","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"two lists of statements":          `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}],"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"two, one escaped":                 statement(`{"Effect":"Deny","\u0045ffect":"Allow","Action":"kms:*","Resource":"*"}`),
		"two conditions":                   statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"},"Bool":{"aws:SecureTransport":"false"}}}`),
		"Action and NotAction":             statement(`{"Effect":"Allow","Action":"kms:*","NotAction":"kms:*","Resource":"*"}`),
		"no action":                        statement(`{"Effect":"Allow","Resource":"*"}`),
		"action without service":           statement(`{"Effect":"Allow","Action":"Decrypt","Resource":"*"}`),
		"action a number":                  statement(`{"Effect":"Allow","Action":1,"Resource":"*"}`),
		"action nested":                    statement(`{"Effect":"Allow","Action":[["kms:*"]],"Resource":"*"}`),
		"unknown operator":                 statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringAlmostEquals":{"a:b":"c"}}}`),
		"condition a list":                 statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":[]}`),
		"condition value nested":           statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"a:b":{"c":"d"}}}}`),
		"deep":                             statement(`{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":` + strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900) + `}`),
		"deep lists":                       strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
	}
}

func TestPoliciesThatAreNone(t *testing.T) {
	s := start(t)
	key := s.createKey(t, "{}")
	s.call(t, s.form("Action=CreateUser&UserName=policyholder"+iamVersion), "iam")
	s.call(t, s.form("Action=CreateRole&RoleName=taken"+iamVersion+"&AssumeRolePolicyDocument="+url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"}]}`)), "iam")
	iam := want{status: 400, code: "MalformedPolicyDocument", message: "*", recorded: true}
	for name, document := range policyCases() {
		t.Run(name, func(t *testing.T) {
			sts := iam
			text := "&PolicyDocument=" + url.QueryEscape(document)
			s.refused(t, s.form("Action=CreatePolicy&PolicyName=p"+iamVersion+text).sign(s.by("iam")), iam)
			s.refused(t, s.form("Action=PutUserPolicy&UserName=policyholder&PolicyName=p"+iamVersion+text).sign(s.by("iam")), iam)
			s.refused(t, s.form("Action=CreateRole&RoleName=r"+iamVersion+"&AssumeRole"+text[1:]).sign(s.by("iam")), iam)
			s.refused(t, s.form("Action=UpdateAssumeRolePolicy&RoleName=taken"+iamVersion+text).sign(s.by("iam")), iam)
			if len(document) > 2048 {
				sts.code = "ValidationError"
			}
			s.refused(t, s.form("Action=GetFederationToken&Name=feda&Version=2011-06-15&Policy="+url.QueryEscape(document)).sign(s.by("sts")), sts)
			in := map[string]any{"KeyId": key, "Policy": document}
			kms := want{status: 400, code: "MalformedPolicyDocumentException", message: "*", recorded: true}
			s.refused(t, s.try(t, "PutKeyPolicy", in), kms)
			in["BypassPolicyLockoutSafetyCheck"] = true
			s.refused(t, s.try(t, "PutKeyPolicy", in), kms)
			s.refused(t, s.try(t, "CreateKey", map[string]any{"Policy": document}), kms)
		})
	}
	identity := map[string]string{
		"Principal":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`,
		"NotPrincipal": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}`,
		"no Resource":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*"}]}`,
		"bad Resource": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"everything"}]}`,
	}
	for name, document := range identity {
		t.Run("identity: "+name, func(t *testing.T) {
			s.refused(t, s.form("Action=CreatePolicy&PolicyName=p"+iamVersion+"&PolicyDocument="+url.QueryEscape(document)).sign(s.by("iam")), iam)
		})
	}
	trust := map[string]string{
		"no Principal":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`,
		"NotPrincipal":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`,
		"Resource":      `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`,
		"other service": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*"}]}`,
		"nobody":        `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/nobody"},"Action":"sts:AssumeRole"}]}`,
	}
	for name, document := range trust {
		t.Run("trust: "+name, func(t *testing.T) {
			s.refused(t, s.form("Action=CreateRole&RoleName=r"+iamVersion+"&AssumeRolePolicyDocument="+url.QueryEscape(document)).sign(s.by("iam")), iam)
		})
	}
	ofKey := map[string]string{
		"no Principal":   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`,
		"unknown user":   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/nobody"},"Action":"kms:*","Resource":"*"}]}`,
		"locks us out":   `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`,
		"no such kind":   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"GCP":"x"},"Action":"kms:*","Resource":"*"}]}`,
		"half of an ARN": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `"},"Action":"kms:*","Resource":"*"}]}`,
	}
	for name, document := range ofKey {
		t.Run("key: "+name, func(t *testing.T) {
			s.refused(t, s.try(t, "PutKeyPolicy", map[string]any{"KeyId": key, "Policy": document}), want{status: 400, code: "MalformedPolicyDocumentException", message: "*", recorded: true})
		})
	}
}

func TestOversizedPolicies(t *testing.T) {
	s := start(t)
	key := s.createKey(t, "{}")
	long := func(n int) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":"` + strings.Repeat("x", n) + `"}}}]}`
	}
	s.refused(t, s.form("Action=CreatePolicy&PolicyName=p"+iamVersion+"&PolicyDocument="+url.QueryEscape(long(6144))).sign(s.by("iam")),
		want{status: 409, code: "LimitExceeded", contains: "6144", recorded: true})
	s.refused(t, s.form("Action=CreatePolicy&PolicyName=p"+iamVersion+"&PolicyDocument="+url.QueryEscape(long(131073))).sign(s.by("iam")),
		want{status: 400, code: "ValidationError", contains: "131072", recorded: true})
	s.refused(t, s.try(t, "PutKeyPolicy", map[string]any{"KeyId": key, "Policy": long(33000)}), want{status: 400, code: "LimitExceededException", message: "*", recorded: true})
}

// Patterns made to be slow are matched in a time that the product of two bounded sizes
// bounds; one that grows faster would not end within the patience of a connection.
func TestWildcardBombs(t *testing.T) {
	s := start(t)
	const value = 16 << 10
	for name, pattern := range map[string]string{
		"many asterisks":     strings.Repeat("*a", 5000) + "b",
		"asterisks only":     strings.Repeat("*", 10000) + "b",
		"one long run":       "*" + strings.Repeat("a", 10000) + "b*",
		"question marks":     "*" + strings.Repeat("?", 10000) + "b*",
		"a run with a query": "*" + strings.Repeat("a", 5000) + "?" + strings.Repeat("a", 5000) + "b*",
		"alternating":        strings.Repeat("*?", 5000) + "b",
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
				map[string]any{"Effect": "Allow", "Principal": map[string]string{"AWS": "arn:aws:iam::" + account + ":root"}, "Action": "kms:*", "Resource": "*"},
				map[string]any{"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": map[string]any{"StringLike": map[string]string{"kms:EncryptionContext:a": pattern}}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			key := s.createKey(t, "{}")
			if a := s.send(t, s.try(t, "PutKeyPolicy", map[string]any{"KeyId": key, "Policy": string(policy)})); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			a := s.send(t, s.try(t, "Encrypt", map[string]any{"KeyId": key, "Plaintext": canary, "EncryptionContext": map[string]string{"a": strings.Repeat("a", value)}}))
			if a.status != http.StatusOK {
				t.Errorf("%d %.300s", a.status, a.body)
			}
		})
	}
}
