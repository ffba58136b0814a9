package wafv2

import (
	"context"

	"fastness/internal/api/wafv2api"
)

// AWS's SDK for mobile applications is AWS's software, of which there are no releases here. A
// listing is empty, and whatever release is asked for does not exist.

// ListMobileSdkReleases implements the operation of that name.
func (s *Service) ListMobileSdkReleases(context.Context, *wafv2api.ListMobileSdkReleasesRequest) (*wafv2api.ListMobileSdkReleasesResponse, error) {
	return &wafv2api.ListMobileSdkReleasesResponse{ReleaseSummaries: []wafv2api.ReleaseSummary{}}, nil
}

// GetMobileSdkRelease implements the operation of that name.
func (s *Service) GetMobileSdkRelease(context.Context, *wafv2api.GetMobileSdkReleaseRequest) (*wafv2api.GetMobileSdkReleaseResponse, error) {
	return nil, nonexistent()
}

// GenerateMobileSdkReleaseUrl implements the operation of that name.
func (s *Service) GenerateMobileSdkReleaseUrl(context.Context, *wafv2api.GenerateMobileSdkReleaseUrlRequest) (*wafv2api.GenerateMobileSdkReleaseUrlResponse, error) {
	return nil, nonexistent()
}
