package front

import (
	"net/http"
	"strings"
	"testing"

	"fastness/internal/wire"
)

func TestRouting(t *testing.T) {
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
	target := func(v, contentType string) map[string]string {
		return map[string]string{"Content-Type": contentType, "X-Amz-Target": v}
	}
	const json11, json10 = "application/x-amz-json-1.1", "application/x-amz-json-1.0"
	for _, c := range []struct {
		name   string
		q      request
		status int
		want   string // part of the body
		op     string // what ran
	}{
		{"target", request{service: "alpha", body: "{}", header: target("Alpha_2020.Notes.GetNote", json11)}, 200, "{}", "alpha GetNote"},
		{"target with JSON 1.0", request{service: "alpha", body: "{}", header: target("Alpha_2020.Notes.GetNote", json10)}, 200, "{}", "alpha GetNote"},
		{"unknown operation", request{service: "alpha", body: "{}", header: target("Alpha_2020.Notes.Nope", json11)}, 400, "UnknownOperationException", ""},
		{"operation in another case", request{service: "alpha", body: "{}", header: target("Alpha_2020.Notes.getnote", json11)}, 400, "UnknownOperationException", ""},
		{"unknown prefix", request{service: "alpha", body: "{}", header: target("Gamma.GetNote", json11)}, 400, "UnknownOperationException", ""},
		{"target without a dot", request{service: "alpha", body: "{}", header: target("GetNote", json11)}, 400, "UnknownOperationException", ""},
		{"target by GET", request{method: "GET", service: "alpha", header: target("Alpha_2020.Notes.GetNote", json11)}, 400, "UnknownOperationException", ""},
		{"target and a form's Action", request{service: "alpha", body: "Action=GetNote", header: target("Alpha_2020.Notes.PutNote", form["Content-Type"])}, 400, "names more than one operation", ""},
		{"target and Action in the URL", request{target: "/?Action=GetNote", service: "alpha", body: "{}", header: target("Alpha_2020.Notes.PutNote", json11)}, 400, "names more than one operation", ""},
		{"two targets", request{service: "alpha", body: "{}", header: target("Alpha_2020.Notes.GetNote", json11), change: addTarget}, 400, "names more than one operation", ""},
		{"target and the CBOR path", request{target: "/service/Alpha_2020.Notes/operation/GetNote", service: "alpha", header: map[string]string{
			"Smithy-Protocol": "rpc-v2-cbor", "X-Amz-Target": "Alpha_2020.Notes.PutNote"}}, 400, "names more than one operation", ""},
		{"CBOR", request{target: "/service/Alpha_2020.Notes/operation/GetNote", service: "alpha", body: "\xa1\x64Name\x61x", header: map[string]string{
			"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}}, 200, "dNameax", "alpha GetNote"},
		{"CBOR for an API that does not speak it", request{target: "/service/beta/operation/GetNote", service: "beta", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}}, 400, "", ""},
		{"query", request{service: "beta", body: "Action=GetNote&Version=2020-01-01&Name=x", header: form}, 200, "<Name>x</Name>", "beta GetNote"},
		{"query without a version", request{service: "beta", body: "Action=GetNote&Name=x", header: form}, 400, "NO_VERSION_SPECIFIED", ""},
		{"query in the URL", request{method: "GET", target: "/?Action=GetNote&Version=2020-01-01&Name=x", service: "beta"}, 200, "<Name>x</Name>", "beta GetNote"},
		{"query in the URL and in the body", request{target: "/?Action=GetNote", service: "beta", body: "Action=PutNote", header: form}, 400, "both in its URL and in its body", ""},
		{"two Actions", request{service: "beta", body: "Action=GetNote&Action=PutNote", header: form}, 400, "MalformedQueryString", ""},
		{"two Actions, one escaped", request{service: "beta", body: "Action=GetNote&%41ction=PutNote", header: form}, 400, "MalformedQueryString", ""},
		{"another version", request{service: "beta", body: "Action=GetNote&Version=2019-01-01", header: form}, 400, "InvalidAction", ""},
		{"unknown Action", request{service: "beta", body: "Action=No%0aSuch", header: form}, 400, "NoSuch", ""},
		{"no Action", request{service: "beta", body: "Name=x", header: form}, 400, "MissingAction", ""},
		{"one of two that share a signing name", request{host: "second.eu-central-1.amazonaws.com", service: "shared", body: "Action=GetNote&Version=2020-01-01&Name=x", header: form}, 200, "https://second.example/", "second GetNote"},
		{"neither of two that share a signing name", request{service: "shared", body: "Action=GetNote", header: form}, 400, "does not say which service", ""},
		{"scope of nobody", request{service: "gamma", body: "Action=GetNote", header: form}, 400, "Could not find the service", ""},
		{"scope against host: the scope is what was signed", request{host: "alpha.eu-central-1.amazonaws.com", service: "beta", body: "Action=GetNote&Version=2020-01-01&Name=x", header: form}, 200, "https://beta.example/", "beta GetNote"},
		{"unsigned, by host", request{host: "beta.eu-central-1.amazonaws.com", body: "Action=Ping&Version=2020-01-01", header: form}, 200, "<Name>Ping</Name>", "beta Ping"},
		{"REST", request{target: "/notes/GetNote", service: "rest", body: `{"Name":"x"}`, header: map[string]string{"Content-Type": "application/json"}}, 200, `"Name":"x"`, "rest GetNote"},
		{"REST, the path as it is signed", request{target: "/notes/PutNote/../GetNote", service: "rest", body: `{"Name":"x"}`, header: map[string]string{"Content-Type": "application/json"}}, 200, `"Name":"x"`, "rest GetNote"},
		{"REST, unknown path", request{target: "/notes/NoSuch", service: "rest", body: "{}"}, 404, "UnknownOperationException", ""},
		{"REST, other method", request{method: "GET", target: "/notes/GetNote", service: "rest"}, 404, "UnknownOperationException", ""},
		{"nothing at all", request{method: "GET"}, 404, "Could not find the service", ""},
		{"target for one, signed for another", request{service: "beta", body: "{}", header: target("Alpha_2020.Notes.GetNote", json11)}, 400, "InvalidSignatureException", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			ran := ""
			for _, room := range h.door.rooms {
				n := room.Service.(*notes)
				do := n.do
				n.do = func(ctx ctx, op string, in *noteInput) (any, error) {
					ran = n.api.Name + " " + op
					return do(ctx, op, in)
				}
			}
			a := h.send(c.q)
			if a.status != c.status || !strings.Contains(string(a.body), c.want) || ran != c.op {
				t.Errorf("got %d %q, ran %q; want %d %q, %q", a.status, a.body, ran, c.status, c.want, c.op)
			}
			if a.header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func addTarget(r *http.Request) { r.Header.Add("X-Amz-Target", "Alpha_2020.Notes.PutNote") }

func TestContradictingRoomsAreRefused(t *testing.T) {
	one := noteAPI("one", "one", "one", "Same", wire.AWSJSON11)
	two := noteAPI("two", "two", "two", "Same", wire.AWSJSON11)
	for name, rooms := range map[string][]*Room{
		"one API twice":         {{API: one}, {API: one}},
		"one target, two APIs":  {{API: one}, {API: two}},
		"a protocol unprovided": {{API: one}},
	} {
		if _, err := New(Config{Rooms: rooms, Regions: []string{testRegion}}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a door without a Region was made")
	}
}
