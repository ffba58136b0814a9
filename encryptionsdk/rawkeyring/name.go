package rawkeyring

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"fastness/encryptionsdk"
)

// errClosed is the cause when a closed keyring is used.
var errClosed = errors.New("keyring is closed")

// checkName bounds the namespace and name of a key. reserve is how many bytes of provider
// info follow the name.
func checkName(namespace, name string, reserve int) error {
	switch {
	case namespace == "aws-kms":
		return fmt.Errorf(`%w: key namespace "aws-kms" belongs to AWS KMS`, encryptionsdk.ErrOptions)
	case namespace == "" || name == "":
		return fmt.Errorf("%w: key namespace and key name must not be empty", encryptionsdk.ErrOptions)
	case !utf8.ValidString(namespace) || !utf8.ValidString(name):
		return fmt.Errorf("%w: key namespace and key name must be UTF-8", encryptionsdk.ErrOptions)
	case len(namespace) > math.MaxUint16 || len(name) > math.MaxUint16-reserve:
		return fmt.Errorf("%w: key namespace or key name is too long", encryptionsdk.ErrOptions)
	}
	return nil
}
