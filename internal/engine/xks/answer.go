package xks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxStatusText bounds each free text of the two status answers, in bytes.
const maxStatusText = 1_024

// parseSealed reads an Encrypt answer and its integrity value, nil if absent.
func parseSealed(answer object, plaintextBytes int) (*Sealed, []byte, error) {
	var s Sealed
	var err error
	if s.Ciphertext, err = answer.requiredBlob("ciphertext"); err != nil {
		return nil, nil, err
	}
	if len(s.Ciphertext) != plaintextBytes {
		return nil, nil, fmt.Errorf("ciphertext has %d bytes, the plaintext %d", len(s.Ciphertext), plaintextBytes)
	}
	if s.Metadata, _, err = answer.blob("ciphertextMetadata"); err != nil {
		return nil, nil, err
	}
	if s.IV, err = answer.requiredBlob("initializationVector"); err != nil {
		return nil, nil, err
	}
	if s.Tag, err = answer.requiredBlob("authenticationTag"); err != nil {
		return nil, nil, err
	}
	if err := checkSealed(s); err != nil {
		return nil, nil, err
	}
	integrity, _, err := answer.blob("ciphertextDataIntegrityValue")
	if err != nil {
		return nil, nil, err
	}
	return &s, integrity, nil
}

// checkSealed checks the fixed lengths of an AES-GCM ciphertext's parts.
func checkSealed(s Sealed) error {
	switch {
	case len(s.IV) != 12 && len(s.IV) != 16:
		return fmt.Errorf("initializationVector has %d bytes, want 12 or 16", len(s.IV))
	case len(s.Tag) != TagBytes:
		return fmt.Errorf("authenticationTag has %d bytes, want %d", len(s.Tag), TagBytes)
	case len(s.Metadata) > MaxCiphertextMetadataBytes:
		return fmt.Errorf("ciphertextMetadata has %d bytes, at most %d", len(s.Metadata), MaxCiphertextMetadataBytes)
	case len(s.Ciphertext) == 0:
		return errors.New("ciphertext is empty")
	default:
		return nil
	}
}

func parseKeyMetadata(answer object) (*KeyMetadata, error) {
	var key KeyMetadata
	var err error
	if key.KeySpec, err = answer.requiredText("keySpec", maxStatusText); err != nil {
		return nil, err
	}
	if key.KeyStatus, err = answer.requiredText("keyStatus", maxStatusText); err != nil {
		return nil, err
	}
	if key.KeyStatus != KeyEnabled && key.KeyStatus != KeyDisabled {
		return nil, errors.New("keyStatus is neither ENABLED nor DISABLED")
	}
	usages, ok := answer["keyUsage"].([]any)
	if !ok {
		return nil, errors.New("keyUsage is not an array")
	}
	if len(usages) > MaxKeyUsages {
		return nil, fmt.Errorf("keyUsage has %d values, at most %d", len(usages), MaxKeyUsages)
	}
	for _, u := range usages {
		usage, ok := u.(string)
		if !ok || len(usage) > maxStatusText {
			return nil, errors.New("keyUsage holds something else than short strings")
		}
		key.KeyUsage = append(key.KeyUsage, usage)
	}
	return &key, nil
}

func parseHealth(answer object) (*HealthStatus, error) {
	var h HealthStatus
	number, ok := answer["xksProxyFleetSize"].(json.Number)
	if !ok {
		return nil, errors.New("xksProxyFleetSize is not a number")
	}
	size, err := strconv.ParseInt(number.String(), 10, 32)
	if err != nil || size < 1 {
		return nil, errors.New("xksProxyFleetSize is not a positive integer")
	}
	h.FleetSize = int(size)
	for name, target := range map[string]*string{
		"xksProxyVendor": &h.ProxyVendor,
		"xksProxyModel":  &h.ProxyModel,
		"ekmVendor":      &h.EKMVendor,
	} {
		if *target, err = answer.requiredText(name, maxStatusText); err != nil {
			return nil, err
		}
	}
	details, ok := answer["ekmFleetDetails"].([]any)
	if !ok || len(details) == 0 || len(details) > MaxFleetDetails {
		return nil, fmt.Errorf("ekmFleetDetails is not an array of 1 to %d entries", MaxFleetDetails)
	}
	for _, d := range details {
		entry, ok := d.(object)
		if !ok {
			return nil, errors.New("ekmFleetDetails holds something else than objects")
		}
		manager, err := parseManager(entry)
		if err != nil {
			return nil, err
		}
		h.FleetDetails = append(h.FleetDetails, manager)
	}
	return &h, nil
}

func parseManager(entry object) (m KeyManagerHealth, err error) {
	if m.ID, err = entry.requiredText("id", maxStatusText); err != nil {
		return m, err
	}
	if m.Model, err = entry.requiredText("model", maxStatusText); err != nil {
		return m, err
	}
	if m.Status, err = entry.requiredText("healthStatus", maxStatusText); err != nil {
		return m, err
	}
	switch m.Status {
	case HealthActive, HealthDegraded, HealthUnavailable:
		return m, nil
	default:
		return m, errors.New("healthStatus is none of ACTIVE, DEGRADED and UNAVAILABLE")
	}
}

// parseError reads an error answer. ok is false if it is not one of the
// specification's; then the answer as a whole is invalid.
func parseError(status int, body []byte) (*ProxyError, bool) {
	answer, err := parseObject(body)
	if err != nil {
		return nil, false
	}
	name, err := answer.requiredText("errorName", maxStatusText)
	if err != nil || ErrorName(name).Status() == 0 || status < 400 {
		return nil, false
	}
	message, _, err := answer.text("errorMessage", MaxResponseBytes)
	if err != nil {
		return nil, false
	}
	return &ProxyError{Name: ErrorName(name), HTTPStatus: status, Message: printable(message)}, true
}
