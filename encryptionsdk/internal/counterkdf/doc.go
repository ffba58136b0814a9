// Package counterkdf is the key derivation function of NIST SP 800-108r1, section 4.1:
// counter mode with HMAC, a 32-bit counter in front of the fixed input and the length in
// bits at its end. The ECDH and hierarchical keyrings derive their wrapping keys with it.
package counterkdf
