package acm

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// certificateRecord is a certificate with its private key.
type certificateRecord struct {
	Account string                 `json:"account"`
	Region  string                 `json:"region"`
	ID      string                 `json:"id"`   // a UUID
	Type    acmapi.CertificateType `json:"type"` // AMAZON_ISSUED or IMPORTED
	// Domain is the first name; Names are all names.
	Domain string   `json:"domain"`
	Names  []string `json:"names"`
	// Certificate and Chain are PEM; Chain may be empty for imported ones.
	Certificate string `json:"certificate"`
	Chain       string `json:"chain,omitempty"`
	// Key is the private key, as PKCS #8 in DER.
	Key       []byte              `json:"key"`
	Algorithm acmapi.KeyAlgorithm `json:"algorithm"`
	NotBefore time.Time           `json:"notBefore"`
	NotAfter  time.Time           `json:"notAfter"`
	// Created is when it was requested or first imported, Issued when it was last issued or imported.
	Created time.Time `json:"created"`
	Issued  time.Time `json:"issued"`
	// Renewed is when it was last renewed.
	Renewed time.Time `json:"renewed,omitzero"`
	// Token is the idempotency token of the request.
	Token      string                                          `json:"token,omitempty"`
	Validation acmapi.ValidationMethod                         `json:"validation,omitempty"`
	Logging    acmapi.CertificateTransparencyLoggingPreference `json:"logging,omitempty"`
	Export     acmapi.CertificateExport                        `json:"export,omitempty"`
	Exported   bool                                            `json:"exported,omitempty"`
	ManagedBy  acmapi.CertificateManagedBy                     `json:"managedBy,omitempty"`
	Tags       []tag                                           `json:"tags,omitempty"`
}

// tag is one tag, in the order in which it came.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

func certificateARN(account, region, id string) string {
	return "arn:" + call.Partition + ":acm:" + region + ":" + account + ":certificate/" + id
}

func (r *certificateRecord) arn() string { return certificateARN(r.Account, r.Region, r.ID) }

// tables are the room's records in the store.
type tables struct {
	certificates *table.Table[certificateRecord]
}

func newTables(reg *table.Registry) (*tables, error) {
	t, err := table.Register(reg, table.Def[certificateRecord]{
		Service: "acm", Kind: "certificate",
		Scope: func(r *certificateRecord) table.Scope { return table.Scope{Account: r.Account, Region: r.Region} },
		ID:    func(r *certificateRecord) []table.Part { return []table.Part{table.String(r.ID)} },
	})
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	return &tables{t}, nil
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// certificate reads the certificate of an ARN, or returns store.ErrNotFound.
func (t *tables) certificate(r store.Reader, text string) (*certificateRecord, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return nil, store.ErrNotFound
	}
	id, ok := strings.CutPrefix(a.Resource, "certificate/")
	if !ok || a.Service != "acm" || a.Partition != call.Partition {
		return nil, store.ErrNotFound
	}
	return t.certificates.Get(r, table.Scope{Account: a.Account, Region: a.Region}, table.String(id))
}
