package acm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fastness/internal/api/acmapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/eventlog"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// typeCertificate is CloudTrail's name for a certificate.
const typeCertificate = "AWS::CertificateManager::Certificate"

var errUnresolved = errors.New("acm: the call was not resolved")

// target is the certificate that a call is about.
type target struct {
	arn string
	id  string // of a new one
	// record is nil if there is none. It is what reading calls answer with.
	record *certificateRecord
}

func targetOf(ctx context.Context) (*call.Call, *target, error) {
	c := call.From(ctx)
	t, ok := c.Resolved.(*target)
	if !ok {
		return nil, nil, errUnresolved
	}
	return c, t, nil
}

func notFound(arn string) error {
	return &acmapi.ResourceNotFoundException{Message: new(fmt.Sprintf("Could not find certificate %s.", arn))}
}

// Resolve implements the door's resolver.
func (s *Service) Resolve(ctx context.Context, c *call.Call) ([]call.Access, error) {
	switch in := c.Input.(type) {
	case *acmapi.RequestCertificateRequest:
		k := &conditions{
			names: namesOf(in), algorithm: string(value(in.KeyAlgorithm)), validation: string(value(in.ValidationMethod)), authority: value(in.CertificateAuthorityArn),
		}
		if o := in.Options; o != nil {
			k.logging, k.export = string(value(o.CertificateTransparencyLoggingPreference)), string(value(o.Export))
		}
		return s.resolveNew(c, in.Tags, k, "*"), nil
	case *acmapi.ImportCertificateRequest:
		if in.CertificateArn != nil {
			return s.resolveOne(ctx, c, in.CertificateArn)
		}
		return s.resolveNew(c, in.Tags, &conditions{}, ""), nil
	case *acmapi.DescribeCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.GetCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.DeleteCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.ExportCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.RenewCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.UpdateCertificateOptionsRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.ListTagsForCertificateRequest:
		return s.resolveOne(ctx, c, in.CertificateArn)
	case *acmapi.AddTagsToCertificateRequest:
		accesses, err := s.resolveOne(ctx, c, in.CertificateArn)
		if err == nil {
			accesses[0].RequestTags = tagsOf(in.Tags)
		}
		return accesses, err
	case *acmapi.RemoveTagsFromCertificateRequest:
		accesses, err := s.resolveOne(ctx, c, in.CertificateArn)
		if err == nil {
			accesses[0].RequestTags = tagsOf(in.Tags)
		}
		return accesses, err
	case *acmapi.ListCertificatesRequest:
		return []call.Access{{Action: "acm:ListCertificates", Resource: "*"}}, nil
	}
	return nil, errUnresolved
}

// resolveNew authorizes making a certificate. Where the action has no resource it is "*", otherwise
// that of the new one.
func (s *Service) resolveNew(c *call.Call, tags []acmapi.Tag, k *conditions, resource string) []call.Access {
	t := &target{id: eventlog.NewID()}
	t.arn = certificateARN(c.Account, c.Region, t.id)
	c.Resolved = t
	if resource == "" {
		resource = t.arn
	}
	accesses := []call.Access{{Action: "acm:" + c.Operation.Name, Resource: resource, ResourceType: typeCertificate, Account: c.Account, RequestTags: tagsOf(tags), Context: k}}
	if len(tags) > 0 {
		accesses = append(accesses, call.Access{Action: "acm:AddTagsToCertificate", Resource: t.arn, ResourceType: typeCertificate, Account: c.Account, RequestTags: tagsOf(tags), Unlogged: true})
	}
	return accesses
}

// resolveOne authorizes a call about a certificate. Those of other accounts and Regions do not
// exist.
func (s *Service) resolveOne(ctx context.Context, c *call.Call, text *string) ([]call.Access, error) {
	a, err := arn.Parse(value(text))
	if err != nil || a.Service != "acm" || !strings.HasPrefix(a.Resource, "certificate/") {
		return nil, &acmapi.InvalidArnException{Message: new("The ARN " + value(text) + " is not valid.")}
	}
	if a.Account != c.Account || a.Region != c.Region {
		return nil, notFound(value(text))
	}
	t := &target{arn: value(text)}
	c.Resolved = t
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		t.record, err = s.tables.certificate(r, t.arn)
		return err
	})
	if err != nil && !isNotFound(err) {
		return nil, fmt.Errorf("acm: %w", err)
	}
	access := call.Access{Action: "acm:" + c.Operation.Name, Resource: t.arn, ResourceType: typeCertificate, Account: c.Account, Context: &conditions{}}
	if t.record != nil {
		access.ResourceTags = tagMap(t.record.Tags)
		access.Context = &conditions{names: t.record.Names, validation: string(t.record.Validation)}
	}
	return []call.Access{access}, nil
}

// conditions answers the condition keys of the service (Service Authorization Reference, "Condition
// keys for AWS Certificate Manager").
type conditions struct {
	names                                             []string
	algorithm, validation, authority, logging, export string
}

// Lookup implements policy.Context. Names are in lower case, as package policy asks for them.
func (k *conditions) Lookup(name string) (policy.Values, bool) {
	one := func(v string) (policy.Values, bool) { return policy.One(v), v != "" }
	switch name {
	case "acm:domainnames":
		return policy.Many(append([]string(nil), k.names...)), len(k.names) > 0
	case "acm:keyalgorithm":
		return one(k.algorithm)
	case "acm:validationmethod":
		return one(k.validation)
	case "acm:certificateauthority":
		return one(k.authority)
	case "acm:certificatetransparencylogging":
		return one(k.logging)
	case "acm:export":
		return one(k.export)
	}
	return policy.Values{}, false
}
