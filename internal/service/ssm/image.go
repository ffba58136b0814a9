package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/arn"
	"fastness/internal/due"
	"fastness/internal/store"
)

// A version of the data type aws:ec2:image gets its number at once, and is there when its AMI
// has been found: a job looks for it. If there is none, the version never comes to be; the
// event of the change says so (AWS Systems Manager user guide, "Using native parameter
// support in Parameter Store for Amazon Machine Image IDs").

// unknownImage is what the event says about an image that is not there.
const unknownImage = "Unable to Describe Resource"

// checkNotPending refuses a second change while an image is being looked up.
func (s *Service) checkNotPending(tx store.Txn, name parameterName) error {
	there, err := s.tables.pending.Has(tx, name.scope(), parts(name.name)...)
	if err != nil || !there {
		return err
	}
	return &ssmapi.TooManyUpdates{Message: new("There are concurrent updates for a resource that supports one update at a time: the validation of the parameter's data type is still in process.")}
}

// await keeps a version until its image has been looked up.
func (s *Service) await(tx store.Txn, t *target, p *parameterRecord, v *version, tags []tag) error {
	name := t.key()
	pending := &pendingRecord{Account: name.account, Region: name.region, Name: t.name, Version: *v, Tags: tags}
	if p != nil {
		pending.ID = p.ID
		p.Last = v.Number
		if err := s.save(tx, p); err != nil {
			return err
		}
	}
	if err := s.tables.pending.Put(tx, pending); err != nil {
		return err
	}
	return s.schedule(tx, jobImage, name.account+"/"+name.region+"/"+name.name, s.clock.Now(), name)
}

// checkImage looks a pending version's image up and makes it the latest version, or
// drops it.
func (s *Service) checkImage(ctx context.Context, tx store.Txn, j due.Job) error {
	name, err := subjectOf(j)
	if err != nil {
		return err
	}
	pending, err := s.tables.pending.Get(tx, name.scope(), parts(name.name)...)
	if isNotFound(err) {
		return nil // the parameter was deleted meanwhile
	}
	if err != nil {
		return err
	}
	p, err := s.tables.parameter(tx, name)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err := s.tables.pending.Delete(tx, name.scope(), parts(name.name)...); err != nil {
		return err
	}
	there := false
	if v := pending.Version.Value; isImageID(v) && s.images != nil {
		if there, err = s.images.HasImage(ctx, name.account, name.region, v); err != nil {
			return err
		}
	}
	operation := "Update"
	if p == nil {
		operation = "Create"
		p = newParameter(name, pending.Name, pending.Tags)
	}
	if there {
		return s.publish(tx, p, &pending.Version)
	}
	return s.reportChange(tx, p, pending.Version.Type, change{
		Exception: unknownImage, DataType: dataImage, Operation: operation, Description: pending.Version.Description,
	})
}

// isImageID tells whether s has the form of an AMI's id.
func isImageID(s string) bool {
	hex, ok := strings.CutPrefix(s, "ami-")
	if !ok || len(hex) != 8 && len(hex) != 17 {
		return false
	}
	return strings.Trim(hex, "0123456789abcdef") == ""
}

// ImageList is a fixed list of AMIs, from a file. It implements Images.
type ImageList struct{ images map[string][]listedImage }

type listedImage struct {
	ID       string   `json:"id"`
	Regions  []string `json:"regions"`
	Accounts []string `json:"accounts"`
}

// maxListed bounds the entries of a file of images or parameters, maxListBytes its size.
const (
	maxListed    = 200_000
	maxListBytes = 64 << 20
)

// ReadImages reads a list of AMIs:
//
//	{"images": [{"id": "ami-0123456789abcdef0", "regions": ["eu-west-1"], "accounts": ["111122223333"]}]}
//
// Without regions (or with an empty list) an image is in all of them, without accounts
// every account can use it. The list has at most 200,000 entries and 64 MiB.
func ReadImages(r io.Reader) (*ImageList, error) {
	var in struct {
		Images []listedImage `json:"images"`
	}
	if err := readList(r, &in); err != nil {
		return nil, fmt.Errorf("ssm: list of images: %w", err)
	}
	if len(in.Images) > maxListed {
		return nil, fmt.Errorf("ssm: list of images: more than %d entries", maxListed)
	}
	l := &ImageList{images: make(map[string][]listedImage, len(in.Images))}
	for i, image := range in.Images {
		if !isImageID(image.ID) {
			return nil, fmt.Errorf("ssm: list of images: entry %d: %q is not the id of an AMI", i, image.ID)
		}
		for _, a := range image.Accounts {
			if !arn.IsAccountID(a) {
				return nil, fmt.Errorf("ssm: list of images: entry %d: %q is not an account id", i, a)
			}
		}
		l.images[image.ID] = append(l.images[image.ID], image)
	}
	return l, nil
}

// readList decodes one JSON document of at most maxListBytes, with no members that are
// not known.
func readList(r io.Reader, into any) error {
	limited := &io.LimitedReader{R: r, N: maxListBytes + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if limited.N <= 0 {
			return fmt.Errorf("more than %d bytes", maxListBytes)
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document, or it is too long")
	}
	return nil
}

// HasImage implements Images.
func (l *ImageList) HasImage(_ context.Context, account, region, id string) (bool, error) {
	return slices.ContainsFunc(l.images[id], func(i listedImage) bool {
		return (len(i.Regions) == 0 || slices.Contains(i.Regions, region)) && (len(i.Accounts) == 0 || slices.Contains(i.Accounts, account))
	}), nil
}
