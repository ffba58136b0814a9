package live

import (
	"strconv"
	"testing"

	"fastness/test/waf/shop"
)

// TestPeopleAreNotBlocked has a browser use a shop through the proxy with all managed rule groups at their
// default actions, which are to block.
func TestPeopleAreNotBlocked(t *testing.T) {
	p := startProxy(t, behind(t, serve(t, shop.Pages()), everyGroup(t)))
	t.Log(browse(t, "traces.mjs", "SITE=http://www.shop.example:"+strconv.Itoa(p.ports["site"])))
}
