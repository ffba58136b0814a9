package filecrypt

import (
	"context"

	"fastness/encryptionsdk"
)

func kmsKeyrings(ctx context.Context, g *KeyGroup) ([]encryptionsdk.Keyring, error) { return nil, nil }
