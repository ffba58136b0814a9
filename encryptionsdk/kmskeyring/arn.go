package kmskeyring

import (
	"errors"
	"fmt"
	"strings"

	"fastness/encryptionsdk"
)

// keyARN is the name of a KMS key or alias: arn:partition:kms:region:account:type/id.
type keyARN struct {
	partition, region, account string
	kind                       string // "key" or "alias"
	id                         string
}

var errARN = errors.New("not the ARN of a KMS key or alias")

// parseARN follows the specification's "a valid AWS KMS ARN".
func parseARN(s string) (keyARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kms" || parts[1] == "" || parts[3] == "" || parts[4] == "" {
		return keyARN{}, errARN
	}
	kind, id, ok := strings.Cut(parts[5], "/")
	if !ok || kind != "key" && kind != "alias" || id == "" || strings.Contains(id, ":") {
		return keyARN{}, errARN
	}
	return keyARN{partition: parts[1], region: parts[3], account: parts[4], kind: kind, id: id}, nil
}

func (a keyARN) String() string {
	return "arn:" + a.partition + ":kms:" + a.region + ":" + a.account + ":" + a.kind + "/" + a.id
}

// multiRegion tells whether the key has, or may have, replicas in other Regions. An alias
// never counts, whatever it is called.
func (a keyARN) multiRegion() bool { return a.kind == "key" && strings.HasPrefix(a.id, "mrk-") }

// sameKey tells whether a and b are the same key or replicas of one multi-Region key.
func sameKey(a, b keyARN) bool {
	if a.multiRegion() && b.multiRegion() {
		b.region = a.region
	}
	return a == b
}

// parseMessageARN parses the provider info of an encrypted data key: always a key's ARN.
func parseMessageARN(info []byte) (keyARN, error) {
	a, err := parseARN(string(info))
	if err == nil && a.kind != "key" {
		err = errors.New("a message names an alias in place of a KMS key")
	}
	return a, err
}

// checkKeyID accepts what KMS takes as KeyId: a key ARN, an alias ARN, a key id or an alias
// name.
func checkKeyID(id string) error {
	if id == "" || len(id) > 2048 {
		return fmt.Errorf("%w: a KMS key identifier has 1 to 2,048 characters", encryptionsdk.ErrOptions)
	}
	if strings.HasPrefix(id, "arn:") {
		if _, err := parseARN(id); err != nil {
			return fmt.Errorf("%w: key identifier %q: %w", encryptionsdk.ErrOptions, id, err)
		}
		return nil
	}
	name, alias := strings.CutPrefix(id, "alias/")
	if name == "" || !alias && strings.ContainsAny(name, "/:") {
		return fmt.Errorf("%w: %q is not a KMS key identifier", encryptionsdk.ErrOptions, id)
	}
	return nil
}

// checkKeyARN accepts the ARN of a key only.
func checkKeyARN(id string) (keyARN, error) {
	a, err := parseARN(id)
	if err == nil && a.kind != "key" {
		err = errors.New("an alias will not do")
	}
	if err != nil {
		return keyARN{}, fmt.Errorf("%w: key identifier %q: %w", encryptionsdk.ErrOptions, id, err)
	}
	return a, nil
}

// checkGrants bounds grant tokens as KMS does.
func checkGrants(tokens []string) error {
	if len(tokens) > 10 {
		return fmt.Errorf("%w: %d grant tokens, KMS takes 10", encryptionsdk.ErrOptions, len(tokens))
	}
	return nil
}
