package app

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fastness/internal/service/wafv2"
)

func TestFeedsAreReadAndBadLinesReported(t *testing.T) {
	dir := t.TempDir()
	text := "# a comment\n192.0.2.7\n198.51.100.9/24 # masked\n2001:db8::/32\n\nnobody\n"
	if err := os.WriteFile(filepath.Join(dir, "AnonymousIPList.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	read := feeds(dir, slog.New(slog.NewTextHandler(&log, nil)))
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	if got := read("AnonymousIPList"); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if !strings.Contains(log.String(), "AnonymousIPList") {
		t.Errorf("the bad line is not reported: %q", log.String())
	}
	if got := read("HostingProviderIPList"); got != nil {
		t.Errorf("a feed that is not there has %v", got)
	}
}

func TestStolenCredentialsAreReadWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	read := stolenCredentials(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if read().Password([]byte("letmein")) {
		t.Error("a password is stolen before there is a list")
	}
	file := filepath.Join(dir, stolenPasswordsFile)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b7a875fc1ea228b9061041b7cec4bd3c52ab3ce3:7\n")
	if !read().Password([]byte("letmein")) {
		t.Error("the list is not read")
	}
	write("nonsense, longer than before ............................\n")
	if !read().Password([]byte("letmein")) || !strings.Contains(log.String(), "stolen") {
		t.Errorf("a bad list takes the place of a good one, or is not reported: %q", log.String())
	}
	if stolenCredentials("", nil) != nil {
		t.Error("there are lists without a directory")
	}
}

func TestTheCoreRuleSetIsAManagedGroup(t *testing.T) {
	groups, err := ManagedGroups(FirewallConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	all := newCatalogue(groups).ManagedGroups()
	if !slices.IsSortedFunc(all, func(a, b wafv2.ManagedGroup) int {
		return strings.Compare(a.Vendor+"\x00"+a.Name, b.Vendor+"\x00"+b.Name)
	}) {
		t.Error("the catalogue is not in order")
	}
	last := all[len(all)-1]
	if last.Vendor != "OWASP" || last.Name != "CoreRuleSet" || last.Default != "4.25.0-PL1" || len(last.Versions) != 4 {
		t.Fatalf("%s %s, default %q, %d versions", last.Vendor, last.Name, last.Default, len(last.Versions))
	}
	for _, v := range last.Versions {
		if v.Capacity == 0 || v.Capacity > 5000 || len(v.Rules) < 150 || len(v.Labels) != len(v.Rules) {
			t.Errorf("%s: %d WCU, %d rules, %d labels", v.Name, v.Capacity, len(v.Rules), len(v.Labels))
		}
		for _, r := range v.Rules {
			if blocks := r.Action.Block != nil; blocks != (r.Name == "AnomalyScore_5") {
				t.Errorf("%s: rule %s blocks: %v", v.Name, r.Name, blocks)
			}
		}
	}
	if _, err := ManagedGroups(FirewallConfig{CoreRuleSet: t.TempDir()}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an empty directory is taken for a Core Rule Set")
	}
}
