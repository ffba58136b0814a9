// Package encryptionsdk runs test vectors of AWS's Encryption SDKs against the library:
//
//   - commitment-test-vectors.json (aws-encryption-sdk-python): 46 messages with their data
//     keys; 41 open, 5 have a data key that the message does not commit to;
//   - v4-Net-4.0.1.zip and valid-Net-4.0.0.zip (aws-encryption-sdk): the 104 messages under raw
//     AES and RSA keys, all of which are valid: none needs the retry for .NET 4.0.0;
//   - python-1.3.5.zip (aws-encryption-sdk-test-vectors): 360 messages under AWS KMS keys that
//     nobody here holds, whose headers are parsed and written again byte for byte.
//
// It needs the build tag "conformance" and the environment variable FASTNESS_VECTORS, the
// folder that holds encryptionsdk/; make conformance sets both.
package encryptionsdk
