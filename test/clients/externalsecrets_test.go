package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// A poll loop as the External Secrets Operator has one: a controller with an assumed role
// fetches what its resources refer to, again and again, and notes for each what it found: the
// value with its version, that it is gone, or that it may not be read. The calls are those of
// the operator's AWS provider for Secrets Manager and for Parameter Store.

// reference is what one resource of the operator points to.
type reference struct {
	name  string // of the resource
	fetch func(ctx context.Context, c *controller) (polled, error)
}

// polled is what is known of a resource after a poll.
type polled struct {
	// condition is Synced, Deleted, Denied or Error.
	condition string
	values    map[string]string
	version   string // of Secrets Manager or Parameter Store; several are joined
}

func (s polled) equal(o polled) bool {
	return s.condition == o.condition && s.version == o.version && maps.Equal(s.values, o.values)
}

func (s polled) String() string { return fmt.Sprint(s.condition, " ", s.version, " ", s.values) }

// controller polls.
type controller struct {
	secrets    *secretsmanager.Client
	parameters *ssm.Client
	references []reference

	mu       sync.Mutex
	sessions map[string]bool // access keys of the role's sessions
	changes  chan map[string]polled
}

// newController makes a controller that assumes a role anew for every poll: its credentials
// are never younger than the window in which they are renewed.
func newController(as aws.Credentials, role string) *controller {
	c := &controller{sessions: map[string]bool{}, changes: make(chan map[string]polled, 1)}
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(server.config(as, region)), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "external-secrets"
		o.Duration = 15 * time.Minute
	})
	config := server.config(as, region)
	config.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		got, err := provider.Retrieve(ctx)
		if err == nil {
			c.mu.Lock()
			c.sessions[got.AccessKeyID] = true
			c.mu.Unlock()
		}
		return got, err
	}), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 15 * time.Minute })
	c.secrets, c.parameters = secretsmanager.NewFromConfig(config), ssm.NewFromConfig(config)
	return c
}

// refreshInterval is the pause between two polls of the loop.
const refreshInterval = 20 * time.Millisecond

// run polls until ctx is done, and sends the whole of what is known whenever something of it
// has changed.
func (c *controller) run(ctx context.Context) {
	known := map[string]polled{}
	for tick := time.NewTicker(refreshInterval); ; {
		now := c.poll(ctx)
		if ctx.Err() != nil {
			return
		}
		if !maps.EqualFunc(now, known, polled.equal) {
			select {
			case c.changes <- maps.Clone(now):
				known = now
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// poll fetches everything once. What one resource meets is no concern of the others.
func (c *controller) poll(ctx context.Context) map[string]polled {
	all := map[string]polled{}
	for _, r := range c.references {
		got, err := r.fetch(ctx, c)
		if err != nil {
			got = polled{condition: conditionOf(err)}
		} else {
			got.condition = "Synced"
		}
		all[r.name] = got
	}
	return all
}

// conditionOf tells errors apart as the operator's provider does.
func conditionOf(err error) string {
	var gone *secretstypes.ResourceNotFoundException
	var invalid *secretstypes.InvalidRequestException
	var missing *ssmtypes.ParameterNotFound
	var api smithy.APIError
	switch {
	case errors.As(err, &gone), errors.As(err, &missing),
		errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "was marked for deletion"):
		return "Deleted"
	case errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException":
		return "Denied"
	}
	return "Error"
}

// await returns once what is known meets a condition.
func (c *controller) await(t *testing.T, what string, ok func(now map[string]polled) bool) map[string]polled {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case now := <-c.changes:
			if ok(now) {
				return now
			}
		case <-deadline:
			t.Fatalf("the controller did not see: %s", what)
		}
	}
}

// secretValue is the value of a secret, with the version that a key names ("uuid/...", or a
// staging label, as the operator has it).
func secretValue(id, version string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		in := &secretsmanager.GetSecretValueInput{SecretId: &id, VersionStage: aws.String("AWSCURRENT")}
		if uuid, ok := strings.CutPrefix(version, "uuid/"); ok {
			in.VersionId, in.VersionStage = &uuid, nil
		} else if version != "" {
			in.VersionStage = &version
		}
		out, err := c.secrets.GetSecretValue(ctx, in)
		if err != nil {
			return polled{}, err
		}
		s := polled{version: *out.VersionId, values: map[string]string{}}
		if out.SecretString == nil {
			s.values["binary"] = string(out.SecretBinary)
			return s, nil
		}
		var properties map[string]string
		if json.Unmarshal([]byte(*out.SecretString), &properties) == nil {
			s.values = properties
		} else {
			s.values["value"] = *out.SecretString
		}
		return s, nil
	}
}

// secretTags is metadataPolicy: Fetch.
func secretTags(id string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		out, err := c.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
		if err != nil {
			return polled{}, err
		}
		if out.DeletedDate != nil {
			return polled{}, &secretstypes.ResourceNotFoundException{}
		}
		s := polled{values: map[string]string{}}
		for _, tag := range out.Tags {
			s.values[*tag.Key] = *tag.Value
		}
		return s, nil
	}
}

// secretsNamed is find.name: all secrets are listed, those whose names match are read.
func secretsNamed(prefix string, pattern *regexp.Regexp) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		s := polled{values: map[string]string{}}
		pages := secretsmanager.NewListSecretsPaginator(c.secrets, &secretsmanager.ListSecretsInput{
			MaxResults: aws.Int32(3), Filters: []secretstypes.Filter{{Key: secretstypes.FilterNameStringTypeName, Values: []string{prefix}}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return s, err
			}
			for _, listed := range page.SecretList {
				if !pattern.MatchString(*listed.Name) {
					continue
				}
				one, err := secretValue(*listed.Name, "")(ctx, c)
				if err != nil {
					return s, err
				}
				s.values[*listed.Name] = one.values["value"]
			}
		}
		return s, nil
	}
}

// secretsTagged is find.tags: one batch after another.
func secretsTagged(key, value string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		s := polled{values: map[string]string{}}
		pages := secretsmanager.NewBatchGetSecretValuePaginator(c.secrets, &secretsmanager.BatchGetSecretValueInput{
			MaxResults: aws.Int32(2), Filters: []secretstypes.Filter{
				{Key: secretstypes.FilterNameStringTypeTagKey, Values: []string{key}}, {Key: secretstypes.FilterNameStringTypeTagValue, Values: []string{value}},
			},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return s, err
			}
			for _, v := range page.SecretValues {
				s.values[*v.Name] = aws.ToString(v.SecretString)
			}
			for _, e := range page.Errors {
				return s, &smithy.GenericAPIError{Code: *e.ErrorCode, Message: aws.ToString(e.Message)}
			}
		}
		return s, nil
	}
}

// parameterValue is a parameter, with a version behind its name or without.
func parameterValue(name string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		out, err := c.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return polled{}, err
		}
		return polled{version: fmt.Sprint(out.Parameter.Version), values: map[string]string{"value": *out.Parameter.Value}}, nil
	}
}

// parametersNamed reads several at once; one that is missing is as if all were.
func parametersNamed(names ...string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		out, err := c.parameters.GetParameters(ctx, &ssm.GetParametersInput{Names: names, WithDecryption: aws.Bool(true)})
		if err != nil {
			return polled{}, err
		}
		if len(out.InvalidParameters) > 0 {
			return polled{}, &ssmtypes.ParameterNotFound{}
		}
		return parametersState(out.Parameters), nil
	}
}

func parametersState(list []ssmtypes.Parameter) polled {
	s := polled{values: map[string]string{}}
	for _, p := range list {
		s.values[*p.Name] = *p.Value
		s.version += fmt.Sprint(p.Version, " ")
	}
	return s
}

// parametersBelow is find.path.
func parametersBelow(path string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		var all []ssmtypes.Parameter
		pages := ssm.NewGetParametersByPathPaginator(c.parameters, &ssm.GetParametersByPathInput{Path: &path, Recursive: aws.Bool(true), WithDecryption: aws.Bool(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return polled{}, err
			}
			all = append(all, page.Parameters...)
		}
		return parametersState(all), nil
	}
}

// parametersTagged is find.tags, and fetches the tags of each as well.
func parametersTagged(key, value string) func(context.Context, *controller) (polled, error) {
	return func(ctx context.Context, c *controller) (polled, error) {
		s := polled{values: map[string]string{}}
		pages := ssm.NewDescribeParametersPaginator(c.parameters, &ssm.DescribeParametersInput{
			MaxResults: aws.Int32(2), ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("tag:" + key), Values: []string{value}, Option: aws.String("Equals")}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return s, err
			}
			for _, p := range page.Parameters {
				one, err := parameterValue(*p.Name)(ctx, c)
				if err != nil {
					return s, err
				}
				tags, err := c.parameters.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: p.Name})
				if err != nil {
					return s, err
				}
				s.values[*p.Name] = fmt.Sprint(one.values["value"], len(tags.TagList))
			}
		}
		return s, nil
	}
}

// TestExternalSecrets has the controller see a changed version, a deletion and its taking back,
// a removal for good, a denial and its end, and a key that is disabled; each poll has
// credentials of its own.
func TestExternalSecrets(t *testing.T) {
	ctx := t.Context()
	admin, parameters := secretsClient(region), ssmIn(server, server.credentials)
	keys := kms.NewFromConfig(server.config(server.credentials, region))
	user := newUser(t, "operator-of-external-secrets", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::`+account+`:role/external-secrets"}]}`)
	role := must[*iam.CreateRoleOutput](t)(iamClient().CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 aws.String("external-secrets"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/operator-of-external-secrets"},"Action":"sts:AssumeRole"}]}`),
	})).Role
	// The policies of the operator's documentation.
	allow := func(name, document string) {
		t.Helper()
		must[*iam.PutRolePolicyOutput](t)(iamClient().PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: &name, PolicyDocument: &document}))
	}
	key := must[*kms.CreateKeyOutput](t)(keys.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata
	allow("reads", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["secretsmanager:ListSecrets","secretsmanager:BatchGetSecretValue","ssm:DescribeParameters"],"Resource":"*"},
		{"Effect":"Allow","Action":["secretsmanager:GetResourcePolicy","secretsmanager:GetSecretValue","secretsmanager:DescribeSecret","secretsmanager:ListSecretVersionIds"],
		 "Resource":"arn:aws:secretsmanager:`+region+`:`+account+`:secret:eso/*"},
		{"Effect":"Allow","Action":["ssm:GetParameter*","ssm:ListTagsForResource"],"Resource":"arn:aws:ssm:`+region+`:`+account+`:parameter/eso*"},
		{"Effect":"Allow","Action":"kms:Decrypt","Resource":"`+*key.Arn+`"}]}`)

	secret := func(in *secretsmanager.CreateSecretInput) *secretsmanager.CreateSecretOutput {
		t.Helper()
		in.Tags = []secretstypes.Tag{{Key: aws.String("team"), Value: aws.String("eso-blue")}}
		return must[*secretsmanager.CreateSecretOutput](t)(admin.CreateSecret(ctx, in))
	}
	db := secret(&secretsmanager.CreateSecretInput{Name: aws.String("eso/db"), SecretString: aws.String(`{"username":"app","password":"one"}`), KmsKeyId: key.KeyId})
	secret(&secretsmanager.CreateSecretInput{Name: aws.String("eso/binary"), SecretBinary: []byte{0, 1, 0xfe}})
	for i := range 7 {
		secret(&secretsmanager.CreateSecretInput{Name: aws.String(fmt.Sprintf("eso/many-%d", i)), SecretString: aws.String(fmt.Sprint("v", i))})
	}
	put := func(name, value string, kind ssmtypes.ParameterType, more ...func(*ssm.PutParameterInput)) {
		t.Helper()
		in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind}
		for _, f := range more {
			f(in)
		}
		must[*ssm.PutParameterOutput](t)(parameters.PutParameter(ctx, in))
	}
	overwrite := func(in *ssm.PutParameterInput) { in.Overwrite = aws.Bool(true) }
	tagged := func(in *ssm.PutParameterInput) {
		in.Tags = []ssmtypes.Tag{{Key: aws.String("eso-team"), Value: aws.String("blue")}, {Key: aws.String("k"), Value: aws.String("v")}}
	}
	put("/eso/plain", "p1", ssmtypes.ParameterTypeString)
	put("/eso/plain", "p2", ssmtypes.ParameterTypeString, overwrite)
	put("/eso/secure", "s1", ssmtypes.ParameterTypeSecureString, func(in *ssm.PutParameterInput) { in.KeyId = key.KeyId })
	for i := range 23 {
		put(fmt.Sprintf("/eso/tree/%c/%d", 'a'+i%3, i), fmt.Sprint("t", i), ssmtypes.ParameterTypeString)
	}
	for i := range 5 {
		put(fmt.Sprintf("/eso/tagged-%d", i), fmt.Sprint("g", i), ssmtypes.ParameterTypeString, tagged)
	}

	c := newController(user, *role.Arn)
	c.references = []reference{
		{"database", secretValue("eso/db", "")},
		{"database, by its ARN", secretValue(*db.ARN, "")},
		{"database, first version", secretValue("eso/db", "uuid/"+*db.VersionId)},
		{"database, previous", secretValue("eso/db", "AWSPREVIOUS")},
		{"binary", secretValue("eso/binary", "")},
		{"tags", secretTags("eso/many-1")},
		{"by name", secretsNamed("eso/", regexp.MustCompile(`^eso/many-[0-4]$`))},
		{"by tag", secretsTagged("team", "eso-blue")},
		{"plain", parameterValue("/eso/plain")},
		{"plain, first version", parameterValue("/eso/plain:1")},
		{"secure", parameterValue("/eso/secure")},
		{"two", parametersNamed("/eso/plain", "/eso/secure")},
		{"below a path", parametersBelow("/eso/tree")},
		{"parameters by tag", parametersTagged("eso-team", "blue")},
		{"of another", secretValue("nothing/of/eso", "")},
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.run(running)
	}()
	defer func() {
		stop()
		<-ended
	}()
	secretNames := func(name string) bool {
		return !strings.HasPrefix(name, "of another") && !strings.HasPrefix(name, "database, previous")
	}
	now := c.await(t, "everything", func(now map[string]polled) bool {
		for name, s := range now {
			if secretNames(name) && s.condition != "Synced" {
				return false
			}
		}
		return true
	})
	for name, want := range map[string]polled{
		"database":                {"Synced", map[string]string{"username": "app", "password": "one"}, *db.VersionId},
		"database, by its ARN":    {"Synced", map[string]string{"username": "app", "password": "one"}, *db.VersionId},
		"database, previous":      {condition: "Deleted"},
		"plain":                   {"Synced", map[string]string{"value": "p2"}, "2"},
		"plain, first version":    {"Synced", map[string]string{"value": "p1"}, "1"},
		"secure":                  {"Synced", map[string]string{"value": "s1"}, "1"},
		"two":                     {"Synced", map[string]string{"/eso/plain": "p2", "/eso/secure": "s1"}, "2 1 "},
		"tags":                    {"Synced", map[string]string{"team": "eso-blue"}, ""},
		"of another":              {condition: "Denied"}, // whether there is one it does not learn
		"database, first version": {"Synced", map[string]string{"username": "app", "password": "one"}, *db.VersionId},
	} {
		if !now[name].equal(want) {
			t.Errorf("%s is %v, want %v", name, now[name], want)
		}
	}
	if got := now["binary"].values["binary"]; got != "\x00\x01\xfe" {
		t.Errorf("binary %q", got)
	}
	if got := now["by name"].values; len(got) != 5 || got["eso/many-3"] != "v3" {
		t.Errorf("by name %v", got)
	}
	if got := now["by tag"].values; len(got) != 9 {
		t.Errorf("by tag %v", got)
	}
	if got := now["below a path"].values; len(got) != 23 || got["/eso/tree/b/22"] != "t22" {
		t.Errorf("below a path %v", got)
	}
	if got := now["parameters by tag"].values; len(got) != 5 || got["/eso/tagged-2"] != "g22" {
		t.Errorf("parameters by tag %v", got)
	}

	// A changed version.
	changed := must[*secretsmanager.PutSecretValueOutput](t)(admin.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: db.Name, SecretString: aws.String(`{"username":"app","password":"two"}`)}))
	put("/eso/secure", "s2", ssmtypes.ParameterTypeSecureString, overwrite, func(in *ssm.PutParameterInput) { in.KeyId = key.KeyId })
	now = c.await(t, "new versions", func(now map[string]polled) bool {
		return now["database"].version == *changed.VersionId && now["secure"].version == "2" && now["database, previous"].condition == "Synced"
	})
	if now["database"].values["password"] != "two" || now["database, previous"].values["password"] != "one" || now["database, first version"].values["password"] != "one" || now["secure"].values["value"] != "s2" {
		t.Errorf("after the change %v", now)
	}

	// A deletion, taken back, and one that is not.
	must[*secretsmanager.DeleteSecretOutput](t)(admin.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: db.Name, RecoveryWindowInDays: aws.Int64(7)}))
	now = c.await(t, "the deletion", func(now map[string]polled) bool { return now["database"].condition == "Deleted" })
	if len(now["by tag"].values) != 8 {
		now = c.await(t, "the batch without it", func(now map[string]polled) bool { return len(now["by tag"].values) == 8 })
	}
	if now["by tag"].condition != "Synced" {
		t.Errorf("by tag %v", now["by tag"])
	}
	must[*secretsmanager.RestoreSecretOutput](t)(admin.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: db.Name}))
	c.await(t, "the restored secret", func(now map[string]polled) bool {
		return now["database"].condition == "Synced" && len(now["by tag"].values) == 9
	})
	must[*secretsmanager.DeleteSecretOutput](t)(admin.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String("eso/binary"), ForceDeleteWithoutRecovery: aws.Bool(true)}))
	must[*ssm.DeleteParameterOutput](t)(parameters.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/eso/plain")}))
	now = c.await(t, "what is gone", func(now map[string]polled) bool {
		return now["binary"].condition != "Synced" && now["plain"].condition == "Deleted" && now["two"].condition == "Deleted"
	})
	if now["binary"].condition != "Deleted" || now["plain, first version"].condition != "Deleted" {
		t.Errorf("what is gone: %v", now)
	}

	// A key that is disabled: neither deleted nor denied.
	must[*kms.DisableKeyOutput](t)(keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))
	c.await(t, "the disabled key", func(now map[string]polled) bool {
		return now["database"].condition == "Error" && now["secure"].condition == "Error" && now["by tag"].condition == "Error" && now["tags"].condition == "Synced"
	})
	must[*kms.EnableKeyOutput](t)(keys.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))
	c.await(t, "the enabled key", func(now map[string]polled) bool {
		return now["database"].condition == "Synced" && now["secure"].condition == "Synced" && now["by tag"].condition == "Synced"
	})

	// Denied, and allowed again.
	allow("denies", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["secretsmanager:GetSecretValue","ssm:GetParameter*"],"Resource":"*"}]}`)
	now = c.await(t, "the denial", func(now map[string]polled) bool {
		return now["database"].condition == "Denied" && now["by tag"].condition == "Denied" && now["below a path"].condition == "Denied" && now["secure"].condition == "Denied"
	})
	if now["tags"].condition != "Synced" || now["by name"].condition != "Denied" {
		t.Errorf("denied: %v", now)
	}
	must[*iam.DeleteRolePolicyOutput](t)(iamClient().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("denies")}))
	c.await(t, "the end of the denial", func(now map[string]polled) bool {
		return now["database"].condition == "Synced" && now["by tag"].condition == "Synced" && now["below a path"].condition == "Synced"
	})

	c.mu.Lock()
	sessions := slices.Collect(maps.Keys(c.sessions))
	c.mu.Unlock()
	if len(sessions) < 10 {
		t.Errorf("the role was assumed %d times", len(sessions))
	}
	// Who may no longer assume the role gets no further.
	must[*iam.DeleteUserPolicyOutput](t)(iamClient().DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String("operator-of-external-secrets"), PolicyName: aws.String("inline")}))
	must[*iam.UpdateAssumeRolePolicyOutput](t)(iamClient().UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
		RoleName: role.RoleName, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"sts:AssumeRole"}]}`),
	}))
	c.await(t, "the end of the role", func(now map[string]polled) bool {
		for _, s := range now {
			if s.condition == "Synced" {
				return false
			}
		}
		return true
	})
}
