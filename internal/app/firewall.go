package app

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/place"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/account"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/crs"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/proxy"
	"fastness/internal/service/wafv2"
)

// FirewallConfig is what an operator can set about web ACLs.
type FirewallConfig struct {
	// Feeds is a directory with the addresses that the managed groups of addresses block: a file
	// NAME.txt for each of their sets (managed.Group.AddressSets), with an address or a prefix
	// a line and comments behind #, and lists of stolen credentials (account.ReadStolen) in
	// StolenCredentials.txt and StolenPasswords.txt. Empty: there are none. A feed is read when a web ACL
	// is compiled, and if it has changed.
	Feeds string
	// RateMemory bounds the memory of the rate-based rules of all web ACLs together, in bytes; default
	// DefaultRateMemory.
	RateMemory int64
	// HeldBody and HeldMemory bound what a proxy holds of bodies, of one and of all (proxy.Options).
	HeldBody   int
	HeldMemory int64
	// CoreRuleSet is a directory with an OWASP Core Rule Set that takes the place of the one in the
	// binary; empty: that one.
	CoreRuleSet string
	// Countries and ASNs are MaxMind databases that take the place of the built-in tables; empty: those.
	Countries, ASNs string
}

// DefaultRateMemory is the memory of the rate-based rules of all web ACLs: of three million keys.
const DefaultRateMemory = 512 << 20

// FirewallOptions are what web ACLs are compiled with, in this process and in a proxy of its own:
// the managed groups, the detector of attacks, the places of addresses. They take some 20 MB, so they are made
// for the first web ACL.
func FirewallOptions(c FirewallConfig, groups *Groups) (waf.Options, error) {
	fail := func(err error) (waf.Options, error) { return waf.Options{}, fmt.Errorf("app: %w", err) }
	detector, err := attack.New()
	if err != nil {
		return fail(err)
	}
	places, err := place.Embedded()
	if err != nil {
		return fail(err)
	}
	if c.Countries != "" {
		if places.Countries, err = place.ReadCountries(c.Countries); err != nil {
			return fail(err)
		}
	}
	if c.ASNs != "" {
		if places.ASNs, err = place.ReadASNs(c.ASNs); err != nil {
			return fail(err)
		}
	}
	return waf.Options{Managed: groups, Attacks: detector, Places: located{places}}, nil
}

// Groups are the managed rule groups: those under AWS's names, and the Core Rule Set. They are read when
// one is asked for first: an installation without a web ACL does without their megabytes.
type Groups struct {
	load func() (*loadedGroups, error)
}

type loadedGroups struct {
	aws *managed.Catalogue
	crs *crs.Group
}

// ManagedGroup gives the specification of a group; see waf.ManagedGroups.
func (g *Groups) ManagedGroup(vendor, name, version string, configs json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	all, err := g.load()
	if err != nil {
		return waf.RuleGroup{}, waf.Sets{}, err
	}
	if vendor == crs.Vendor {
		return all.crs.ManagedGroup(vendor, name, version, configs)
	}
	return all.aws.ManagedGroup(vendor, name, version, configs)
}

// ManagedGroups are the managed rule groups with the operator's feeds and rules. Rules that the operator
// brings are compiled once to see that they can be.
func ManagedGroups(c FirewallConfig, log *slog.Logger) (*Groups, error) {
	g := &Groups{load: sync.OnceValues(func() (*loadedGroups, error) {
		aws, err := managed.New(managed.Feeds{Addresses: feeds(c.Feeds, log), Stolen: stolenCredentials(c.Feeds, log)})
		if err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
		rules := crs.Embedded()
		if c.CoreRuleSet != "" {
			rules = os.DirFS(c.CoreRuleSet)
		}
		set, err := crs.New(rules)
		if err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
		return &loadedGroups{aws, set}, nil
	})}
	if c.CoreRuleSet != "" {
		all, err := g.load()
		if err != nil {
			return nil, err
		}
		if err := all.crs.Check(); err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
	}
	return g, nil
}

// NewFirewall makes what compiles the web ACLs of a proxy; what it needs for that it makes when the
// first one comes. tokens reads what CAPTCHA and Challenge gave to clients.
func NewFirewall(c FirewallConfig, groups *Groups, tokens waf.Tokens) func(acl *proxy.WebACL, previous proxy.Inspector) (proxy.Inspector, error) {
	engine := sync.OnceValues(func() (*proxy.Engine, error) {
		options, err := FirewallOptions(c, groups)
		if err != nil {
			return nil, err
		}
		options.ShareCounts, options.RateBudget = true, rate.NewBudget(cmp.Or(c.RateMemory, DefaultRateMemory))
		return proxy.NewEngine(options, tokens), nil
	})
	return func(acl *proxy.WebACL, previous proxy.Inspector) (proxy.Inspector, error) {
		e, err := engine()
		if err != nil {
			return nil, err
		}
		return e.Compile(acl, previous)
	}
}

// located is a database of places as web ACLs ask for it.
type located struct{ *place.Database }

func (l located) Country(a netip.Addr) (country, region string) {
	return l.Database.Country(a), l.Region(a)
}

// maxFeed bounds the addresses of a feed.
const maxFeed = 1_000_000

// feeds reads the sets of addresses in a directory. A line that is no address is reported and left
// out; a file that is not there is an empty set.
func feeds(dir string, log *slog.Logger) func(string) []netip.Prefix {
	if dir == "" {
		return nil
	}
	return func(name string) []netip.Prefix {
		f, err := os.Open(filepath.Join(dir, name+".txt"))
		if err != nil {
			if !os.IsNotExist(err) {
				log.Error("a feed of addresses cannot be read", "feed", name, "error", err)
			}
			return nil
		}
		defer f.Close()
		var list []netip.Prefix
		bad := 0
		sc := bufio.NewScanner(f)
		for sc.Scan() && len(list) < maxFeed {
			line, _, _ := strings.Cut(sc.Text(), "#")
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			p, err := netip.ParsePrefix(line)
			if err != nil {
				a, err := netip.ParseAddr(line)
				if err != nil {
					bad++
					continue
				}
				p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
			}
			list = append(list, p.Masked())
		}
		if err := sc.Err(); err != nil || bad > 0 || len(list) == maxFeed {
			log.Warn("a feed of addresses is not wholly read", "feed", name, "addresses", len(list), "bad lines", bad, "error", err)
		}
		return list
	}
}

// Names of the lists of stolen credentials among the feeds.
const (
	stolenPairsFile     = "StolenCredentials.txt"
	stolenPasswordsFile = "StolenPasswords.txt"
)

// stolenCredentials reads the lists of stolen credentials in a directory, again only when one of them has
// another size or time. One that cannot be read is reported, and the lists of before stay.
func stolenCredentials(dir string, log *slog.Logger) func() *account.Stolen {
	if dir == "" {
		return nil
	}
	var (
		mu   sync.Mutex
		seen string
		list *account.Stolen
	)
	return func() *account.Stolen {
		mu.Lock()
		defer mu.Unlock()
		state := ""
		for _, name := range []string{stolenPairsFile, stolenPasswordsFile} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				state += fmt.Sprintln(name, info.Size(), info.ModTime().UnixNano())
			}
		}
		if state == seen {
			return list
		}
		read, err := readStolen(dir)
		if err != nil {
			log.Error("the lists of stolen credentials cannot be read; those of before stay", "error", err)
			return list
		}
		seen, list = state, read
		return list
	}
}

func readStolen(dir string) (*account.Stolen, error) {
	open := func(name string) (io.Reader, func() error, error) {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return nil, func() error { return nil }, nil
		}
		if err != nil {
			return nil, nil, err
		}
		return f, f.Close, nil
	}
	pairs, closePairs, err := open(stolenPairsFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closePairs() }()
	passwords, closePasswords, err := open(stolenPasswordsFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closePasswords() }()
	return account.ReadStolen(pairs, passwords)
}

// catalogue shows the managed groups to the API.
type catalogue struct{ list func() []wafv2.ManagedGroup }

func (c catalogue) ManagedGroups() []wafv2.ManagedGroup { return c.list() }

// newCatalogue is read when it is asked for first. What is in the binary can be read: tests do. What the operator
// brings was, when it was taken.
func newCatalogue(groups *Groups) catalogue {
	return catalogue{sync.OnceValue(func() []wafv2.ManagedGroup {
		all, err := groups.load()
		if err != nil {
			return nil
		}
		return all.describe()
	})}
}

// describe is what the API tells of the groups.
func (groups *loadedGroups) describe() []wafv2.ManagedGroup {
	var all []wafv2.ManagedGroup
	for _, g := range groups.aws.Groups() {
		v := wafv2.ManagedVersion{Name: g.Version, Updated: g.Updated, Capacity: g.Capacity, Labels: g.Labels}
		for _, r := range g.Rules {
			v.Rules = append(v.Rules, wafv2.ManagedRule{Name: r.Name, Action: ruleAction(r.Action)})
		}
		all = append(all, wafv2.ManagedGroup{
			Vendor: managed.Vendor, Name: g.Name, Title: g.Title, Description: g.Description, LabelNamespace: g.LabelNamespace,
			Advanced: g.Advanced, Versioned: g.Version != "", Default: g.Version, Versions: []wafv2.ManagedVersion{v},
		})
	}
	core := wafv2.ManagedGroup{
		Vendor: crs.Vendor, Name: crs.Name, Title: "OWASP Core Rule Set",
		Description:    "The rules of the OWASP Core Rule Set with their anomaly score. A version is a paranoia level; the rule AnomalyScore_5 blocks.",
		LabelNamespace: crs.LabelNamespace, Versioned: true, Default: groups.crs.Versions[0].Name,
	}
	for _, v := range groups.crs.Versions {
		version := wafv2.ManagedVersion{Name: v.Name, Updated: crs.Updated, Capacity: crs.Capacity}
		for _, r := range v.Rules {
			version.Rules = append(version.Rules, wafv2.ManagedRule{Name: r.Name, Action: ruleAction(r.Action)})
			version.Labels = append(version.Labels, r.Label)
		}
		core.Versions = append(core.Versions, version)
	}
	return append(all, core)
}

func ruleAction(k waf.ActionKind) wafv2api.RuleAction {
	switch k {
	case waf.Allow:
		return wafv2api.RuleAction{Allow: new(wafv2api.AllowAction)}
	case waf.Count:
		return wafv2api.RuleAction{Count: new(wafv2api.CountAction)}
	case waf.Captcha:
		return wafv2api.RuleAction{Captcha: new(wafv2api.CaptchaAction)}
	case waf.Challenge:
		return wafv2api.RuleAction{Challenge: new(wafv2api.ChallengeAction)}
	}
	return wafv2api.RuleAction{Block: new(wafv2api.BlockAction)}
}
