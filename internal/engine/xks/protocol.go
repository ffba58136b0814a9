package xks

import "time"

// ServiceName is the SigV4 service of every XKS request.
const ServiceName = "kms-xks-proxy"

// BasePath ends every proxy path; an optional prefix precedes it.
const BasePath = "/kms/xks/v1"

// Bounds of the protocol, in bytes before Base64 unless said otherwise.
const (
	MaxPlaintextBytes          = 4_300
	MaxAADBytes                = 8_192
	MaxCiphertextMetadataBytes = 20
	TagBytes                   = 16
	// MaxKeyIDLength bounds an external key id, in characters.
	MaxKeyIDLength = 128
	// MaxPathLength bounds prefix and BasePath together, in characters.
	MaxPathLength = 128
	// MaxMetadataValueLength bounds each requestMetadata value: the longest ARN.
	MaxMetadataValueLength = 2_048
	// MaxRequestBytes bounds a request body. The largest legal one has about 27 KiB.
	MaxRequestBytes = 65_536
	// MaxResponseBytes bounds a response body. The largest legal one has about 6 KiB.
	MaxResponseBytes = 32_768
	// MaxKeyUsages and MaxFleetDetails bound the arrays of the two status answers.
	MaxKeyUsages    = 10
	MaxFleetDetails = 10
	// MaxErrorMessageLength bounds errorMessage, in printable ASCII characters.
	MaxErrorMessageLength = 511
)

// CallTimeout is how long the key service waits for a proxy, connection included.
const CallTimeout = 250 * time.Millisecond

// Values of the protocol's enumerations.
const (
	KeySpecAES256 = "AES_256"

	UsageEncrypt = "ENCRYPT"
	UsageDecrypt = "DECRYPT"

	KeyEnabled  = "ENABLED"
	KeyDisabled = "DISABLED"

	AlgorithmAESGCM = "AES_GCM"
	CDIVSHA256      = "SHA_256"

	HealthActive      = "ACTIVE"
	HealthDegraded    = "DEGRADED"
	HealthUnavailable = "UNAVAILABLE"
)

// RequestMetadata tells the proxy which KMS call caused a request.
type RequestMetadata struct {
	// AWSPrincipalARN is who called KMS; empty for GetHealthStatus only.
	AWSPrincipalARN string `json:"awsPrincipalArn,omitempty"`
	// AWSSourceVPC and AWSSourceVPCE are set if the call came through a VPC endpoint.
	AWSSourceVPC  string `json:"awsSourceVpc,omitempty"`
	AWSSourceVPCE string `json:"awsSourceVpce,omitempty"`
	// KMSKeyARN is the KMS key; required for Encrypt and Decrypt.
	KMSKeyARN string `json:"kmsKeyArn,omitempty"`
	// KMSOperation is the KMS operation; required. Any value is legal.
	KMSOperation string `json:"kmsOperation"`
	// KMSRequestID is the request id of the KMS call, an opaque string; required.
	KMSRequestID string `json:"kmsRequestId"`
	// KMSViaService is the AWS service that called KMS for the principal, if any.
	KMSViaService string `json:"kmsViaService,omitempty"`
}

// KeyMetadata is what a proxy says of an external key.
type KeyMetadata struct {
	KeySpec   string   `json:"keySpec"`   // AES_256 for a usable key
	KeyUsage  []string `json:"keyUsage"`  // at most ten
	KeyStatus string   `json:"keyStatus"` // ENABLED or DISABLED
}

// Allows reports whether usage is among the key's usages.
func (m *KeyMetadata) Allows(usage string) bool {
	for _, u := range m.KeyUsage {
		if u == usage {
			return true
		}
	}
	return false
}

// HealthStatus is what a proxy says of itself and its key managers.
type HealthStatus struct {
	FleetSize    int                `json:"xksProxyFleetSize"` // at least 1
	ProxyVendor  string             `json:"xksProxyVendor"`
	ProxyModel   string             `json:"xksProxyModel"`
	EKMVendor    string             `json:"ekmVendor"`
	FleetDetails []KeyManagerHealth `json:"ekmFleetDetails"` // 1 to 10
}

// KeyManagerHealth is the state of one external key manager.
type KeyManagerHealth struct {
	ID     string `json:"id"`
	Model  string `json:"model"`
	Status string `json:"healthStatus"` // ACTIVE, DEGRADED or UNAVAILABLE
}

// Available reports whether at least one key manager can serve.
func (h *HealthStatus) Available() bool {
	for _, d := range h.FleetDetails {
		if d.Status != HealthUnavailable {
			return true
		}
	}
	return false
}

// Sealed is an AES-GCM ciphertext in the parts of the protocol.
type Sealed struct {
	Ciphertext []byte // as long as the plaintext
	Metadata   []byte // at most 20 bytes of the proxy's own; authenticated; may be nil
	IV         []byte // 12 or 16 bytes
	Tag        []byte // 16 bytes
}

// The four operations, named for logs and for Event.
const (
	OpGetHealthStatus = "GetHealthStatus"
	OpGetKeyMetadata  = "GetKeyMetadata"
	OpEncrypt         = "Encrypt"
	OpDecrypt         = "Decrypt"
)

// ValidKeyID reports whether id is a legal external key id: 1 to 128 letters,
// digits, hyphens, periods and underscores.
func ValidKeyID(id string) bool {
	if id == "" || len(id) > MaxKeyIDLength {
		return false
	}
	for i := 0; i < len(id); i++ {
		if c := id[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	// A path segment of dots would be resolved away on the road.
	return id != "." && id != ".."
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
