package ssm

import (
	"context"
	"strconv"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

// The largest values, in bytes of UTF-8.
const (
	maxStandardBytes = 4096
	maxAdvancedBytes = 8192
)

const aboutTiers = "For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"

// setTier decides on the tier of a version (AWS Systems Manager user guide, "Managing
// parameter tiers"). Intelligent-Tiering takes Advanced where the version needs it: for
// its size, its policies, or because there are as many Standard parameters as there can
// be. Nothing becomes Standard that was Advanced.
func (s *Service) setTier(ctx context.Context, c *call.Call, v *version, p *parameterRecord, in *ssmapi.PutParameterRequest) error {
	size := len(value(in.Value))
	was := ssmapi.ParameterTier("")
	if p != nil {
		was = p.Latest.Tier
	}
	asked := value(in.Tier)
	if in.Tier == nil {
		var err error
		if asked, err = s.defaultTier(c.Txn(), c.Account, c.Region); err != nil {
			return err
		}
	}
	n, err := s.count(ctx, place{c.Account, c.Region})
	if err != nil {
		return err
	}
	switch {
	case was == ssmapi.ParameterTierAdvanced && in.Tier != nil && asked == ssmapi.ParameterTierStandard:
		return invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier " +
			"to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case was == ssmapi.ParameterTierAdvanced:
		v.Tier = was
	case asked == ssmapi.ParameterTierIntelligentTiering:
		v.Tier = ssmapi.ParameterTierStandard
		if size > maxStandardBytes || len(v.Policies) > 0 || was == "" && n.standard >= s.max.standard {
			v.Tier = ssmapi.ParameterTierAdvanced
		}
	default:
		v.Tier = asked
	}
	if v.Tier == ssmapi.ParameterTierStandard {
		switch {
		case size > maxStandardBytes:
			return invalid("Standard tier parameters support a maximum parameter value of " + strconv.Itoa(maxStandardBytes) + " characters. " +
				"To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. " + aboutTiers)
		case len(v.Policies) > 0:
			return invalid("Standard tier parameters don't support parameter policies. To use parameter policies, upgrade the parameter to use the advanced-parameter tier. " + aboutTiers)
		case was == "" && n.standard >= s.max.standard:
			return &ssmapi.ParameterLimitExceeded{Message: new("You have reached the maximum number of standard parameters for this AWS account and Region (" +
				strconv.Itoa(s.max.standard) + "). To add more parameters, either delete existing parameters or upgrade to the advanced-parameter tier (charges apply).")}
		}
		return nil
	}
	switch {
	case size > maxAdvancedBytes:
		return invalid("Advanced tier parameters support a maximum parameter value of " + strconv.Itoa(maxAdvancedBytes) + " characters.")
	case was != ssmapi.ParameterTierAdvanced && n.advanced >= s.max.advanced:
		return &ssmapi.ParameterLimitExceeded{Message: new("You have reached the maximum number of advanced parameters for this AWS account and Region (" +
			strconv.Itoa(s.max.advanced) + "). To add more parameters, delete existing parameters.")}
	}
	return nil
}
