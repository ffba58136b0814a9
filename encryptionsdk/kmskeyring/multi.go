package kmskeyring

import (
	"fmt"
	"slices"
	"strings"

	"fastness/encryptionsdk"
)

// ClientSource returns the client for a Region. It is called once for each Region that a
// constructor meets.
type ClientSource func(region string) (Client, error)

// NewMulti returns a keyring over several KMS keys, given by ARN: generator makes the data
// keys and may be empty, children wrap them too. Each key decrypts on its own.
func NewMulti(clients ClientSource, generator string, children []string, grantTokens ...string) (*encryptionsdk.MultiKeyring, error) {
	return newMulti(clients, generator, children, false, grantTokens)
}

// NewMRKMulti is NewMulti with keyrings of NewMRK. Replicas of one key may not be given
// together: it fails with ErrOptions and names them.
func NewMRKMulti(clients ClientSource, generator string, children []string, grantTokens ...string) (*encryptionsdk.MultiKeyring, error) {
	return newMulti(clients, generator, children, true, grantTokens)
}

func newMulti(clients ClientSource, generator string, children []string, mrk bool, grants []string) (*encryptionsdk.MultiKeyring, error) {
	source := perRegion(clients)
	ids := slices.Clone(children)
	if generator != "" {
		ids = slices.Insert(ids, 0, generator)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: no KMS keys", encryptionsdk.ErrOptions)
	}
	if mrk {
		if err := distinct(ids); err != nil {
			return nil, err
		}
	}
	var rings []encryptionsdk.Keyring
	for _, id := range ids {
		a, err := parseARN(id)
		if err != nil {
			return nil, fmt.Errorf("%w: key identifier %q: %w", encryptionsdk.ErrOptions, id, err)
		}
		client, err := source(a.region)
		if err != nil {
			return nil, err
		}
		ring, err := newKeyring(client, id, mrk, grants)
		if err != nil {
			return nil, err
		}
		rings = append(rings, ring)
	}
	if generator == "" {
		return encryptionsdk.NewMultiKeyring(nil, rings...)
	}
	return encryptionsdk.NewMultiKeyring(rings[0], rings[1:]...)
}

// NewDiscoveryMulti returns a keyring that decrypts with the keys of several Regions, each
// through the client of its Region. The filter is as for NewDiscovery.
func NewDiscoveryMulti(clients ClientSource, regions []string, filter *Filter, grantTokens ...string) (*encryptionsdk.MultiKeyring, error) {
	return newDiscoveryMulti(clients, regions, filter, false, grantTokens)
}

// NewMRKDiscoveryMulti is NewDiscoveryMulti with keyrings of NewMRKDiscovery.
func NewMRKDiscoveryMulti(clients ClientSource, regions []string, filter *Filter, grantTokens ...string) (*encryptionsdk.MultiKeyring, error) {
	return newDiscoveryMulti(clients, regions, filter, true, grantTokens)
}

func newDiscoveryMulti(clients ClientSource, regions []string, filter *Filter, mrk bool, grants []string) (*encryptionsdk.MultiKeyring, error) {
	source := perRegion(clients)
	if len(regions) == 0 || slices.Contains(regions, "") {
		return nil, fmt.Errorf("%w: discovery needs Regions, none of them empty", encryptionsdk.ErrOptions)
	}
	var rings []encryptionsdk.Keyring
	for _, region := range regions {
		client, err := source(region)
		if err != nil {
			return nil, err
		}
		// The Region also restricts the plain keyring: a client cannot reach other keys.
		ring, err := newDiscovery(client, region, mrk, filter, grants)
		if err != nil {
			return nil, err
		}
		rings = append(rings, ring)
	}
	return encryptionsdk.NewMultiKeyring(nil, rings...)
}

// perRegion calls clients once for each Region.
func perRegion(clients ClientSource) ClientSource {
	made := map[string]Client{}
	return func(region string) (Client, error) {
		if c, ok := made[region]; ok {
			return c, nil
		}
		if clients == nil {
			return nil, fmt.Errorf("%w: no source of KMS clients", encryptionsdk.ErrOptions)
		}
		c, err := clients(region)
		if err != nil {
			return nil, fmt.Errorf("%w: KMS client for %s: %w", encryptionsdk.ErrOptions, region, err)
		}
		if c == nil {
			return nil, fmt.Errorf("%w: no KMS client for %s", encryptionsdk.ErrOptions, region)
		}
		made[region] = c
		return c, nil
	}
}

// distinct refuses multi-Region keys that have their id in common, naming all of them.
func distinct(ids []string) error {
	same := map[string][]string{}
	for _, id := range ids {
		if a, err := parseARN(id); err == nil && a.multiRegion() {
			same[a.id] = append(same[a.id], id)
		}
	}
	var twice []string
	for _, group := range same {
		if len(group) > 1 {
			twice = append(twice, group...)
		}
	}
	if len(twice) > 0 {
		slices.Sort(twice)
		return fmt.Errorf("%w: related multi-Region keys: %s", encryptionsdk.ErrOptions, strings.Join(twice, ", "))
	}
	return nil
}
