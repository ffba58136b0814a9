// Package keywrap opens wrapped keys: the key material that a customer encrypts
// to a wrapping key of ours and hands to ImportKeyMaterial.
//
// aeskw.go has AES key wrap without padding (RFC 3394) and with padding (RFC
// 5649), which the standard library lacks. unwrap.go has the wrapping algorithms
// of AWS KMS on top: RSAES-OAEP directly, RSAES-OAEP around an AES key that wraps
// the material (CKM_RSA_AES_KEY_WRAP of PKCS #11 2.40), and SM2PKE.
//
// What is unwrapped here is bytes. Whether they are a sound key of the right
// spec is for the keyalg engine to say; the two do not know each other.
//
// # One error
//
// A wrapped key comes from outside, and an answer that tells bad padding from a
// bad key lets an attacker open ciphertexts (Manger 2001). So every failure is
// ErrUnwrap, and the hybrid algorithms do the same work whether or not the RSA
// part was good: after a failure they go on with a random AES key.
//
// # FIPS 140-3
//
// SM2PKE and OAEP with SHA-1 are refused with ErrNotApproved while
// GODEBUG=fips140=only is in force. AES key wrap is an approved mode (SP
// 800-38F) whose block cipher comes from the module and whose six rounds stand
// here, outside it.
package keywrap
