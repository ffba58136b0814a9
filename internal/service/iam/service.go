package iam

import (
	"fastness/internal/api/iamapi"
	"fastness/internal/page"
)

// Service implements the operations of IAM. It is safe for concurrent use.
type Service struct {
	dir     *Directory
	markers *page.Sealer
}

var _ iamapi.Service = (*Service)(nil)

// New makes the service over a directory; markers makes pagination markers.
func New(d *Directory, markers *page.Sealer) *Service { return &Service{dir: d, markers: markers} }
