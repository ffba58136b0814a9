package ssm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/ssmapi"
)

// page is a GetParametersByPath of one page.
func (h *harness) page(in *ssmapi.GetParametersByPathRequest) (names []string, next *string) {
	h.Helper()
	out, err := h.admin().GetParametersByPath(h.Context(), in)
	if err != nil {
		h.Fatal(err)
	}
	for _, p := range out.Parameters {
		names = append(names, *p.Name+value(p.Selector))
	}
	return names, out.NextToken
}

// below are the names of all pages.
func (h *harness) below(path string, recursive bool, size int32, filters ...ssmapi.ParameterStringFilter) (names []string) {
	h.Helper()
	in := &ssmapi.GetParametersByPathRequest{Path: &path, Recursive: &recursive, ParameterFilters: filters, MaxResults: &size}
	for {
		page, next := h.page(in)
		if len(page) > int(size) {
			h.Errorf("a page of %d", len(page))
		}
		names = append(names, page...)
		if next == nil {
			return names
		}
		in.NextToken = next
	}
}

func where(key, option string, values ...string) ssmapi.ParameterStringFilter {
	return ssmapi.ParameterStringFilter{Key: &key, Option: some(option), Values: values}
}

func TestGetParametersByPath(t *testing.T) {
	h := newHarness(t)
	for _, n := range []string{"plain", "/a", "/a/b", "/a/b/c", "/a/b/d", "/a/bb", "/a/e", "/ab/c", "/a/b.x/y"} {
		h.put(n, n)
	}
	h.put("/a/list", "1,2", func(in *ssmapi.PutParameterRequest) { in.Type = new(ssmapi.ParameterTypeStringList) })
	for i := range 3 {
		h.put("/v/many", fmt.Sprint(i), overwrite)
	}
	h.label("/v/many", 2, "good")
	for _, c := range []struct {
		path      string
		recursive bool
		filters   []ssmapi.ParameterStringFilter
		want      string
	}{
		{"/a", false, nil, "/a/b /a/bb /a/e /a/list"},
		{"/a/", false, nil, "/a/b /a/bb /a/e /a/list"},
		{"/a", true, nil, "/a/b /a/b.x/y /a/b/c /a/b/d /a/bb /a/e /a/list"},
		{"/a/b", true, nil, "/a/b/c /a/b/d"},
		{"/a/b.x", false, nil, "/a/b.x/y"},
		{"/", false, nil, "/a plain"},
		{"/", true, nil, "/a /a/b /a/b.x/y /a/b/c /a/b/d /a/bb /a/e /a/list /ab/c /v/many plain"},
		{"/none", true, nil, ""},
		{"/a", true, []ssmapi.ParameterStringFilter{where("Type", "", "StringList")}, "/a/list"},
		{"/a", true, []ssmapi.ParameterStringFilter{where("Type", "BeginsWith", "StringL", "Sec")}, "/a/list"},
		{"/v", true, []ssmapi.ParameterStringFilter{where("Label", "", "other", "good")}, "/v/many:good"},
		{"/", true, []ssmapi.ParameterStringFilter{where("Label", "", "none")}, ""},
	} {
		for size := int32(1); size <= 10; size++ {
			got := h.below(c.path, c.recursive, size, c.filters...)
			slices.Sort(got)
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s %v, %d at a time: %v", c.path, c.recursive, size, got)
			}
		}
	}
	for _, path := range []string{"a", "", "/a//b", "/a b"} {
		_, err := h.admin().GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: &path})
		if codeOf(err) != "ValidationException" || path != "" && textOf(err) != "ValidationException: "+pathRule {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestTokensBelongToTheirListing(t *testing.T) {
	h := newHarness(t)
	long := "/a/" + strings.Repeat("n", 900)
	for _, n := range []string{long + "1", long + "2", long + "3"} {
		h.put(n, "x")
	}
	if got := h.below("/a", true, 1); len(got) != 3 {
		t.Errorf("long names: %d", len(got))
	}
	in := &ssmapi.GetParametersByPathRequest{Path: new("/a"), MaxResults: new(int32(1))}
	_, token := h.page(in)
	if strings.Contains(*token, "nnn") {
		t.Error("the token shows a name")
	}
	try := func(what string, c *ssmapi.Client, in *ssmapi.GetParametersByPathRequest) {
		t.Helper()
		if _, err := c.GetParametersByPath(t.Context(), in); codeOf(err) != "InvalidNextToken" {
			t.Errorf("%s: %v", what, err)
		}
	}
	try("another path", h.admin(), &ssmapi.GetParametersByPathRequest{Path: new("/b"), NextToken: token})
	try("recursive", h.admin(), &ssmapi.GetParametersByPathRequest{Path: new("/a"), Recursive: new(true), NextToken: token})
	try("another account", h.as(root(otherAccount)), &ssmapi.GetParametersByPathRequest{Path: new("/a"), NextToken: token})
	try("changed", h.admin(), &ssmapi.GetParametersByPathRequest{Path: new("/a"), NextToken: new("B" + (*token)[1:])})
	try("cut", h.admin(), &ssmapi.GetParametersByPathRequest{Path: new("/a"), NextToken: new(strings.Split(*token, ".")[0])})
	try("doubled", h.admin(), &ssmapi.GetParametersByPathRequest{Path: new("/a"), NextToken: new(*token + "." + *token)})
	if _, err := h.admin().DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{NextToken: token}); codeOf(err) != "InvalidNextToken" {
		t.Errorf("another operation: %v", err)
	}
	// More results at a time are the same listing.
	in.NextToken, in.MaxResults = token, new(int32(10))
	if names, _ := h.page(in); len(names) != 2 {
		t.Errorf("%d names", len(names))
	}
	// The row a token stands on may go.
	h.delete(long + "1")
	if names, _ := h.page(in); len(names) != 2 {
		t.Errorf("%d names after a deletion", len(names))
	}
}

func (h *harness) described(size int32, filters ...ssmapi.ParameterStringFilter) string {
	h.Helper()
	in := &ssmapi.DescribeParametersRequest{ParameterFilters: filters, MaxResults: &size}
	var names []string
	for {
		out, err := h.admin().DescribeParameters(h.Context(), in)
		if err != nil {
			return textOf(err)
		}
		for _, p := range out.Parameters {
			names = append(names, *p.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			slices.Sort(names)
			return strings.Join(names, " ")
		}
	}
}

func TestDescribeParametersFilters(t *testing.T) {
	h := newHarness(t)
	key := h.key()
	h.put("param", "x")
	h.put("/param-2", "x", func(in *ssmapi.PutParameterRequest) {
		in.Tags = []ssmapi.Tag{{Key: new("team"), Value: new("red")}, {Key: new("env"), Value: new("prod")}}
	})
	h.put("/a/tangent", "x", advanced)
	h.put("/a/b/tangram", "x,y", func(in *ssmapi.PutParameterRequest) { in.Type = new(ssmapi.ParameterTypeStringList) })
	h.put("/a/secret", "x", secure, under(key))
	for _, c := range []struct {
		filters []ssmapi.ParameterStringFilter
		want    string
	}{
		{nil, "/a/b/tangram /a/secret /a/tangent /param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("Name", "", "/param", "param-2", "none")}, "/param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("Name", "BeginsWith", "param")}, "/param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("Name", "BeginsWith", "/a/")}, "/a/b/tangram /a/secret /a/tangent"},
		{[]ssmapi.ParameterStringFilter{where("Name", "Contains", "tang")}, "/a/b/tangram /a/tangent"},
		{[]ssmapi.ParameterStringFilter{where("Name", "Contains", "/par")}, "/param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("Path", "", "/a")}, "/a/secret /a/tangent"},
		{[]ssmapi.ParameterStringFilter{where("Path", "Recursive", "/a")}, "/a/b/tangram /a/secret /a/tangent"},
		{[]ssmapi.ParameterStringFilter{where("Path", "OneLevel", "/a/b", "/")}, "/a/b/tangram /param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("Type", "", "StringList", "SecureString")}, "/a/b/tangram /a/secret"},
		{[]ssmapi.ParameterStringFilter{where("KeyId", "", key)}, "/a/secret"},
		{[]ssmapi.ParameterStringFilter{where("KeyId", "BeginsWith", key[:5])}, "/a/secret"},
		{[]ssmapi.ParameterStringFilter{where("Tier", "", "Advanced")}, "/a/tangent"},
		{[]ssmapi.ParameterStringFilter{where("DataType", "", "text"), where("Type", "", "String")}, "/a/tangent /param-2 param"},
		{[]ssmapi.ParameterStringFilter{where("tag:team", "", "red", "blue")}, "/param-2"},
		{[]ssmapi.ParameterStringFilter{where("tag:team", "")}, "/param-2"},
		{[]ssmapi.ParameterStringFilter{where("tag:team", "BeginsWith", "r"), where("tag:env", "", "test")}, ""},
		{[]ssmapi.ParameterStringFilter{where("Label", "", "x")}, "InvalidFilterKey: The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type, KeyId, Tier]."},
		{[]ssmapi.ParameterStringFilter{where("Name", "")}, "InvalidFilterValue: The following filter values are missing : null for filter key Name."},
		{[]ssmapi.ParameterStringFilter{where("Name", "", "a"), where("Name", "", "b")}, "InvalidFilterKey: The following filter is duplicated in the request: Name. A request can contain only one occurrence of a specific filter."},
		{[]ssmapi.ParameterStringFilter{where("Path", "Equals", "/a")}, "InvalidFilterOption: The following filter option is not valid: Equals. Valid options include: [Recursive, OneLevel]."},
		{[]ssmapi.ParameterStringFilter{where("Type", "Contains", "S")}, "InvalidFilterOption: The following filter option is not valid: Contains. Valid options include: [BeginsWith, Equals]."},
		{[]ssmapi.ParameterStringFilter{where("Tier", "", "Simple")}, "InvalidFilterOption: The following filter value is not valid: Simple. Valid values include: [Standard, Advanced, Intelligent-Tiering]."},
		{[]ssmapi.ParameterStringFilter{where("Type", "", "Text")}, "InvalidFilterOption: The following filter value is not valid: Text. Valid values include: [String, StringList, SecureString]."},
		{[]ssmapi.ParameterStringFilter{where("Path", "", "/aws/x")}, "ValidationException: " + filterPrefixRule},
		{[]ssmapi.ParameterStringFilter{where("Path", "", "a")}, "ValidationException: " + filterPathRule},
	} {
		for _, size := range []int32{1, 2, 50} {
			if got := h.described(size, c.filters...); got != c.want {
				t.Errorf("%+v, %d at a time: %s", c.filters, size, got)
			}
		}
	}
	_, err := h.admin().DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{
		Filters: []ssmapi.ParametersFilter{{Key: new(ssmapi.ParametersFilterKeyName), Values: []string{"a"}}}, ParameterFilters: []ssmapi.ParameterStringFilter{where("Name", "", "a")},
	})
	if textOf(err) != "ValidationException: You can use either Filters or ParameterFilters in a single request." {
		t.Error(textOf(err))
	}
	out, err := h.admin().DescribeParameters(t.Context(), &ssmapi.DescribeParametersRequest{Filters: []ssmapi.ParametersFilter{{Key: new(ssmapi.ParametersFilterKeyName), Values: []string{"par"}}}})
	if err != nil || len(out.Parameters) != 2 {
		t.Errorf("%v, %v", out, err)
	}
	for _, key := range []string{"Name", "Path", "Tier", "tag:team", "DataType"} {
		_, err := h.admin().GetParametersByPath(t.Context(), &ssmapi.GetParametersByPathRequest{Path: new("/"), ParameterFilters: []ssmapi.ParameterStringFilter{where(key, "", "x")}})
		if textOf(err) != "InvalidFilterKey: The following filter key is not valid: "+key+". Valid filter keys include: [Type, KeyId]." {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestHistoryAndLabels(t *testing.T) {
	h := newHarness(t)
	for i := range 5 {
		h.put("/p", fmt.Sprint(i+1), overwrite)
	}
	h.take()
	if out := h.label("/p", 2, "one", "two", "1st", "awsome", "ssmall", "a b", "a/b"); !slices.Equal(out.InvalidLabels, []string{"1st", "awsome", "ssmall", "a b", "a/b"}) || *out.ParameterVersion != 2 {
		t.Errorf("%+v", out)
	}
	h.label("/p", 4, "two")
	var labelled []string
	for _, e := range h.reported() {
		labelled = append(labelled, e.detail["operation"]+" "+e.detail["name"]+" "+e.detail["label"])
	}
	if !slices.Equal(labelled, []string{"LabelParameterVersion /p one", "LabelParameterVersion /p two", "LabelParameterVersion /p two"}) {
		t.Errorf("%v", labelled)
	}
	latest, err := h.admin().LabelParameterVersion(t.Context(), &ssmapi.LabelParameterVersionRequest{Name: new("/p"), Labels: []string{"newest"}})
	if err != nil || *latest.ParameterVersion != 5 {
		t.Errorf("%+v, %v", latest, err)
	}
	if a, b := *h.get("/p:one").Value, *h.get("/p:two").Value; a != "2" || b != "4" {
		t.Errorf("%s, %s", a, b)
	}
	in := &ssmapi.GetParameterHistoryRequest{Name: new("/p"), MaxResults: new(int32(2))}
	var all []string
	for {
		out, err := h.admin().GetParameterHistory(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Parameters {
			all = append(all, fmt.Sprintln(*v.Version, *v.Value, v.Labels))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if !slices.Equal(all, []string{"1 1 []\n", "2 2 [one]\n", "3 3 []\n", "4 4 [two]\n", "5 5 [newest]\n"}) {
		t.Errorf("%v", all)
	}
	out, err := h.admin().UnlabelParameterVersion(t.Context(), &ssmapi.UnlabelParameterVersionRequest{Name: new("/p"), ParameterVersion: new(int64(2)), Labels: []string{"one", "two"}})
	if err != nil || !slices.Equal(out.RemovedLabels, []string{"one"}) || !slices.Equal(out.InvalidLabels, []string{"two"}) {
		t.Errorf("%+v, %v", out, err)
	}
	h.label("/p", 1, "a", "b", "c", "d", "e", "f", "g", "h", "i")
	h.label("/p", 1, "j")
	_, err = h.admin().LabelParameterVersion(t.Context(), &ssmapi.LabelParameterVersionRequest{Name: new("/p"), ParameterVersion: new(int64(1)), Labels: []string{"k"}})
	if textOf(err) != "ParameterVersionLabelLimitExceeded: A parameter version can have maximum 10 labels.Move one or more labels to another version and try again." {
		t.Error(textOf(err))
	}
	_, err = h.admin().LabelParameterVersion(t.Context(), &ssmapi.LabelParameterVersionRequest{Name: new("/p"), ParameterVersion: new(int64(9)), Labels: []string{"k"}})
	if textOf(err) != "ParameterVersionNotFound: Systems Manager could not find version 9 of /p. Verify the version and try again." {
		t.Error(textOf(err))
	}
	if _, err := h.admin().UnlabelParameterVersion(t.Context(), &ssmapi.UnlabelParameterVersionRequest{Name: new("none"), ParameterVersion: new(int64(1)), Labels: []string{"k"}}); textOf(err) != "ParameterNotFound: " {
		t.Error(textOf(err))
	}
	h.consistent()
}

func TestGetParametersNeverFailsForWhatIsMissing(t *testing.T) {
	h := newHarness(t)
	h.put("there", "x")
	out, err := h.admin().GetParameters(t.Context(), &ssmapi.GetParametersRequest{Names: []string{"there", "there:1", "there:2", "none", "there", "there:label"}})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range out.Parameters {
		found = append(found, *p.Name+value(p.Selector))
	}
	if !slices.Equal(found, []string{"there", "there:1"}) || !slices.Equal(out.InvalidParameters, []string{"there:2", "none", "there:label"}) {
		t.Errorf("%v, %v", found, out.InvalidParameters)
	}
}

func TestDelete(t *testing.T) {
	h := newHarness(t)
	h.put("/a", "x", func(in *ssmapi.PutParameterRequest) { in.Description = new("why") })
	h.put("b", "x")
	h.put("c", "x")
	h.take()
	if _, err := h.admin().DeleteParameter(t.Context(), &ssmapi.DeleteParameterRequest{Name: new("a")}); err != nil {
		t.Error(err)
	}
	if e := h.take(); len(e) != 1 || string(e[0].Detail) != `{"name":"/a","type":"String","description":"why","operation":"Delete"}` {
		t.Errorf("%s", e[0].Detail)
	}
	if _, err := h.admin().DeleteParameter(t.Context(), &ssmapi.DeleteParameterRequest{Name: new("/a")}); textOf(err) != "ParameterNotFound: " {
		t.Error(textOf(err))
	}
	out, err := h.admin().DeleteParameters(t.Context(), &ssmapi.DeleteParametersRequest{Names: []string{"a", "/b", "arn:aws:ssm:us-east-1:111122223333:parameter/c", "b"}})
	if err != nil || !slices.Equal(out.DeletedParameters, []string{"/b", "arn:aws:ssm:us-east-1:111122223333:parameter/c"}) || !slices.Equal(out.InvalidParameters, []string{"a", "b"}) {
		t.Errorf("%+v, %v", out, err)
	}
	// A successor begins anew.
	if p := h.put("/a", "y"); *p.Version != 1 {
		t.Errorf("version %d", *p.Version)
	}
	h.runJobs()
	h.get("/a:1")
}
