package ssm

import (
	"strings"
	"testing"

	"fastness/internal/api/ssmapi"
	"fastness/internal/store/follow/followtest"
)

func TestChangesOfAnotherProcessAreFollowed(t *testing.T) {
	here := newHarness(t, func(c *Config) { c.MaxStandard = 3 })
	there := here.beside()
	seen := followtest.Run(t, here.store, there.service.Memory())
	reads := func(name, want string) {
		t.Helper()
		if got := *there.get(name).Value; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"plain", "/a/path/b"} {
		here.put(name, "one")
		seen()
		reads(name, "one")
		here.put(name, "two", overwrite)
		seen()
		reads(name, "two")
		there.put(name, "three", overwrite)
		reads(name, "three") // at once: a process reads what it wrote
	}
	here.put("third", "x")
	seen()
	if _, err := there.tryPut("fourth", "x"); !strings.HasPrefix(textOf(err), "ParameterLimitExceeded") {
		t.Errorf("a fourth of three: %s", textOf(err))
	}
	if _, err := here.admin().DeleteParameter(t.Context(), &ssmapi.DeleteParameterRequest{Name: new("plain")}); err != nil {
		t.Fatal(err)
	}
	seen()
	if got := there.getError("plain"); !strings.HasPrefix(got, "ParameterNotFound") {
		t.Errorf("a deleted parameter: %s", got)
	}
	there.put("fourth", "x")
}

func TestAfterAGapEverythingIsReadAgain(t *testing.T) {
	here := newHarness(t)
	there := here.beside()
	here.put("a", "one")
	there.get("a")
	here.put("a", "two", overwrite)
	if err := there.service.forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := *there.get("a").Value; got != "two" {
		t.Errorf("%q", got)
	}
}
