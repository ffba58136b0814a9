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
