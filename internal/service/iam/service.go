package iam

import (
	"fastness/internal/api/iamapi"
)

// Sealer seals and opens pagination markers; *seal.AEAD is one.
type Sealer interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// Service implements the operations of IAM. It is safe for concurrent use.
type Service struct {
	dir     *Directory
	markers Sealer
}

var _ iamapi.Service = (*Service)(nil)

// New makes the service over a directory; markers seals pagination markers.
func New(d *Directory, markers Sealer) *Service { return &Service{dir: d, markers: markers} }
