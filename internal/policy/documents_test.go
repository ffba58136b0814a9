package policy

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rows reads a file of |-separated columns, blank lines and # comments left out. The
// last column may itself contain bars.
func rows(t *testing.T, file string, columns int) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.SplitN(line, " | ", columns)
		if len(row) != columns {
			t.Fatalf("%s: %q has %d columns, want %d", file, line, len(row), columns)
		}
		out = append(out, row)
	}
	return out
}

func TestMalformedDocumentsAreRefusedInAWSWords(t *testing.T) {
	kinds := map[string]Kind{"identity": IdentityManaged, "trust": RoleTrust, "session": Session, "scp": ServiceControl,
		"rcp": ResourceControl, "key": KMSKey}
	for _, row := range rows(t, "testdata/malformed.txt", 3) {
		kind, ok := kinds[row[0]]
		if !ok {
			t.Fatalf("unknown kind %q", row[0])
		}
		before, after, ok := strings.Cut(row[2], "§")
		if !ok {
			t.Fatalf("no mark in %s", row[2])
		}
		_, err := Parse(kind, []byte(before+after))
		var refusal *Error
		if !errors.As(err, &refusal) {
			t.Errorf("%s: accepted", row[2])
			continue
		}
		want := Position{Line: 1, Column: len(before) + 1}
		message := strings.NewReplacer("LINE", "1", "COLUMN", strconv.Itoa(want.Column)).Replace(row[1])
		if refusal.Message != message || refusal.Pos != want {
			t.Errorf("%s\n got %s: %s\nwant %s: %s", row[2], refusal.Pos, refusal.Message, want, message)
		}
	}
}

func TestConditionOperators(t *testing.T) {
	for _, row := range rows(t, "testdata/conditions.txt", 4) {
		doc := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"x:y","Resource":"*","Condition":{"` +
			row[0] + `":{"Test:Key":` + row[1] + `}}}}`
		p, err := New(IdentityInline, "p", []byte(doc))
		if err != nil {
			t.Errorf("%v: %v", row, err)
			continue
		}
		ctx := Map{"aws:username": One("alice")}
		if row[2] != "-" {
			var one string
			var list []string
			if json.Unmarshal([]byte(row[2]), &one) == nil {
				ctx["test:key"] = One(one)
			} else if err := json.Unmarshal([]byte(row[2]), &list); err == nil {
				ctx["test:key"] = Many(list)
			} else {
				t.Fatalf("%v: %v", row, err)
			}
		}
		r := Evaluate(&Request{Principal: &Principal{Type: User, Account: "111122223333"}, Action: "x:y", Resource: "*", Context: ctx},
			&Policies{Identity: []*Policy{p}}, nil)
		if want := row[3] == "yes"; r.Allowed() != want {
			t.Errorf("%s with %s, request %s: holds %v, want %v", row[0], row[1], row[2], r.Allowed(), want)
		}
	}
}

func TestResourcePatterns(t *testing.T) {
	for _, row := range rows(t, "testdata/patterns.txt", 3) {
		p := compilePattern(row[0], true, true)
		if got, want := matchResource(p.text, exactSegments(p.text), row[1]), row[2] == "yes"; got != want {
			t.Errorf("%s on %s: %v, want %v", row[0], row[1], got, want)
		}
	}
}

func TestAcceptedForms(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		doc  string
	}{
		"single values":                  {IdentityManaged, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`},
		"blocks in any order":            {IdentityManaged, `{"Statement":[{"Resource":["*"],"Action":["s3:*","ec2:Describe*"],"Effect":"Deny","Sid":"A1"}],"Version":"2012-10-17"}`},
		"inline without version":         {IdentityInline, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		"empty sid twice":                {IdentityManaged, `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]}`},
		"numbers and booleans as values": {IdentityManaged, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10},"Bool":{"aws:SecureTransport":true}}}}`},
		"all principal types":            {Resource, `{"Version":"2008-10-17","Id":"x y","Statement":{"Sid":"a b","Effect":"Allow","Principal":{"AWS":["*","111122223333","arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/p/a","arn:aws:iam::111122223333:role/r","arn:aws:sts::111122223333:assumed-role/r/s","arn:aws:sts::111122223333:federated-user/f","arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1","AIDACKCEVSQ6C2EXAMPLE"],"Service":["ec2.amazonaws.com"],"Federated":"cognito-identity.amazonaws.com","CanonicalUser":"79a5"},"Action":"sns:Publish"}}`},
		"access points":                  {IdentityManaged, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:*:*:accesspoint/a*","arn:aws:s3:eu-west-1:111122223333:access-grants/default/*"]}}`},
		"key policy":                     {KMSKey, `{"Id":"key-default-1","Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`},
		"escapes":                        {IdentityManaged, `{"\u0056ersion":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:\u0047etObject","Resource":"arn:aws:s3:::b\/\ud83d\ude00"}}`},
		"full SCP language":              {ServiceControl, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::x","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}}`},
		"RCPFullAWSAccess":               {ResourceControl, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
	} {
		if _, err := Parse(c.kind, []byte(c.doc)); err != nil {
			var refusal *Error
			errors.As(err, &refusal)
			t.Errorf("%s: %s: %v", name, refusal.Pos, err)
		}
	}
}

func TestPositionsCountCharactersAndLines(t *testing.T) {
	d, err := Parse(KMSKey, []byte("{\"Id\":\"äö\",\n \"Statement\":[\r\n\t{\"Sid\":\"é\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\",\n\"Condition\":{\"Bool\":{ \"aws:SecureTransport\":true}}}, {\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Statements[0].Pos, (Position{3, 2}); got != want {
		t.Errorf("first statement at %v, want %v", got, want)
	}
	if got, want := d.Statements[0].Conditions[0].Pos, (Position{4, 23}); got != want {
		t.Errorf("condition at %v, want %v", got, want)
	}
	if got, want := d.Statements[1].Pos, (Position{4, 54}); got != want {
		t.Errorf("second statement at %v, want %v", got, want)
	}
}

func TestDocumentBounds(t *testing.T) {
	tail := `,"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}`
	head := `{"Id":"` + strings.Repeat("x", MaxDocumentBytes-len(`{"Id":""`)-len(tail)) + `"`
	if _, err := Parse(KMSKey, []byte(head+tail)); err != nil {
		t.Errorf("document of %d bytes: %v", len(head+tail), err)
	}
	var refusal *Error
	if _, err := Parse(KMSKey, []byte(head+tail+" ")); !errors.As(err, &refusal) || refusal.Fault != FaultSize {
		t.Errorf("document of %d bytes: %v", len(head+tail)+1, err)
	}
	for _, deep := range []string{strings.Repeat("[", MaxDocumentBytes), strings.Repeat(`{"a":`, MaxDocumentBytes/5)} {
		if _, err := Parse(KMSKey, []byte(deep)); !errors.As(err, &refusal) || refusal.Fault != FaultSyntax {
			t.Errorf("deep nesting: %v", err)
		}
	}
}

func TestSizeLeavesOutWhiteSpace(t *testing.T) {
	if got := Size([]byte("{ \"a\" :\r\n\t\"é\" }")); got != 9 {
		t.Errorf("size %d, want 9", got)
	}
}

func TestContextKeys(t *testing.T) {
	d, err := Parse(IdentityManaged, []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/${aws:username}/${*}","arn:aws:s3:::b/${aws:PrincipalTag/dir, 'x'}"],
		 "Condition":{"StringLike":{"s3:prefix":["${aws:userid}","${AWS:username}"]},"NumericEquals":{"s3:max-keys":"5"}}},
		{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"S3:Prefix":"true","aws:SecureTransport":"false"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "aws:username aws:PrincipalTag/dir s3:prefix aws:userid s3:max-keys aws:SecureTransport"
	if got := strings.Join(d.ContextKeys(), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVariablesAreLiteralInTheOldVersion(t *testing.T) {
	doc := `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}"}}`
	ps := &Policies{Identity: []*Policy{must(t, IdentityInline, doc)}}
	who := &Principal{Type: User, Account: "111122223333", UserName: "alice"}
	for resource, want := range map[string]bool{"arn:aws:s3:::b/alice": false, "arn:aws:s3:::b/${aws:username}": true} {
		r := Evaluate(&Request{Principal: who, Action: "s3:GetObject", Resource: resource}, ps, nil)
		if r.Allowed() != want {
			t.Errorf("%s: allowed %v, want %v", resource, r.Allowed(), want)
		}
	}
}
