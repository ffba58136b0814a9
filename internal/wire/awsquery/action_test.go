package awsquery

import "testing"

func TestAction(t *testing.T) {
	for _, c := range []struct {
		form, action, version string
		bad                   bool
	}{
		{form: "Action=GetCallerIdentity&Version=2011-06-15", action: "GetCallerIdentity", version: "2011-06-15"},
		{form: "Version=2011-06-15&UserName=a%26Action%3Db&Action=GetUser", action: "GetUser", version: "2011-06-15"},
		{form: ""},
		{form: "Actions=x"},
		{form: "Action=GetUser&Action=DeleteUser", bad: true},
		{form: "Action=GetUser&%41ction=DeleteUser", bad: true},
		{form: "Action=GetUser&Version=1&Version=2", bad: true},
		{form: "Action=%zz", bad: true},
	} {
		action, version, err := Action([]byte(c.form))
		if (err != nil) != c.bad || !c.bad && (action != c.action || version != c.version) {
			t.Errorf("Action(%q) = %q, %q, %v", c.form, action, version, err)
		}
	}
}

func TestHasActionReadsNamesNotValues(t *testing.T) {
	for form, want := range map[string]bool{"Action=X": true, "a=1&Action=X": true, "a=Action=X": false, "": false, "XAction=1": false} {
		if HasAction([]byte(form)) != want {
			t.Errorf("HasAction(%q) = %v", form, !want)
		}
	}
}
