package secretsmanager

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	api "fastness/internal/api/secretsmanagerapi"
	"fastness/internal/wire"
)

func (h *harness) names(in *api.ListSecretsRequest) []string {
	h.Helper()
	var names []string
	for {
		out, err := h.admin().ListSecrets(h.Context(), in)
		h.must(err)
		for _, s := range out.SecretList {
			names = append(names, *s.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names
		}
	}
}

func TestListsAreSortedAndPaged(t *testing.T) {
	h := newHarness(t)
	for i, name := range []string{"c", "a", "e", "b", "d"} {
		h.clock.Advance(time.Hour)
		h.create(name, strconv.Itoa(i))
	}
	h.clock.Advance(time.Hour)
	h.put("c", "x", 2)
	h.clock.Advance(24 * time.Hour)
	for _, name := range []string{"e", "a"} {
		_, err := h.value(h.admin(), name, "")
		h.must(err)
		h.clock.Advance(24 * time.Hour)
	}
	h.must(h.service.FlushReads(t.Context()))
	for _, c := range []struct {
		by    api.SortByType
		order api.SortOrderType
		want  string
	}{
		{"", "", "caebd"}, {api.SortByTypeCreatedDate, api.SortOrderTypeDesc, "dbeac"},
		{api.SortByTypeName, api.SortOrderTypeAsc, "abcde"}, {api.SortByTypeName, api.SortOrderTypeDesc, "edcba"},
		{api.SortByTypeLastChangedDate, api.SortOrderTypeAsc, "aebdc"}, {api.SortByTypeLastChangedDate, api.SortOrderTypeDesc, "cdbea"},
		{api.SortByTypeLastAccessedDate, api.SortOrderTypeAsc, "bcdea"}, {api.SortByTypeLastAccessedDate, api.SortOrderTypeDesc, "aedcb"},
	} {
		for _, size := range []int32{1, 2, 100} {
			in := &api.ListSecretsRequest{MaxResults: &size}
			if c.by != "" {
				in.SortBy = &c.by
			}
			if c.order != "" {
				in.SortOrder = &c.order
			}
			if got := strings.Join(h.names(in), ""); got != c.want {
				t.Errorf("%s %s in pages of %d: %s, want %s", c.by, c.order, size, got, c.want)
			}
		}
	}
	out, err := h.admin().ListSecrets(t.Context(), &api.ListSecretsRequest{MaxResults: new(int32(2))})
	h.must(err)
	for _, in := range []*api.ListSecretsRequest{
		{NextToken: new("x")},
		{NextToken: new(*out.NextToken + "A")},
		{NextToken: out.NextToken, SortBy: new(api.SortByTypeName)},
		{NextToken: out.NextToken, Filters: []api.Filter{{Key: new(api.FilterNameStringTypeName), Values: []string{"a"}}}},
	} {
		_, err := h.admin().ListSecrets(t.Context(), in)
		h.want(err, "InvalidNextTokenException", "")
	}
	_, err = h.as(root(otherAccount), testRegion).ListSecrets(t.Context(), &api.ListSecretsRequest{NextToken: out.NextToken})
	h.want(err, "InvalidNextTokenException", "")
	h.must(remove("a", 7)(h.admin()))
	if got := strings.Join(h.names(&api.ListSecretsRequest{}), ""); got != "cebd" {
		t.Errorf("without the one marked for deletion: %s", got)
	}
	if got := strings.Join(h.names(&api.ListSecretsRequest{IncludePlannedDeletion: new(true)}), ""); got != "caebd" {
		t.Errorf("with it: %s", got)
	}
}

// What AWS finds is known from its own answers, as moto's tests marked aws_verified record
// them: words begin at separators and capitals, and every word of a value has to begin one.
func TestFilters(t *testing.T) {
	h := newHarness(t)
	make := func(name, description string, tags ...string) {
		in := &api.CreateSecretRequest{Name: &name}
		if description != "" {
			in.Description = &description
		}
		for i := 0; i < len(tags); i += 2 {
			in.Tags = append(in.Tags, api.Tag{Key: &tags[i], Value: &tags[i+1]})
		}
		_, err := h.admin().CreateSecret(t.Context(), in)
		h.must(err)
		h.clock.Advance(time.Second)
	}
	make("prod/AppBeta/1", "one two")
	make("uat/COMPANYthings/2", "one and Two", "env", "Blue")
	make("Thirdsecret", "", "Foo", "bar892x")
	f := func(key string, values ...string) []api.Filter {
		return []api.Filter{{Key: new(api.FilterNameStringType(key)), Values: values}}
	}
	for _, c := range []struct {
		filters []api.Filter
		want    string
	}{
		{f("name", "prod"), "1"}, {f("name", "Prod"), ""}, {f("name", "AppBeta"), ""}, {f("name", "prod", "uat"), "12"}, {f("name", "!prod"), "23"},
		{f("description", "ONE"), "12"}, {f("description", "o t"), "12"}, {f("description", "and"), "2"}, {f("description", "ne"), ""}, {f("description", "!and"), "13"},
		{f("tag-key", "env"), "2"}, {f("tag-key", "Env"), ""}, {f("tag-value", "Bl"), "2"}, {f("tag-value", "b"), "3"},
		{f("all", "appbeta"), ""}, {f("all", "AppBeta"), "1"}, {f("all", "beta"), "1"}, {f("all", "Ythings"), "2"}, {f("all", "things"), ""}, {f("all", "N"), ""},
		{f("all", "secret"), ""}, {f("all", "t"), "123"}, {f("all", "+"), ""}, {f("all", "foo"), "3"}, {f("all", "blue"), "2"},
		{f("all", "892"), "3"}, {f("all", "bar8"), "3"}, {f("all", "ar892"), ""}, {f("all", "92"), ""}, {f("all", "892x"), "3"},
		{f("primary-region", "us"), ""}, {f("owning-service", "rds"), ""},
		{append(f("description", "one"), f("tag-key", "env")...), "2"}, {append(f("description", "one"), f("description", "and")...), "2"},
	} {
		got := ""
		for _, n := range h.names(&api.ListSecretsRequest{Filters: c.filters}) {
			got += map[string]string{"prod/AppBeta/1": "1", "uat/COMPANYthings/2": "2", "Thirdsecret": "3"}[n]
		}
		if got != c.want {
			t.Errorf("%v %v: %q, want %q", *c.filters[0].Key, c.filters[0].Values, got, c.want)
		}
	}
	_, err := h.admin().ListSecrets(t.Context(), &api.ListSecretsRequest{Filters: []api.Filter{{Values: []string{"x"}}}})
	h.want(err, "InvalidParameterException", "Invalid filter key")
	_, err = h.admin().ListSecrets(t.Context(), &api.ListSecretsRequest{Filters: f("name")})
	h.want(err, "InvalidParameterException", "Invalid filter values for key: name")
}

func TestBatchesReportEachSecretOnItsOwn(t *testing.T) {
	h := newHarness(t)
	for _, n := range []string{"a", "b", "c"} {
		h.create(n, "value of "+n)
		h.clock.Advance(time.Second)
	}
	h.must(remove("c", 7)(h.admin()))
	alice := user(testAccount, "alice")
	h.allow(alice, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:BatchGetSecretValue","secretsmanager:ListSecrets"],"Resource":"*"},
		{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","NotResource":"arn:aws:secretsmanager:*:*:secret:b-*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}]}`)
	out, err := h.as(alice, testRegion).BatchGetSecretValue(t.Context(), &api.BatchGetSecretValueRequest{SecretIdList: []string{"a", "b", "c", "d"}})
	h.must(err)
	if len(out.SecretValues) != 1 || *out.SecretValues[0].SecretString != "value of a" {
		t.Errorf("values %+v", out.SecretValues)
	}
	var codes []string
	for _, e := range out.Errors {
		codes = append(codes, *e.SecretId+" "+*e.ErrorCode)
	}
	if text := *out.Errors[1].Message; text != "You tried to perform the operation on a secret that's currently marked deleted." {
		t.Errorf("the marked one says %s", text)
	}
	if !slices.Equal(codes, []string{"b AccessDeniedException", "c InvalidRequestException", "d ResourceNotFoundException"}) {
		t.Errorf("errors %v", codes)
	}
	batch := func(in *api.BatchGetSecretValueRequest) error {
		_, err := h.admin().BatchGetSecretValue(t.Context(), in)
		return err
	}
	filters := []api.Filter{{Key: new(api.FilterNameStringTypeName), Values: []string{"a", "b", "c"}}}
	h.want(batch(&api.BatchGetSecretValueRequest{SecretIdList: []string{"a"}, Filters: filters}), "InvalidParameterException",
		"Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	h.want(batch(&api.BatchGetSecretValueRequest{SecretIdList: []string{"a"}, MaxResults: new(int32(1))}), "InvalidParameterException",
		"'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
	var got []string
	for in := (&api.BatchGetSecretValueRequest{Filters: filters, MaxResults: new(int32(1))}); ; {
		out, err := h.admin().BatchGetSecretValue(t.Context(), in)
		h.must(err)
		for _, v := range out.SecretValues {
			got = append(got, *v.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("by filters: %v", got)
	}
}

func TestTheDayOfTheLastReadingIsKept(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	last := func() *time.Time {
		out, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
		h.must(err)
		return out.LastAccessedDate
	}
	if last() != nil {
		t.Errorf("read before anybody did: %v", last())
	}
	midnight := h.clock.Now().Truncate(24 * time.Hour)
	for range 3 {
		_, err := h.value(h.admin(), "a", "")
		h.must(err)
	}
	if d := last(); !wire.Value(d).Equal(midnight) {
		t.Errorf("in memory: %v", d)
	}
	before := h.revision()
	h.must(h.service.FlushReads(t.Context()))
	if got := h.revision(); got != before+1 {
		t.Errorf("%d commits for three readings", got-before)
	}
	_, err := h.value(h.admin(), "a", "")
	h.must(err)
	before = h.revision()
	h.must(h.service.FlushReads(t.Context()))
	if h.revision() != before {
		t.Error("a reading on the same day was written down again")
	}
	h.clock.Advance(48 * time.Hour)
	h.must(h.service.FlushReads(t.Context()))
	if d := last(); !wire.Value(d).Equal(midnight) {
		t.Errorf("two days later: %v", d)
	}
	versions, err := h.admin().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("a")})
	h.must(err)
	if d := versions.Versions[0].LastAccessedDate; !wire.Value(d).Equal(midnight) {
		t.Errorf("of the version: %v", d)
	}
}

func TestTagsAreAddedAndRemoved(t *testing.T) {
	h := newHarness(t)
	h.create("a", "x")
	add := func(pairs ...string) error {
		in := &api.TagResourceRequest{SecretId: new("a")}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, api.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := h.admin().TagResource(t.Context(), in)
		return err
	}
	h.must(add("k", "1", "l", "2"))
	h.must(add("k", "3"))
	h.want(add("aws:x", "1"), "InvalidParameterException", "")
	h.want(add("m", "1", "m", "2"), "InvalidParameterException", "")
	for i := range 48 {
		h.must(add("t"+strconv.Itoa(i), ""))
	}
	h.want(add("one too many", ""), "InvalidParameterException", "")
	_, err := h.admin().UntagResource(t.Context(), &api.UntagResourceRequest{SecretId: new("a"), TagKeys: []string{"l", "nothing"}})
	h.must(err)
	out, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("a")})
	h.must(err)
	if len(out.Tags) != 49 || *out.Tags[0].Key != "k" || *out.Tags[0].Value != "3" {
		t.Errorf("%d tags, first %+v", len(out.Tags), out.Tags[0])
	}
}

func TestTheQuotaOfSecrets(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.MaxSecrets = 2 })
	h.create("a", "x")
	h.create("b", "x")
	h.want(create("c", nil)(h.admin()), "LimitExceededException", "")
	h.must(force("a")(h.admin()))
	h.must(create("c", nil)(h.admin()))
	h.must(create("c", nil)(h.far()))
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"prod/AppBeta", "COMPANYthings", "", "ÄÖü ß", "a\xffB"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, attribute, value string) {
		if len(attribute) > 2048 || len(value) > 512 { // the bounds of the API
			return
		}
		for _, w := range words(attribute) {
			if w == "" {
				t.Fatalf("%q has an empty word", attribute)
			}
		}
		v := filterValue{text: value, words: words(value)}
		if len(words(attribute)) > 0 && !(&filterValue{words: words(attribute)}).inWords(attribute) {
			t.Fatalf("%q is not in itself", attribute)
		}
		v.inWords(attribute)
	})
}
