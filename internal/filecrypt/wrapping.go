package filecrypt

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fastness/encryptionsdk/rawkeyring"
)

// The providers of wrapping keys.
const (
	providerKMS = "aws-kms"
	providerAES = "raw-aes"
	providerRSA = "raw-rsa"
)

// KeyGroup is one --wrapping-keys: keys of one provider.
type KeyGroup struct {
	Provider string // aws-kms, raw-aes or raw-rsa
	// Keys are identifiers of KMS keys, or the one place (file:PATH, fd:N) of a raw key.
	Keys []string

	// For aws-kms. The Region is for keys that are not ARNs, and for discovery.
	Region, Profile    string
	Discovery          bool
	DiscoveryAccounts  []string // with DiscoveryPartition, or neither
	DiscoveryPartition string

	// For raw keys.
	Namespace, Name string
	Padding         string // of raw-rsa
	Encoding        string // of a raw-aes key: raw, hex or base64
}

const keyHelp = `
Wrapping keys are of one of these providers:
  provider=aws-kms (may be left out)
      key=ID…                     key or alias ARN; when decrypting, key ARN
      region=R profile=P          Region of keys that are no ARNs; profile of the AWS SDK
      discovery=true              when decrypting: any key, instead of key=
      discovery-partition=P discovery-account=A…
  provider=raw-aes namespace=NS name=N key=file:PATH|fd:N [encoding=raw|hex|base64]
  provider=raw-rsa namespace=NS name=N key=file:PATH|fd:N
      padding=pkcs1|oaep-sha1|oaep-sha256|oaep-sha384|oaep-sha512
      the key is PEM: private, or public for encrypting only
`

// attributes that each provider understands; those marked true may be repeated.
var attributes = map[string]map[string]bool{
	providerKMS: {"key": true, "region": false, "profile": false, "discovery": false, "discovery-account": true, "discovery-partition": false},
	providerAES: {"key": false, "namespace": false, "name": false, "encoding": false},
	providerRSA: {"key": false, "namespace": false, "name": false, "padding": false},
}

// paddings are the names of RSA paddings.
var paddings = map[string]rawkeyring.Padding{
	"pkcs1":       rawkeyring.PKCS1,
	"oaep-sha1":   rawkeyring.OAEPSHA1,
	"oaep-sha256": rawkeyring.OAEPSHA256,
	"oaep-sha384": rawkeyring.OAEPSHA384,
	"oaep-sha512": rawkeyring.OAEPSHA512,
}

// parseKeyGroup reads the attributes of one group. Values are not repeated in errors:
// somebody may have written a key where its place belongs.
func parseKeyGroup(mode Mode, words []string) (*KeyGroup, error) {
	pairs, err := parsePairs(words)
	if err != nil {
		return nil, err
	}
	values := make(map[string][]string)
	for _, p := range pairs {
		values[p.name] = append(values[p.name], p.value)
	}
	first := func(name string) string {
		if v := values[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	g := &KeyGroup{Provider: providerKMS}
	if p := values["provider"]; len(p) > 1 {
		return nil, errors.New("a group has one provider")
	} else if len(p) == 1 {
		// AWS's tool qualifies the names of providers by the package that brings them.
		g.Provider = strings.TrimPrefix(p[0], "aws-encryption-sdk-cli::")
	}
	known, ok := attributes[g.Provider]
	if !ok {
		return nil, fmt.Errorf("there is no provider %q: it is aws-kms, raw-aes or raw-rsa", g.Provider)
	}
	for _, p := range pairs {
		repeats, ok := known[p.name]
		switch {
		case p.name == "provider":
		case !ok:
			return nil, fmt.Errorf("%s has no attribute %q", g.Provider, p.name)
		case !repeats && len(values[p.name]) > 1:
			return nil, fmt.Errorf("%s is given more than once", p.name)
		}
	}
	g.Keys = values["key"]
	g.Region, g.Profile = first("region"), first("profile")
	g.Namespace, g.Name = first("namespace"), first("name")
	g.Padding, g.Encoding = first("padding"), first("encoding")
	if g.Provider == providerKMS {
		return g, g.discovery(mode, values)
	}
	return g, g.checkRaw()
}

// discovery reads the attributes of discovery and checks that the group has either keys
// or discovery.
func (g *KeyGroup) discovery(mode Mode, values map[string][]string) error {
	wanted, filtered := values["discovery"], values["discovery-account"] != nil || values["discovery-partition"] != nil
	if mode == Encrypt && (wanted != nil || filtered) {
		return errors.New("discovery is for decrypting only")
	}
	if wanted != nil {
		var err error
		if g.Discovery, err = parseTruth(wanted[0]); err != nil {
			return fmt.Errorf("discovery: %w", err)
		}
	}
	g.DiscoveryAccounts = values["discovery-account"]
	if p := values["discovery-partition"]; p != nil {
		g.DiscoveryPartition = p[0]
	}
	switch {
	case filtered && !g.Discovery:
		return errors.New("discovery-account and discovery-partition go with discovery=true")
	case (g.DiscoveryAccounts == nil) != (g.DiscoveryPartition == ""):
		return errors.New("discovery-account and discovery-partition go together")
	case g.Discovery && len(g.Keys) > 0:
		return errors.New("a group has keys or discovery=true, not both")
	case !g.Discovery && len(g.Keys) == 0 && mode == Encrypt:
		return errors.New("a key= is needed")
	case !g.Discovery && len(g.Keys) == 0:
		return errors.New("a key= or discovery=true is needed")
	}
	if mode.decrypts() {
		for _, k := range g.Keys {
			if !isKeyARN(k) {
				return fmt.Errorf("%q is not a key ARN: aliases and key ids do not name a key to decrypt with", k)
			}
		}
	}
	return nil
}

// isKeyARN tells arn:…:kms:REGION:ACCOUNT:key/ID from other identifiers of keys.
func isKeyARN(s string) bool {
	p := strings.SplitN(s, ":", 6)
	return len(p) == 6 && p[0] == "arn" && p[1] != "" && p[2] == "kms" && p[3] != "" && p[4] != "" && strings.HasPrefix(p[5], "key/") && len(p[5]) > len("key/")
}

func (g *KeyGroup) checkRaw() error {
	switch {
	case len(g.Keys) == 0:
		return errors.New("a key= is needed")
	case g.Namespace == "" || g.Name == "":
		return fmt.Errorf("%s needs namespace= and name=", g.Provider)
	case g.Namespace == providerKMS || strings.HasPrefix(g.Namespace, "aws-kms"):
		return errors.New("namespaces that begin with aws-kms are KMS's")
	case g.Provider == providerRSA && paddings[g.Padding] == 0:
		return fmt.Errorf("raw-rsa needs padding=, one of %s", strings.Join(slices.Sorted(maps.Keys(paddings)), ", "))
	case !slices.Contains([]string{"", "raw", "hex", "base64"}, g.Encoding):
		return errors.New("encoding is raw, hex or base64")
	}
	_, err := placeOf(g.Keys[0])
	return err
}

func parseTruth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "t", "1", "yes", "y":
		return true, nil
	case "false", "f", "0", "no", "n":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}
