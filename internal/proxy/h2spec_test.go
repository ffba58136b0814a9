package proxy

import (
	"bytes"
	"net"
	"os/exec"
	"testing"
)

// TestH2spec runs the conformance tests of HTTP/2 and HPACK that h2spec has.
func TestH2spec(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t))
	host, port, _ := net.SplitHostPort(r.addr)
	out, err := exec.Command("go", "tool", "-modfile=../../test/tools/go.mod", "h2spec", "-h", host, "-p", port, "-o", "3", "-P", "/", "-t", "-k").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" 0 failed")) {
		t.Errorf("%v\n%s", err, out)
	}
}
