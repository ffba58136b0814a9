package reference

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"fastness/internal/secretsagent"
)

const (
	anID  = "5767290c-d089-49ed-b97c-17086f8c9d79"
	anARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-NhBWsc"
	pARN  = "arn:aws:ssm:us-east-1:111122223333:parameter/a/b"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Reference{
		"secretsmanager:prod/db":                    {Name: "prod/db"},
		"secretsmanager:prod/db:password":           {Name: "prod/db", Key: "password"},
		"secretsmanager:db:password:AWSPREVIOUS":    {Name: "db", Key: "password", Stage: "AWSPREVIOUS"},
		"secretsmanager:db::AWSPREVIOUS":            {Name: "db", Stage: "AWSPREVIOUS"},
		"secretsmanager:db:k:" + anID:               {Name: "db", Key: "k", Version: anID},
		"secretsmanager:db:::" + anID[:32]:          {Name: "db", Version: anID[:32]},
		"secretsmanager:db:a key with spaces":       {Name: "db", Key: "a key with spaces"},
		"secretsmanager:" + anARN:                   {Name: anARN},
		"secretsmanager:" + anARN + ":k:AWSPENDING": {Name: anARN, Key: "k", Stage: "AWSPENDING"},
		"ssm:/a/b":           {Parameter: true, Name: "/a/b"},
		"ssm:/a/b:3":         {Parameter: true, Name: "/a/b", Version: "3"},
		"ssm:name:live":      {Parameter: true, Name: "name", Version: "live"},
		"ssm:" + pARN:        {Parameter: true, Name: pARN},
		"ssm:" + pARN + ":7": {Parameter: true, Name: pARN, Version: "7"},
		"ssm:/aws/reference/secretsmanager/a+b@c:x":                                    {Parameter: true, Name: "/aws/reference/secretsmanager/a+b@c", Version: "x"},
		"{{resolve:ssm:S3AccessControl:2}}":                                            {Parameter: true, Name: "S3AccessControl", Version: "2", Plain: true},
		"{{resolve:ssm:/a}}":                                                           {Parameter: true, Name: "/a", Plain: true},
		"{{resolve:ssm-secure:IAMUserPassword:10}}":                                    {Parameter: true, Name: "IAMUserPassword", Version: "10"},
		"{{resolve:secretsmanager:MySecret}}":                                          {Name: "MySecret"},
		"{{resolve:secretsmanager:MySecret::::}}":                                      {Name: "MySecret"},
		"{{resolve:secretsmanager:MySecret:SecretString:username}}":                    {Name: "MySecret", Key: "username"},
		"{{resolve:secretsmanager:MySecret:SecretString:password:AWSPREVIOUS}}":        {Name: "MySecret", Key: "password", Stage: "AWSPREVIOUS"},
		"{{resolve:secretsmanager:" + anARN + ":SecretString:password::" + anID + "}}": {Name: anARN, Key: "password", Version: anID},
	} {
		v, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want.Text = text
		if got := v.References(); !reflect.DeepEqual(got, []Reference{want}) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestParseLeavesTextAlone(t *testing.T) {
	for _, text := range []string{"", "x", "ssm", "secretsmanager", "SSM:/a", " ssm:/a", "{{resolv:ssm:a}}", "{{ resolve:ssm:a}}", "}}", "{{", "arn:aws:ssm:::"} {
		if v, err := Parse(text); err != nil || v.HasReferences() {
			t.Errorf("%q: %+v, %v", text, v, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"secretsmanager:", "secretsmanager::key", "secretsmanager:a b", "secretsmanager:db:k:s:v:x", "secretsmanager:db:k:AWSCURRENT:" + anID,
		"secretsmanager:db:k:a stage", "secretsmanager:db:k::short", "secretsmanager:arn:aws:s3:::x", "secretsmanager:arn:", "secretsmanager:" + strings.Repeat("a", 513),
		"ssm:", "ssm::3", "ssm:/a:3:4", "ssm:/a:", "ssm:/a b", "ssm:arn:aws:ssm:::document/x",
		"{{resolve:", "{{resolve:ssm:a", "{{resolve:}}", "{{resolve:s3:a}}", "{{resolve:ssm:a:latest}}", "{{resolve:ssm:a:0}}", "{{resolve:ssm:a:1:2}}",
		"{{resolve:secretsmanager:a:SecretBinary}}", "{{resolve:secretsmanager:a:SecretString:k:s:v:x}}", "{{resolve:secretsmanager:}}",
		"{{resolve:ssm:{{resolve:ssm:a}}}}", strings.Repeat("{{resolve:ssm:a}}", MaxReferences+1),
	} {
		if v, err := Parse(text); err == nil {
			t.Errorf("%.60q is %+v", text, v.References())
		} else if len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the value: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"secretsmanager:a:b:c", "ssm:/a:1", "x{{resolve:ssm:a:1}}y{{resolve:secretsmanager:a:SecretString:k::}}", "{{resolve:ssm-secure:" + pARN + ":1}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		// Text and references, one after another, are what was read.
		var b strings.Builder
		for _, p := range v.parts {
			if p.ref == nil {
				b.WriteString(p.text)
				continue
			}
			b.WriteString(p.ref.Text)
			if p.ref.Name == "" || p.ref.Stage != "" && p.ref.Version != "" {
				t.Errorf("%q: %+v", text, *p.ref)
			}
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
	})
}

// vault is a source with state of its own.
type vault struct {
	secrets    map[secretsagent.SecretQuery]secretsagent.Secret
	parameters map[secretsagent.ParameterQuery]secretsagent.Parameter
	asked      int
}

var errAway = errors.New("away")

func (v *vault) Secret(_ context.Context, q secretsagent.SecretQuery) (*secretsagent.Secret, error) {
	v.asked++
	if s, ok := v.secrets[q]; ok {
		return &s, nil
	}
	return nil, errAway
}

func (v *vault) Parameter(_ context.Context, q secretsagent.ParameterQuery) (*secretsagent.Parameter, error) {
	v.asked++
	if p, ok := v.parameters[q]; ok {
		return &p, nil
	}
	return nil, errAway
}

func newVault() *vault {
	const text = `{"user":"u","password":"p\u00e4ss{{resolve:ssm:/p}}","port":5432,"tls":true,"big":12345678901234567890,"none":null,"deep":{"a":1},"list":[1],"nul":"a\u0000b"}`
	return &vault{
		secrets: map[secretsagent.SecretQuery]secretsagent.Secret{
			{ID: "db"}: {String: new(text)}, {ID: "db", VersionStage: "AWSPREVIOUS"}: {String: new(`{"user":"old"}`)},
			{ID: "text"}: {String: new("hunter2")}, {ID: "null"}: {String: new("null")}, {ID: "bin"}: {Binary: []byte{1}},
		},
		parameters: map[secretsagent.ParameterQuery]secretsagent.Parameter{
			{Name: "/p", Decrypt: true}:                {Type: "SecureString", Value: "clear"},
			{Name: "/p"}:                               {Type: "SecureString", Value: "cipher"},
			{Name: "/p", Selector: "3", Decrypt: true}: {Type: "SecureString", Value: "third"},
			{Name: "/s"}:                               {Type: "String", Value: "s"},
		},
	}
}

func TestResolve(t *testing.T) {
	for text, want := range map[string]string{
		"secretsmanager:text":                "hunter2",
		"secretsmanager:db:user":             "u",
		"secretsmanager:db:user:AWSPREVIOUS": "old",
		"secretsmanager:db:port":             "5432",
		"secretsmanager:db:tls":              "true",
		"secretsmanager:db:big":              "12345678901234567890",
		"ssm:/p":                             "clear",
		"ssm:/p:3":                           "third",
		"{{resolve:ssm-secure:/p}}":          "clear",
		"postgres://{{resolve:secretsmanager:db:SecretString:user}}:{{resolve:secretsmanager:db:SecretString:password}}@{{resolve:ssm:/s}}/": "postgres://u:päss{{resolve:ssm:/p}}@s/",
		"plain": "plain",
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := NewResolver(newVault()).Resolve(t.Context(), v); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestResolveFailsWithoutTellingValues(t *testing.T) {
	for text, want := range map[string]string{
		"secretsmanager:gone":      "secretsmanager:gone: away",
		"ssm:/gone":                "ssm:/gone: away",
		"secretsmanager:text:user": "not a JSON object",
		"secretsmanager:null:user": "not a JSON object",
		"secretsmanager:db:nobody": "no member of this name",
		"secretsmanager:db:none":   "not a string, a number or a boolean",
		"secretsmanager:db:deep":   "not a string, a number or a boolean",
		"secretsmanager:db:list":   "not a string, a number or a boolean",
		"secretsmanager:db:nul":    "NUL",
		"secretsmanager:bin":       "binary",
		"a{{resolve:ssm:/p}}":      "{{resolve:ssm:/p}}: the parameter is a SecureString: write ssm-secure",
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewResolver(newVault()).Resolve(t.Context(), v)
		if err == nil || !strings.Contains(err.Error(), want) || got != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestResolverAsksOnce(t *testing.T) {
	source := newVault()
	r := NewResolver(source)
	for _, text := range []string{"secretsmanager:db:user", "secretsmanager:db:port", "ssm:/p", "{{resolve:ssm-secure:/p}}x"} {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Resolve(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if source.asked != 2 {
		t.Errorf("asked %d times", source.asked)
	}
}

func TestParseEnvFile(t *testing.T) {
	got, err := ParseEnvFile("# comment\n\nA=1\r\n  # x\n_b2==x \nC=\nD=ssm:/a")
	want := []Assignment{{"A", "1"}, {"_b2", "=x "}, {"C", ""}, {"D", "ssm:/a"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"A", "=x", "1A=x", "A B=x", " A=x", "export A=x", "A=\x00", "A=1\nhunter2", strings.Repeat("#", MaxEnvFileBytes+1)} {
		if got, err := ParseEnvFile(text); err == nil {
			t.Errorf("%.20q: %q", text, got)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
}

func FuzzEnvFile(f *testing.F) {
	f.Add("A=1\n#x\nB=ssm:/a\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseEnvFile(text)
		for _, a := range all {
			if !isName(a.Name) || strings.ContainsAny(a.Value, "\x00\n") || err != nil {
				t.Errorf("%q, %v", a, err)
			}
		}
	})
}
