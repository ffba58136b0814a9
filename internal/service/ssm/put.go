package ssm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

const (
	// maxVersions is how many versions of a parameter are kept.
	maxVersions = 100
	// maxTags is how many tags a parameter can have.
	maxTags = 50
)

// PutParameter implements the operation of that name.
func (s *Service) PutParameter(ctx context.Context, in *ssmapi.PutParameterRequest) (*ssmapi.PutParameterResult, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkPut(in); err != nil {
		return nil, err
	}
	tx := c.Txn()
	p, err := s.tables.parameter(tx, t.key())
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if p != nil && !value(in.Overwrite) {
		return nil, &ssmapi.ParameterAlreadyExists{
			Message: new("The parameter already exists. To overwrite this value, set the overwrite option in the request to true."),
		}
	}
	if err := s.checkNotPending(tx, t.key()); err != nil {
		return nil, err
	}
	v, err := s.newVersion(ctx, c, t, p, in)
	if err != nil {
		return nil, err
	}
	if v.Type == ssmapi.ParameterTypeSecureString {
		if err := s.encrypt(ctx, t.arn(), v, value(in.Value)); err != nil {
			return nil, err
		}
	} else {
		v.Value = value(in.Value)
	}
	if v.DataType == dataImage {
		err = s.await(tx, t, p, v, newTags(nil, in.Tags))
	} else {
		if p == nil {
			p = newParameter(t.key(), t.name, newTags(nil, in.Tags))
		}
		err = s.publish(tx, p, v)
	}
	if err != nil {
		return nil, err
	}
	return &ssmapi.PutParameterResult{Version: new(v.Number), Tier: new(v.Tier)}, nil
}

// checkPut applies the rules that need nothing but the request.
func checkPut(in *ssmapi.PutParameterRequest) error {
	v := value(in.Value)
	switch {
	case v == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case value(in.Overwrite) && len(in.Tags) > 0:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. " +
			"To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case nests(v):
		return invalid(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	}
	return checkTags(newTags(nil, in.Tags))
}

// nests tells whether a value holds what documents take for the name of a parameter:
// two braces that are closed by two.
func nests(v string) bool {
	_, rest, found := strings.Cut(v, "{{")
	return found && strings.Contains(rest, "}}")
}

// newVersion makes the version that a request asks for, but for its value. What the
// request leaves out is as in the version before; p is nil if there is none.
func (s *Service) newVersion(ctx context.Context, c *call.Call, t *target, p *parameterRecord, in *ssmapi.PutParameterRequest) (*version, error) {
	was := new(version)
	number := int64(1)
	if p != nil {
		was, number = &p.Latest, p.Last+1
	}
	v := &version{
		Number: number, Type: was.Type, KeyID: was.KeyID, Description: was.Description, AllowedPattern: was.AllowedPattern,
		DataType: was.DataType, Modified: s.clock.Now().UTC(), User: c.Principal.ARN,
	}
	switch {
	case in.Type == nil && p == nil:
		return nil, invalid("A parameter type is required when you create a parameter.")
	case in.Type != nil && p != nil && *in.Type != was.Type:
		return nil, &ssmapi.HierarchyTypeMismatchException{Message: new("Parameter Store doesn't support changing a parameter type in a hierarchy. " +
			"For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.")}
	case in.Type != nil:
		v.Type = *in.Type
	}
	switch {
	case v.Type != ssmapi.ParameterTypeSecureString && in.KeyId != nil:
		return nil, invalid("KeyId is required for SecureString type parameter only.")
	case in.KeyId != nil:
		v.KeyID = *in.KeyId
	case v.Type == ssmapi.ParameterTypeSecureString && v.KeyID == "":
		v.KeyID = defaultKey
	}
	if in.Description != nil {
		v.Description = *in.Description
	}
	if in.AllowedPattern != nil {
		v.AllowedPattern = *in.AllowedPattern
	}
	if in.DataType != nil {
		v.DataType = *in.DataType
	} else if v.DataType == "" {
		v.DataType = dataText
	}
	if err := checkDataType(v.DataType, was.DataType, v.Type, t.name); err != nil {
		return nil, err
	}
	if err := checkPattern(v.AllowedPattern, value(in.Value)); err != nil {
		return nil, err
	}
	if err := s.setPolicies(v, was, in.Policies); err != nil {
		return nil, err
	}
	return v, s.setTier(ctx, c, v, p, in)
}

// newID is a random identity.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// newParameter makes the record of a parameter that does not exist yet: it has no version.
func newParameter(name parameterName, written string, tags []tag) *parameterRecord {
	return &parameterRecord{Account: name.account, Region: name.region, Name: written, ID: newID(), Tags: tags}
}

// publish makes a version the latest one of its parameter.
func (s *Service) publish(tx store.Txn, p *parameterRecord, v *version) error {
	operation := "Update"
	if p.Versions == 0 {
		operation = "Create"
	}
	if err := s.makeRoom(tx, p); err != nil {
		return err
	}
	from := p.Latest.Tier
	p.Latest, p.Last = *v, max(p.Last, v.Number)
	p.Versions++
	s.counted(tx, place{p.Account, p.Region}, from, v.Tier)
	if err := s.save(tx, p); err != nil {
		return err
	}
	if err := s.tables.versions.Put(tx, &versionRecord{Account: p.Account, Region: p.Region, ID: p.ID, Version: *v}); err != nil {
		return err
	}
	if err := s.schedulePolicies(tx, p); err != nil {
		return err
	}
	return s.report(tx, p, change{Operation: operation})
}

// makeRoom drops the oldest version of a parameter that has as many as it can have.
func (s *Service) makeRoom(tx store.Txn, p *parameterRecord) error {
	if p.Versions < maxVersions {
		return nil
	}
	oldest, err := s.tables.oldest(tx, p)
	if err != nil {
		return err
	}
	if len(oldest.Labels) > 0 {
		return &ssmapi.ParameterMaxVersionLimitExceeded{Message: new("You attempted to create a new version of " + p.Name +
			" by calling the PutParameter API with the overwrite flag. Version " + strconv.FormatInt(oldest.Version.Number, 10) +
			", the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.")}
	}
	p.Versions--
	return s.tables.deleteVersion(tx, oldest)
}
