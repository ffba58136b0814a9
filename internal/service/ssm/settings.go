package ssm

import (
	"context"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

// setting is a service setting of Parameter Store; the first of its values is the default.
type setting struct {
	id     string
	values []string
}

const (
	settingTier       = "/ssm/parameter-store/default-parameter-tier"
	settingThroughput = "/ssm/parameter-store/high-throughput-enabled"
)

// settings are those that can be read and changed here.
func settings() []setting {
	return []setting{
		{settingTier, []string{string(ssmapi.ParameterTierStandard), string(ssmapi.ParameterTierAdvanced), string(ssmapi.ParameterTierIntelligentTiering)}},
		{settingThroughput, []string{"false", "true"}},
	}
}

// settingCreated is when a setting that nobody changed was last modified.
var settingCreated = time.Date(2019, 4, 25, 0, 0, 0, 0, time.UTC)

func settingARN(account, region, id string) string {
	return "arn:" + call.Partition + ":ssm:" + region + ":" + account + ":servicesetting" + id
}

// settingID reads the id of a setting, which may be an ARN of the caller's.
func settingID(c *call.Call, given string) string {
	if id, ok := strings.CutPrefix(given, settingARN(c.Account, c.Region, "")); ok {
		return id
	}
	return given
}

func resolveSetting(c *call.Call, given string) ([]call.Access, error) {
	id := settingID(c, given)
	if !strings.HasPrefix(id, "/") {
		id = "/" + id
	}
	return []call.Access{{
		Action: "ssm:" + c.Operation.Name, Resource: settingARN(c.Account, c.Region, id), ResourceType: typeSetting, Account: c.Account,
	}}, nil
}

// settingOf finds the setting that a call names.
func settingOf(c *call.Call, given *string) (setting, error) {
	all := settings()
	id := settingID(c, value(given))
	at := slices.IndexFunc(all, func(s setting) bool { return s.id == id })
	if at < 0 {
		return setting{}, &ssmapi.ServiceSettingNotFound{Message: new("The specified service setting wasn't found. Either the service name or the setting hasn't been provisioned by the AWS service team.")}
	}
	return all[at], nil
}

// GetServiceSetting implements the operation of that name.
func (s *Service) GetServiceSetting(ctx context.Context, in *ssmapi.GetServiceSettingRequest) (*ssmapi.GetServiceSettingResult, error) {
	c := call.From(ctx)
	which, err := settingOf(c, in.SettingId)
	if err != nil {
		return nil, err
	}
	out := new(ssmapi.GetServiceSettingResult)
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		out.ServiceSetting, err = s.readSetting(r, c, which)
		return err
	})
	return out, err
}

func (s *Service) readSetting(r store.Reader, c *call.Call, which setting) (*ssmapi.ServiceSetting, error) {
	out := &ssmapi.ServiceSetting{
		SettingId: new(which.id), ARN: new(settingARN(c.Account, c.Region, which.id)), SettingValue: new(which.values[0]), Status: new("Default"),
		LastModifiedDate: new(settingCreated), LastModifiedUser: new("System"),
	}
	changed, err := s.tables.settings.Get(r, scope(c.Account, c.Region), parts(which.id)...)
	if isNotFound(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.SettingValue, out.Status = new(changed.Value), new("Customized")
	out.LastModifiedDate, out.LastModifiedUser = new(changed.Modified), new(changed.User)
	return out, nil
}

// UpdateServiceSetting implements the operation of that name.
func (s *Service) UpdateServiceSetting(ctx context.Context, in *ssmapi.UpdateServiceSettingRequest) (*ssmapi.UpdateServiceSettingResult, error) {
	c := call.From(ctx)
	which, err := settingOf(c, in.SettingId)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(which.values, value(in.SettingValue)) {
		return nil, invalid("Invalid setting value: " + value(in.SettingValue) + " for service setting: " + which.id + ". Valid values: [" + strings.Join(which.values, ", ") + "].")
	}
	return &ssmapi.UpdateServiceSettingResult{}, s.tables.settings.Put(c.Txn(), &settingRecord{
		Account: c.Account, Region: c.Region, ID: which.id, Value: value(in.SettingValue), Modified: s.clock.Now().UTC(), User: c.Principal.ARN,
	})
}

// ResetServiceSetting implements the operation of that name.
func (s *Service) ResetServiceSetting(ctx context.Context, in *ssmapi.ResetServiceSettingRequest) (*ssmapi.ResetServiceSettingResult, error) {
	c := call.From(ctx)
	which, err := settingOf(c, in.SettingId)
	if err != nil {
		return nil, err
	}
	if err := absent(s.tables.settings.Delete(c.Txn(), scope(c.Account, c.Region), parts(which.id)...)); err != nil {
		return nil, err
	}
	out, err := s.readSetting(c.Txn(), c, which)
	return &ssmapi.ResetServiceSettingResult{ServiceSetting: out}, err
}

// defaultTier is that of parameters whose callers name none.
func (s *Service) defaultTier(r store.Reader, account, region string) (ssmapi.ParameterTier, error) {
	changed, err := s.tables.settings.Get(r, scope(account, region), parts(settingTier)...)
	if isNotFound(err) {
		return ssmapi.ParameterTierStandard, nil
	}
	if err != nil {
		return "", err
	}
	return ssmapi.ParameterTier(changed.Value), nil
}
