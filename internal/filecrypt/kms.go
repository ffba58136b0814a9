package filecrypt

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/kmskeyring"
)

// kmsKeyrings makes one keyring for each key of a group, or one for discovery. As in AWS's
// tool since 3.0, replicas of a multi-Region key stand for each other.
func kmsKeyrings(ctx context.Context, g *KeyGroup) ([]encryptionsdk.Keyring, error) {
	clients, err := newKMSClients(ctx, g)
	if err != nil {
		return nil, err
	}
	if g.Discovery {
		d := &discovery{clients: clients}
		if len(g.DiscoveryAccounts) > 0 {
			d.filter = &kmskeyring.Filter{Partition: g.DiscoveryPartition, Accounts: g.DiscoveryAccounts}
		}
		return []encryptionsdk.Keyring{d}, nil
	}
	replicas := make(map[string]string)
	var all []encryptionsdk.Keyring
	for _, id := range g.Keys {
		region := regionOf(id)
		if _, key, ok := strings.Cut(id, ":key/mrk-"); ok {
			if other := replicas[key]; other != "" {
				return nil, fmt.Errorf("%s and %s are the same multi-Region key", other, id)
			}
			replicas[key] = id
		}
		client, err := clients.in(region)
		if err != nil {
			return nil, err
		}
		k, err := kmskeyring.NewMRK(client, id)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// kmsClients are clients of KMS in several Regions, with the configuration of the AWS SDK:
// environment (AWS_ENDPOINT_URL, too), files, and what a machine's role gives.
type kmsClients struct {
	config  aws.Config
	clients map[string]*kms.Client
}

func newKMSClients(ctx context.Context, g *KeyGroup) (*kmsClients, error) {
	var options []func(*config.LoadOptions) error
	if g.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(g.Profile))
	}
	if g.Region != "" {
		options = append(options, config.WithRegion(g.Region))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &kmsClients{c, make(map[string]*kms.Client)}, nil
}

// in is the client for a Region; an empty one stands for the configured.
func (c *kmsClients) in(region string) (*kms.Client, error) {
	if region == "" {
		region = c.config.Region
	}
	if region == "" {
		return nil, errors.New("no Region: give the ARN of the key, region= or AWS_REGION")
	}
	if made := c.clients[region]; made != nil {
		return made, nil
	}
	made := kms.NewFromConfig(c.config, func(o *kms.Options) { o.Region = region })
	c.clients[region] = made
	return made, nil
}

// regionOf is the Region of an ARN, empty for other identifiers.
func regionOf(id string) string {
	if p := strings.SplitN(id, ":", 6); len(p) == 6 && p[0] == "arn" {
		return p[3]
	}
	return ""
}

// regionName keeps what a message claims to be a Region from becoming part of a host name
// that somebody else chose.
var regionName = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]{2,12})+-[0-9]{1,2}$`)

// discovery opens data keys with whichever key of KMS wrapped them: in its own Region, or
// in the configured one for multi-Region keys, which have replicas there. It is for one
// goroutine: a run does one file after the other.
type discovery struct {
	clients *kmsClients
	filter  *kmskeyring.Filter
}

// OnEncrypt implements encryptionsdk.Keyring: it fails.
func (d *discovery) OnEncrypt(context.Context, *encryptionsdk.EncryptionMaterials) error {
	return errors.New("discovery only decrypts")
}

// OnDecrypt implements encryptionsdk.Keyring.
func (d *discovery) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if m.PlaintextDataKey != nil {
		return nil
	}
	errs := []error{encryptionsdk.ErrNoDataKey}
	for _, k := range keys {
		if k.ProviderID != kmskeyring.ProviderID {
			continue
		}
		info := string(k.ProviderInfo)
		region := regionOf(info)
		if strings.Contains(info, ":key/mrk-") && d.clients.config.Region != "" {
			region = d.clients.config.Region
		} else if !regionName.MatchString(region) {
			errs = append(errs, fmt.Errorf("%q is in no Region", printable(info)))
			continue
		}
		client, err := d.clients.in(region)
		if err != nil {
			return err
		}
		one, err := kmskeyring.NewMRKDiscovery(client, region, d.filter)
		if err != nil {
			return err
		}
		err = one.OnDecrypt(ctx, m, []encryptionsdk.EncryptedDataKey{k})
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
