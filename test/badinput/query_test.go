package badinput

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const iamVersion = "&Version=2010-05-08"

func TestFormsThatCannotBeRead(t *testing.T) {
	s := start(t)
	nameTooLong := strings.Repeat("n", 65)
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("Action=ListUsers" + iamVersion)
		for i := range n {
			fmt.Fprintf(&b, "&A%d=", i)
		}
		return b.String()
	}
	malformed := func(message string) want {
		return want{status: 400, code: "MalformedQueryString", message: message, recorded: true}
	}
	unrouted := func(w want) want { w.recorded = false; return w }
	for _, c := range []struct {
		name, body string
		want       want
	}{
		{"bad escape in a value", "Action=CreateUser" + iamVersion + "&UserName=%zz", malformed("invalid percent-encoding")},
		{"escape cut short", "Action=CreateUser" + iamVersion + "&UserName=%4", malformed("invalid percent-encoding")},
		{"bad escape in a name", "Action=CreateUser" + iamVersion + "&User%Name=x", unrouted(malformed("a parameter name is not percent-encoded"))},
		{"bad escape in the Action", "Action=%" + iamVersion, unrouted(malformed("the parameter Action is not percent-encoded"))},
		{"invalid UTF-8", "Action=CreateUser" + iamVersion + "&UserName=%ff%fe", malformed("a parameter is not valid UTF-8")},
		{"invalid UTF-8, raw", "Action=CreateUser" + iamVersion + "&UserName=\xff", malformed("a parameter is not valid UTF-8")},
		{"repeated parameter", "Action=CreateUser" + iamVersion + "&UserName=a&UserName=b", malformed(`a parameter is given twice: "UserName"`)},
		{"repeated, one escaped", "Action=CreateUser" + iamVersion + "&UserName=a&%55serName=b", malformed(`a parameter is given twice: "UserName"`)},
		{"Action twice", "Action=ListUsers&Action=CreateUser&UserName=x" + iamVersion, unrouted(malformed("the parameters Action and Version must not be repeated"))},
		{"Action twice, one escaped", "Action=ListUsers&%41ction=CreateUser&UserName=x" + iamVersion, unrouted(malformed("the parameters Action and Version must not be repeated"))},
		{"Version twice", "Action=ListUsers&Version=2011-06-15" + iamVersion, unrouted(malformed("the parameters Action and Version must not be repeated"))},
		{"too many parameters", many(10000), malformed("too many parameters")},
		{"no Action", "UserName=x" + iamVersion, want{status: 400, code: "MissingAction", message: "Missing Action"}},
		{"empty Action", "Action=" + iamVersion, want{status: 400, code: "MissingAction", message: "Missing Action"}},
		{"empty body", "", want{status: 400, code: "MissingAction", message: "Missing Action"}},
		{"JSON", `{"Action":"ListUsers"}`, want{status: 400, code: "MissingAction", message: "Missing Action"}},
		{"semicolons", "Action=ListUsers;Version=2010-05-08", want{status: 400, code: "InvalidAction", message: "Could not find operation ListUsers;Version=2010-05-08 for version NO_VERSION_SPECIFIED"}},
		{"unknown Action", "Action=DeleteEverything" + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation DeleteEverything for version 2010-05-08"}},
		{"Action in other case", "Action=listusers" + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation listusers for version 2010-05-08"}},
		{"Action of sts", "Action=GetCallerIdentity" + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation GetCallerIdentity for version 2010-05-08"}},
		{"wrong Version", "Action=ListUsers&Version=2010-05-09", want{status: 400, code: "InvalidAction", message: "Could not find operation ListUsers for version 2010-05-09"}},
		{"no Version", "Action=ListUsers", want{status: 400, code: "InvalidAction", message: "Could not find operation ListUsers for version NO_VERSION_SPECIFIED"}},
		{"Action with control characters", "Action=%00%1f%0d%0aX%ff" + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation X\ufffd for version 2010-05-08"}},
		{"markup in the Action", "Action=%3C%2FMessage%3E%3Ca+b%3D%22%26%5D%5D%3E" + iamVersion, want{status: 400, code: "InvalidAction", message: `Could not find operation </Message><a b="&]]> for version 2010-05-08`}},
		{"long Action", "Action=" + strings.Repeat("A", 100000) + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation " + strings.Repeat("A", 128) + " for version 2010-05-08"}},
		{"huge index", "Action=CreateUser" + iamVersion + "&UserName=x&Tags.member.9999999999.Key=a", want{status: 400, code: "MalformedInput", contains: "is not a valid index", recorded: true}},
		{"index zero", "Action=CreateUser" + iamVersion + "&UserName=x&Tags.member.0.Key=a", want{status: 400, code: "MalformedInput", contains: "is not a valid index", recorded: true}},
		{"index with a leading zero", "Action=CreateUser" + iamVersion + "&UserName=x&Tags.member.01.Key=a", want{status: 400, code: "MalformedInput", contains: "is not a valid index", recorded: true}},
		{"text for a number", "Action=ListUsers" + iamVersion + "&MaxItems=many", want{status: 400, code: "MalformedInput", message: "*", recorded: true}},
		{"number out of range", "Action=ListUsers" + iamVersion + "&MaxItems=99999999999999999999", want{status: 400, code: "MalformedInput", message: "*", recorded: true}},
		{"text for a boolean", "Action=CreateVirtualMFADevice" + iamVersion, want{status: 400, code: "InvalidAction", message: "Could not find operation CreateVirtualMFADevice for version 2010-05-08"}},
		{"name too long", "Action=CreateUser" + iamVersion + "&UserName=" + nameTooLong, want{status: 400, code: "ValidationError", contains: "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64", recorded: true}},
		{"NUL in the name", "Action=CreateUser" + iamVersion + "&UserName=%00", want{status: 400, code: "ValidationError", contains: "The specified value for userName is invalid", recorded: true}},
		{"characters that XML has not", "Action=CreateUser" + iamVersion + "&UserName=%EF%BF%BF%08", want{status: 400, code: "ValidationError", contains: "The specified value for userName is invalid", recorded: true}},
		{"no name", "Action=CreateUser" + iamVersion, want{status: 400, code: "ValidationError", message: "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null", recorded: true}},
	} {
		t.Run(c.name, func(t *testing.T) { s.refused(t, s.form(c.body).sign(s.by("iam")), c.want) })
	}
	// An index is a place in an order, not a size: a gap costs nothing.
	t.Run("large index", func(t *testing.T) {
		s.refused(t, s.form("Action=CreateUser"+iamVersion+"&UserName=a%2Fb&Tags.member.999999999.Key=a&Tags.member.999999999.Value=b").sign(s.by("iam")),
			want{status: 400, code: "ValidationError", contains: "value for userName", recorded: true})
	})
	t.Run("deep name", func(t *testing.T) {
		s.call(t, s.form("Action=ListUsers"+iamVersion+"&"+strings.Repeat("Tags.member.1.", 5000)+"Key=a"), "iam")
	})
	t.Run("as many parameters as may be", func(t *testing.T) { s.call(t, s.form(many(9998)), "iam") })
	for _, method := range []string{"PUT", "DELETE", "PATCH", "get"} {
		t.Run(method, func(t *testing.T) {
			q := &request{method: method, target: "/?Action=CreateUser&UserName=x" + iamVersion, host: s.addr}
			s.refused(t, q.sign(s.by("iam")), want{status: 400, code: "InvalidAction", message: "The query protocols take GET and POST only."})
		})
	}
	t.Run("GET", func(t *testing.T) {
		q := &request{method: "GET", target: "/?Action=ListUsers" + iamVersion, host: s.addr}
		if a := s.send(t, q.sign(s.by("iam"))); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

// What authorization sees is what runs, wherever the Action stands.
func TestActionInURLAndBody(t *testing.T) {
	s := start(t)
	twice := want{status: 400, code: "MalformedQueryString", message: "The request names an Action both in its URL and in its body."}
	both := s.form("Action=CreateUser&UserName=x" + iamVersion)
	both.target = "/?Action=ListUsers" + iamVersion
	s.refused(t, both.sign(s.by("iam")), twice)

	// Escaped, the second one is not seen while routing, but it is refused all the same.
	for name, q := range map[string][2]string{
		"escaped in the body": {"/?Action=ListUsers" + iamVersion, "%41ction=CreateUser&UserName=x"},
		"escaped in the URL":  {"/?%41ction=ListUsers", "Action=CreateUser&UserName=x" + iamVersion},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.form(q[1])
			r.target = q[0]
			s.refused(t, r.sign(s.by("iam")), want{status: 400, code: "MalformedQueryString", message: `a parameter is given twice: "Action"`, recorded: true})
		})
	}
	t.Run("a body that is not declared a form", func(t *testing.T) {
		r := s.form("Action=CreateUser&UserName=x").set("Content-Type", "text/plain")
		r.target = "/?Action=ListUsers" + iamVersion
		s.refused(t, r.sign(s.by("iam")), want{status: 400, code: "MalformedQueryString", message: `a parameter is given twice: "Action"`, recorded: true})
	})
	t.Run("parameter in the URL and in the body", func(t *testing.T) {
		r := s.form("UserName=x")
		r.target = "/?Action=CreateUser&UserName=y" + iamVersion
		s.refused(t, r.sign(s.by("iam")), want{status: 400, code: "MalformedQueryString", message: `a parameter is given twice: "UserName"`, recorded: true})
	})
}
