package interpreter

import (
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

// addressPlaces are what applications make of a value when they ask for an address, each with the value in place of VALUE.
var addressPlaces = []struct{ name, text string }{
	{"whole", "VALUE"}, {"host", "http://VALUE/status"}, {"behind a host", "https://shop.exampleVALUE"}, {"name of a shop", "https://VALUE.shop.example/api"},
}

//go:embed addresses.py
var addressesPython string

//go:embed addresses.js
var addressesNode string

//go:embed addresses.php
var addressesPHP string

// led is where a client is led: a scheme, a host, and the addresses that it would ask without a resolver.
type led struct {
	Client, Scheme, Host string
	IPs                  []string
}

type addresses struct {
	box     *sandbox.Box
	workers []*sandbox.Worker
	scheme  map[string]bool // that a client knows, besides those of the web
}

// NewAddresses makes the judge of request forgery.
func NewAddresses() (Judge, error) {
	if err := need(python, node, phpCLI, curl); err != nil {
		return nil, err
	}
	box, err := sandbox.New(debian(map[string]string{"/judge/addresses.py": addressesPython, "/judge/addresses.js": addressesNode, "/judge/addresses.php": addressesPHP, "/etc/hosts": "127.0.0.1 localhost\n", "/etc/nsswitch.conf": "hosts: files\n"}))
	if err != nil {
		return nil, err
	}
	return &addresses{box: box, workers: []*sandbox.Worker{
		sandbox.NewWorker(box, patience, "/usr/bin/node", "/judge/addresses.js"),
		sandbox.NewWorker(box, patience, "/usr/bin/python3", "-I", "/judge/addresses.py"),
		sandbox.NewWorker(box, patience, "/usr/bin/php", "-n", "-d", "display_errors=stderr", "/judge/addresses.php"),
	}}, nil
}

func (a *addresses) Close() error { return closeAll(a.box, a.workers...) }

// ofJava are schemes that Java's clients ask for, of which there is none here.
var ofJava = []string{"jar", "netdoc"}

var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// mayBeHost is what somebody may have taken for a host: a word with letters, or numbers of more than those that anything is counted with.
var mayBeHost = regexp.MustCompile(`^(?:[^/?#\\\s]*(?:[\pL\[.]|[^\x00-\x7f])|\d{8,})`)

// longestAddress is the longest value that is judged, in bytes.
const longestAddress = 2048

func (a *addresses) Judge(ctx context.Context, value string) (j Judgement, err error) {
	if a.scheme == nil {
		a.scheme = map[string]bool{}
		for _, w := range a.workers {
			var schemes []string
			if err := w.Ask(ctx, map[string]bool{"Schemes": true}, &schemes); err != nil {
				return j, err
			}
			for _, s := range append(schemes, ofJava...) {
				a.scheme[s] = s != "http" && s != "https"
			}
		}
	}
	j.take(verdict.Neither, "", "")
	for _, reading := range with(percent.Readings(value, percent.Decode), strings.TrimSpace) {
		for _, p := range addressPlaces {
			address := strings.ReplaceAll(p.text, "VALUE", reading)
			if (p.name == "host" || p.name == "name of a shop") && !mayBeHost.MatchString(reading) || len(reading) > longestAddress {
				continue
			}
			if p.name == "whole" && !hasScheme.MatchString(reading) && !strings.HasPrefix(reading, "//") && !strings.HasPrefix(reading, `\\`) {
				continue // a path
			}
			if p.name == "whole" && !hasScheme.MatchString(reading) {
				address = "https:" + reading
			}
			for i, w := range a.workers {
				var found []led
				err := w.Ask(ctx, map[string]string{"Address": address}, &found)
				if ended(err) {
					continue
				}
				if err != nil {
					return j, err
				}
				for _, l := range found {
					v, why := a.where(l, p.name == "whole")
					kind, _, _ := strings.Cut(why, ": ")
					j.take(v, p.name+", "+kind, "%s (%d), %s: %.200q: %s", l.Client, i, p.name, address, why)
				}
				if j.Verdict == verdict.Shown {
					return j, nil
				}
			}
		}
	}
	return j, nil
}

// where tells what a client is led to. Schemes, and names without a dot, count where the value is the whole address.
func (a *addresses) where(l led, whole bool) (verdict.Verdict, string) {
	if scheme := strings.ToLower(l.Scheme); whole && a.scheme[scheme] && scheme != "" {
		return verdict.Shown, "the scheme " + scheme
	}
	for _, text := range append([]string{l.Host}, l.IPs...) {
		text = strings.Trim(text, "[]")
		if ip, err := netip.ParseAddr(text); err == nil && Inner(ip) {
			return verdict.Shown, "an address: " + ip.String()
		}
	}
	if host := strings.ToLower(strings.TrimSuffix(l.Host, ".")); leadsInside(host) {
		return verdict.Shown, "a name: " + host
	} else if whole && host != "" && !strings.ContainsAny(host, ".:x") && host != "shop" {
		return verdict.Possible, fmt.Sprintf("a name without a dot: %.40q", host)
	}
	return verdict.Neither, ""
}

// networks are those of no host of the public Internet (IANA's registries of special-purpose addresses), and addresses at which clouds
// tell about their machines.
var networks = func() (all []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "168.63.129.16/32"} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

// Inner tells whether an address, also one of version 4 in one of version 6, is of none that is public.
func Inner(ip netip.Addr) bool {
	all := []netip.Addr{ip.WithZone("").Unmap()}
	if ip.Is6() {
		b := ip.As16()
		for _, p := range []string{"::/96", "64:ff9b::/96"} { // compatible with version 4, translated to it (RFC 6052)
			if netip.MustParsePrefix(p).Contains(ip.WithZone("")) {
				all = append(all, netip.AddrFrom4([4]byte(b[12:])))
			}
		}
		if b[0] == 0x20 && b[1] == 0x02 { // 6to4 (RFC 3056)
			all = append(all, netip.AddrFrom4([4]byte(b[2:6])))
		}
	}
	for _, a := range all {
		if slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
	}
	return false
}

// insideNames are names of the host itself and of services that clouds have at inner addresses; insideZones are names below which all is so: own zones of networks, and
// public names that are known to lead to the loopback.
var (
	insideNames = strings.Fields("localhost localhost.localdomain localhost4 localhost6 ip6-localhost ip6-loopback metadata instance-data rancher-metadata metadata.tencentyun.com metadata.packet.net metadata.platformequinix.com kubernetes kubernetes.default kubernetes.default.svc")
	insideZones = strings.Fields("localhost internal localdomain local intranet corp home.arpa lan cluster.local localtest.me lvh.me vcap.me lacolhost.com fbi.com spoofed.burpcollaborator.net bugbounty.dod.network mail.ebc.apple.com yoogle.com localho.st local.sisteminha.com ssrf.localdomain.pw localdomain.pw 42foo.com fuf.me 127-0-0-1.org.uk")
	// addressZones are public zones whose names have the address in them.
	addressZones = strings.Fields("nip.io xip.io sslip.io nip.direct xip.name 1u.ms rbndr.us")
	dotted       = regexp.MustCompile(`(?:^|[.-])(\d{1,3})[.-](\d{1,3})[.-](\d{1,3})[.-](\d{1,3})(?:[.-]|$)`)
	hexadecimal  = regexp.MustCompile(`(?:^|\.)([0-9a-f]{8})\.`)
)

// leadsInside tells whether a name is one that leads to an inner address.
func leadsInside(host string) bool {
	below := func(zone string) bool { return host == zone || strings.HasSuffix(host, "."+zone) }
	if slices.Contains(insideNames, host) || slices.ContainsFunc(insideZones, below) {
		return true
	}
	if !slices.ContainsFunc(addressZones, below) {
		return false
	}
	for _, m := range dotted.FindAllStringSubmatch(host, -1) {
		if ip, err := netip.ParseAddr(strings.Join(m[1:], ".")); err == nil && Inner(ip) {
			return true
		}
	}
	for _, m := range hexadecimal.FindAllStringSubmatch(host, -1) {
		var b [4]byte
		if n, _ := fmt.Sscanf(m[1], "%02x%02x%02x%02x", &b[0], &b[1], &b[2], &b[3]); n == 4 && Inner(netip.AddrFrom4(b)) {
			return true
		}
	}
	return false
}
