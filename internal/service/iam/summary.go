package iam

import (
	"context"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// GetAccountSummary counts what the account has, beside the quotas.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iamapi.GetAccountSummaryInput) (*iamapi.GetAccountSummaryResponse, error) {
	out := new(iamapi.GetAccountSummaryResponse)
	return out, s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		rootKeys, versions := 0, 0
		if a.record != nil && len(a.record.Keys) > 0 {
			rootKeys = 1
		}
		for _, m := range a.managed.byName {
			versions += len(m.Versions)
		}
		out.SummaryMap = map[iamapi.SummaryKeyType]int32{
			iamapi.SummaryKeyTypeUsers:                           int32(len(a.users.byName)),
			iamapi.SummaryKeyTypeUsersQuota:                      int32(userKind.perAccount),
			iamapi.SummaryKeyTypeGroups:                          int32(len(a.groups.byName)),
			iamapi.SummaryKeyTypeGroupsQuota:                     int32(groupKind.perAccount),
			iamapi.SummaryKeyTypeRoles:                           int32(len(a.roles.byName)),
			iamapi.SummaryKeyTypeRolesQuota:                      int32(roleKind.perAccount),
			iamapi.SummaryKeyTypePolicies:                        int32(len(a.managed.byName)),
			iamapi.SummaryKeyTypePoliciesQuota:                   int32(policyKind.perAccount),
			iamapi.SummaryKeyTypePolicyVersionsInUse:             int32(versions),
			iamapi.SummaryKeyTypePolicyVersionsInUseQuota:        10000,
			iamapi.SummaryKeyTypeVersionsPerPolicyQuota:          maxVersions,
			iamapi.SummaryKeyTypePolicySizeQuota:                 maxPolicySize,
			iamapi.SummaryKeyTypeUserPolicySizeQuota:             int32(userKind.inlineSize),
			iamapi.SummaryKeyTypeGroupPolicySizeQuota:            int32(groupKind.inlineSize),
			iamapi.SummaryKeyTypeRolePolicySizeQuota:             int32(roleKind.inlineSize),
			iamapi.SummaryKeyTypeAssumeRolePolicySizeQuota:       maxTrustSize,
			iamapi.SummaryKeyTypeGroupsPerUserQuota:              maxGroupsPerUser,
			iamapi.SummaryKeyTypeAccessKeysPerUserQuota:          maxKeysPerUser,
			iamapi.SummaryKeyTypeAttachedPoliciesPerUserQuota:    maxAttached,
			iamapi.SummaryKeyTypeAttachedPoliciesPerGroupQuota:   maxAttached,
			iamapi.SummaryKeyTypeAttachedPoliciesPerRoleQuota:    maxAttached,
			iamapi.SummaryKeyTypeAccountAccessKeysPresent:        int32(rootKeys),
			iamapi.SummaryKeyTypeAccountMFAEnabled:               0,
			iamapi.SummaryKeyTypeAccountPasswordPresent:          0,
			iamapi.SummaryKeyTypeMFADevices:                      0,
			iamapi.SummaryKeyTypeMFADevicesInUse:                 0,
			iamapi.SummaryKeyTypeServerCertificates:              0,
			iamapi.SummaryKeyTypeServerCertificatesQuota:         20,
			iamapi.SummaryKeyTypeInstanceProfiles:                int32(len(a.profiles.byName)),
			iamapi.SummaryKeyTypeInstanceProfilesQuota:           int32(profileKind.perAccount),
			iamapi.SummaryKeyTypeProviders:                       0,
			iamapi.SummaryKeyTypeGlobalEndpointTokenVersion:      1,
			iamapi.SummaryKeyTypeSigningCertificatesPerUserQuota: 2,
		}
		return nil
	})
}
