package app

import (
	"encoding/json"
	"fmt"
	"os"

	"fastness/internal/service/kms"
)

// The values of --kms-quotas that are no file.
const (
	QuotasOff = "off" // nothing is throttled
	QuotasAWS = "aws" // AWS's request quotas
)

// ReadKMSQuotas returns the request quotas that an operator's choice means: QuotasOff,
// QuotasAWS, or a JSON file of calls per second by the names of kms.AWSRequestQuotas.
func ReadKMSQuotas(choice string) (map[string]float64, error) {
	switch choice {
	case "", QuotasOff:
		return nil, nil
	case QuotasAWS:
		return kms.AWSRequestQuotas(), nil
	}
	text, err := os.ReadFile(choice)
	if err != nil {
		return nil, fmt.Errorf("app: KMS quotas: %w", err)
	}
	var rates map[string]float64
	if err := json.Unmarshal(text, &rates); err != nil {
		return nil, fmt.Errorf("app: KMS quotas: %s: %w", choice, err)
	}
	return rates, nil
}
