package apigen

import (
	"fmt"
	"strings"
	"unicode"
)

// initialisms stay in capitals in the names of enum constants. Everything else that
// is written in capitals becomes one capital and small letters.
var initialisms = wordSet(`ACL AES API ARN AWS AZ CA CIDR CMK CPU DH DNS DSA EBS EC ECC ECDH ECDSA ECS
		EKS FIFO FIPS GCM HMAC HSM HTTP HTTPS IAM ID IP JSON KDF KEM KMS MAC MD MFA ML MU NIST OAEP OU PKCS PKI PQ
		PSS RCP RDS RSA RSAES RSASSA SAML SCP SECG SHA SMS SNS SPKI SQL SQS SSE SSH SSL SSM SSO STS TCP TLS TTL UDP
		URI URL UTF VPC WAF XKS XML`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// exported makes a modelled name a Go name: the first letter in upper case, and what
// cannot stand in an identifier left out.
func exported(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && (r != '_' || b.Len() == 0) {
			up = true
			continue
		}
		if b.Len() == 0 && unicode.IsDigit(r) {
			b.WriteByte('N')
		}
		if up {
			r = unicode.ToUpper(r)
			up = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// constantSuffix turns an enum value into the end of its constant's name:
// RSAES_OAEP_SHA_256 is RSAESOAEPSHA256, SYMMETRIC_DEFAULT is SymmetricDefault.
func constantSuffix(value string) string {
	words := strings.FieldsFunc(value, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	var b strings.Builder
	for _, w := range words {
		// P256 and SHA1 keep their capitals, a word like EDWARDS25519 does not.
		letters := w
		if i := strings.IndexFunc(w, unicode.IsDigit); i >= 0 {
			letters = w[:i]
		}
		switch {
		case initialisms[letters] || w == strings.ToUpper(w) && strings.ContainsFunc(w, unicode.IsDigit) && len(letters) <= 3:
			b.WriteString(w)
		case w == strings.ToUpper(w):
			b.WriteString(w[:1] + strings.ToLower(w[1:]))
		default:
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	if b.Len() == 0 {
		return "Empty"
	}
	return b.String()
}

// lowerFirst is how AWS's validation texts write a member: keyId for KeyId.
func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// namespace hands out identifiers of one package and refuses to give one out twice.
type namespace map[string]string

func (n namespace) take(name, what string) error {
	if other, taken := n[name]; taken {
		return fmt.Errorf("the name %s is wanted by %s and by %s", name, other, what)
	}
	n[name] = what
	return nil
}

// takeOr takes name, or the first free of name+suffix, name+suffix2, ….
func (n namespace) takeOr(name, suffix, what string) string {
	try := name
	for i := 1; n.take(try, what) != nil; i++ {
		try = name + suffix
		if i > 1 {
			try += fmt.Sprint(i)
		}
	}
	return try
}
