package elbv2

import (
	"testing"

	"fastness/internal/api/elbv2api"
	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/store/follow/followtest"
	"fastness/internal/store/table"
)

// What another process changes has the configuration of the proxies made anew; what this one changes has it
// once.
func TestChangesOfAnotherProcessArePublished(t *testing.T) {
	var config Config
	h := newHarness(t, func(c *Config) { config = *c })
	published := 0
	config.Changed = func() { published++ }
	config.Registry = table.NewRegistry()
	if err := audit.Reserve(config.Registry); err != nil {
		t.Fatal(err)
	}
	if _, err := due.NewQueue(config.Registry); err != nil {
		t.Fatal(err)
	}
	there, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	seen := followtest.Run(t, h.store, there.Memory())
	own := followtest.Run(t, h.store, h.service.Memory())
	before, beforeThere := h.published, published
	if _, err := h.admin().CreateLoadBalancer(t.Context(), &elbv2api.CreateLoadBalancerInput{Name: new("lb")}); err != nil {
		t.Fatal(err)
	}
	seen()
	own()
	if published == beforeThere {
		t.Error("the change is not seen by the other process")
	}
	if h.published != before+1 {
		t.Errorf("the change is published %d times", h.published-before)
	}
}
