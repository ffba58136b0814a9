package arn

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want ARN
		bad  bool
	}{
		{in: "arn:aws:kms:us-east-1:111122223333:key/1234abcd", want: ARN{"aws", "kms", "us-east-1", "111122223333", "key/1234abcd"}},
		{in: "arn:aws:iam::123456789012:root", want: ARN{"aws", "iam", "", "123456789012", "root"}},
		{in: "arn:aws:s3:::bucket/a:b", want: ARN{"aws", "s3", "", "", "bucket/a:b"}},
		{in: "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:x:*", want: ARN{"aws-us-gov", "logs", "us-gov-west-1", "123456789012", "log-group:x:*"}},
		{in: "", bad: true},
		{in: "arn:aws:kms:us-east-1:111122223333", bad: true},
		{in: "arn:aws:kms:us-east-1:111122223333:", bad: true},
		{in: "arn::kms:us-east-1:111122223333:key/x", bad: true},
		{in: "ARN:aws:kms:us-east-1:111122223333:key/x", bad: true},
	} {
		got, err := Parse(c.in)
		if c.bad {
			if err == nil {
				t.Errorf("Parse(%q) accepted", c.in)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
		}
		if got.String() != c.in {
			t.Errorf("Parse(%q).String() = %q", c.in, got.String())
		}
	}
}

func TestResourceParts(t *testing.T) {
	a := ARN{Resource: "key/mrk-1"}
	if a.ResourceType() != "key" || a.ResourceID() != "mrk-1" {
		t.Fatalf("got %q, %q", a.ResourceType(), a.ResourceID())
	}
	a.Resource = "root"
	if a.ResourceType() != "root" || a.ResourceID() != "" {
		t.Fatalf("got %q, %q", a.ResourceType(), a.ResourceID())
	}
}

func TestIsAccountID(t *testing.T) {
	for s, want := range map[string]bool{"123456789012": true, "12345678901": false, "12345678901x": false, "": false, "1234567890123": false} {
		if IsAccountID(s) != want {
			t.Errorf("IsAccountID(%q) = %v", s, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:kms:us-east-1:111122223333:key/1234abcd")
	f.Add("arn:aws:s3:::bucket")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := Parse(s); err == nil && a.String() != s {
			t.Fatalf("Parse(%q).String() = %q", s, a.String())
		}
	})
}
