package app

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"fastness/internal/service/kms"
)

// The values of --kms-quotas that are no file.
const (
	QuotasOff = "off" // nothing is throttled
	QuotasAWS = "aws" // AWS's request quotas
)

// KMSQuotas are limits of KMS that an operator sets.
type KMSQuotas struct {
	// Requests are in calls per second, by the names of kms.AWSRequestQuotas; nothing else
	// is throttled.
	Requests map[string]float64
	// Resources replace AWS's quotas, by the names of kms.AWSResourceQuotas.
	Resources map[string]int
}

// ReadKMSQuotas returns the quotas that an operator's choice means: QuotasOff,
// QuotasAWS, or a JSON file of numbers by the names of kms.AWSRequestQuotas and
// kms.AWSResourceQuotas. Resource quotas that it does not name are AWS's.
func ReadKMSQuotas(choice string) (q KMSQuotas, err error) {
	switch choice {
	case "", QuotasOff:
		return q, nil
	case QuotasAWS:
		q.Requests = kms.AWSRequestQuotas()
		return q, nil
	}
	text, err := os.ReadFile(choice)
	if err != nil {
		return q, fmt.Errorf("app: KMS quotas: %w", err)
	}
	if err := json.Unmarshal(text, &q.Requests); err != nil {
		return KMSQuotas{}, fmt.Errorf("app: KMS quotas: %s: %w", choice, err)
	}
	for name := range kms.AWSResourceQuotas() {
		n, ok := q.Requests[name]
		if !ok {
			continue
		}
		if n != math.Trunc(n) || n < 1 || n > maxResourceQuota {
			return KMSQuotas{}, fmt.Errorf("app: KMS quotas: %s: %s must be a whole number from 1 to %d", choice, name, maxResourceQuota)
		}
		if q.Resources == nil {
			q.Resources = make(map[string]int)
		}
		q.Resources[name] = int(n)
		delete(q.Requests, name)
	}
	return q, nil
}

// maxResourceQuota bounds what an operator may ask for.
const maxResourceQuota = 100_000_000
