package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestPoliciesActOnceThroughKills lets parameters expire one after the other while the server is
// killed with kill -9 at random moments. Whatever the moment is: each parameter is gone at the
// end, and has one event that says that its policy acted and one that says that it was deleted.
func TestPoliciesActOnceThroughKills(t *testing.T) {
	t.Parallel()
	const (
		parameters = 60
		kills      = 8
		apart      = 100 * time.Millisecond
	)
	i := newInstallation(t)
	s := i.serve(t)
	first := time.Now().Add(10 * time.Second).UTC() // when all have been put
	name := func(n int) string { return fmt.Sprintf("/p/%02d", n) }
	for n := range parameters {
		at := first.Add(time.Duration(n) * apart).Format("2006-01-02T15:04:05.000Z")
		s.call(t, "ssm", "AmazonSSM.PutParameter", object{"Name": name(n), "Type": "String", "Value": "x", "Tier": "Advanced",
			"Policies": `[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"` + at + `"}}]`})
	}
	time.Sleep(time.Until(first))
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range kills {
		time.Sleep(time.Duration(r.Int64N(int64(2 * parameters * apart / (3 * kills)))))
		s.kill(t)
		s = i.serve(t)
	}
	time.Sleep(time.Until(first.Add(parameters * apart)))

	left := func() int {
		out := s.call(t, "ssm", "AmazonSSM.DescribeParameters", object{"MaxResults": 50})
		return len(out["Parameters"].([]any))
	}
	for end := time.Now().Add(patience); left() > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d parameters did not expire", left())
		}
	}
	acted, deleted := map[string]int{}, map[string]int{}
	for line := range strings.Lines(i.tail(t, "--lines", "1000", "--output", "json")) {
		var e struct {
			DetailType string `json:"detail-type"`
			Detail     struct {
				Name, Operation string
				ParameterName   string `json:"parameter-name"`
				PolicyType      string `json:"policy-type"`
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch {
		case e.DetailType == "Parameter Store Policy Action" && e.Detail.PolicyType == "Expiration":
			acted[e.Detail.ParameterName]++
		case e.DetailType == "Parameter Store Change" && e.Detail.Operation == "Delete":
			deleted[e.Detail.Name]++
		}
	}
	for n := range parameters {
		if name := name(n); acted[name] != 1 || deleted[name] != 1 {
			t.Errorf("%s: its policy acted %d times, and it was deleted %d times", name, acted[name], deleted[name])
		}
	}
	s.stop(t)
	i.run(t, "", "fsck")
}
