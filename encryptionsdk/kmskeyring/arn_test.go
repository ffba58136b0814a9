package kmskeyring

import (
	"errors"
	"testing"

	"fastness/encryptionsdk"
)

const (
	testARN     = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherARN    = "arn:aws:kms:us-west-2:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab"
	mrkWest     = "arn:aws:kms:us-west-2:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
	mrkEast     = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
	mrkStranger = "arn:aws:kms:us-east-1:444455556666:key/mrk-1234abcd12ab34cd56ef1234567890ab"
)

func TestParseARN(t *testing.T) {
	for s, want := range map[string]keyARN{
		testARN:                                 {"aws", "us-west-2", "111122223333", "key", "1234abcd-12ab-34cd-56ef-1234567890ab"},
		"arn:aws-cn:kms:cn-north-1:1:alias/a/b": {"aws-cn", "cn-north-1", "1", "alias", "a/b"},
		mrkWest:                                 {"aws", "us-west-2", "111122223333", "key", "mrk-1234abcd12ab34cd56ef1234567890ab"},
	} {
		got, err := parseARN(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "arn", "arn:aws:kms:us-west-2:111122223333", "arn:aws:kms:us-west-2:111122223333:key",
		"arn:aws:kms:us-west-2:111122223333:key/", "arn:aws:kms:us-west-2:111122223333:alias/",
		"arn::kms:us-west-2:111122223333:key/a", "arn:aws::us-west-2:111122223333:key/a", "arn:aws:kms::111122223333:key/a",
		"arn:aws:kms:us-west-2::key/a", "arn:aws:s3:us-west-2:111122223333:key/a", "nra:aws:kms:us-west-2:111122223333:key/a",
		"arn:aws:kms:us-west-2:111122223333:key:a", "arn:aws:kms:us-west-2:111122223333:key/a:b", "arn:aws:kms:us-west-2:111122223333:grant/a",
		" " + testARN, "alias/a", "1234abcd-12ab-34cd-56ef-1234567890ab",
	} {
		if a, err := parseARN(s); err == nil {
			t.Errorf("%q: accepted as %+v", s, a)
		}
	}
}

func TestSameKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{testARN, testARN, true}, {testARN, otherARN, false}, {mrkWest, mrkEast, true}, {mrkEast, mrkWest, true},
		{mrkEast, mrkStranger, false}, {mrkWest, testARN, false},
		{"arn:aws:kms:us-west-2:1:key/a", "arn:aws:kms:us-east-1:1:key/a", false},
		{"arn:aws:kms:us-west-2:1:alias/mrk-a", "arn:aws:kms:us-east-1:1:alias/mrk-a", false},
		{"arn:aws:kms:us-west-2:1:key/mrk-a", "arn:aws-cn:kms:us-east-1:1:key/mrk-a", false},
	} {
		a, err := parseARN(c.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseARN(c.b)
		if err != nil {
			t.Fatal(err)
		}
		if sameKey(a, b) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.same)
		}
	}
}

func TestCheckKeyID(t *testing.T) {
	for _, id := range []string{testARN, "arn:aws:kms:us-west-2:1:alias/a", "alias/a", "alias/a/b", "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-a"} {
		if err := checkKeyID(id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", "alias/", "arn:aws:s3:::b", "key/a", "a:b"} {
		if err := checkKeyID(id); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add(testARN)
	f.Add("arn:aws:kms:us-west-2:1:alias/a/b")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := parseARN(s); err == nil && a.String() != s {
			t.Fatal("an ARN changed by being parsed")
		}
	})
}
