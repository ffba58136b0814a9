// Package keyrings holds the keyrings of encryptionsdk against those of AWS's own Encryption
// SDK for Go: what either encrypts the other decrypts, with raw AES, raw RSA and raw ECDH
// keys, with keys of KMS (symmetric, multi-Region, RSA, ECDH, discovery) and with branch
// keys. KMS is a Fastness server that TestMain builds and starts; the key store of AWS's
// hierarchical keyring finds its table in a few operations of DynamoDB, which a test serves.
//
// It is part of the module test/encryptionsdk, so that the product does not carry AWS's library.
//
//	cd test/encryptionsdk && go test ./keyrings
package keyrings
