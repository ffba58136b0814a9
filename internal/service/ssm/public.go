package ssm

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

// PublicParameter is a parameter under /aws/service, where AWS publishes what everybody can
// read. Nobody can change it here but the operator, by another file.
type PublicParameter struct {
	// Name begins with /aws/service/.
	Name  string `json:"name"`
	Value string `json:"value"`
	// Type is String or StringList, String if it is left out; DataType is text if it is.
	Type     ssmapi.ParameterType `json:"type"`
	DataType string               `json:"dataType"`
	// Version is 1 if it is left out.
	Version      int64     `json:"version"`
	LastModified time.Time `json:"lastModified"`
	// Description is for who reads the file: no operation shows it.
	Description string `json:"description"`
	// Regions where it is; everywhere if there are none.
	Regions []string `json:"regions"`
}

// Public is a set of public parameters. The zero value is empty. It is immutable.
type Public struct {
	sorted []PublicParameter // by name
}

// ReadPublic reads public parameters:
//
//	{"parameters": [{"name": "/aws/service/example/version", "value": "1.2.3", "type": "String",
//	  "dataType": "text", "version": 7, "lastModified": "2026-01-02T03:04:05Z",
//	  "description": "An example", "regions": ["eu-west-1", "us-east-1"]}]}
//
// Only name and value are required. Without regions (or with an empty list) a parameter is in all of
// them; the same name may be there for several Regions with different values. The file has at
// most 200,000 parameters and 64 MiB.
func ReadPublic(r io.Reader) (*Public, error) {
	var in struct {
		Parameters []PublicParameter `json:"parameters"`
	}
	if err := readList(r, &in); err != nil {
		return nil, fmt.Errorf("ssm: public parameters: %w", err)
	}
	if len(in.Parameters) > maxListed {
		return nil, fmt.Errorf("ssm: public parameters: more than %d", maxListed)
	}
	for i := range in.Parameters {
		p := &in.Parameters[i]
		p.Type, p.DataType, p.Version = cmp.Or(p.Type, ssmapi.ParameterTypeString), cmp.Or(p.DataType, dataText), cmp.Or(p.Version, 1)
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("ssm: public parameters: %q: %w", p.Name, err)
		}
	}
	slices.SortStableFunc(in.Parameters, func(a, b PublicParameter) int { return strings.Compare(a.Name, b.Name) })
	return &Public{sorted: in.Parameters}, nil
}

func (p *PublicParameter) check() error {
	switch {
	case !strings.HasPrefix(p.Name, publicPrefix) || !plain(p.Name) || len(p.Name) > maxARN:
		return errors.New("its name is none of a parameter under " + publicPrefix)
	case p.Type != ssmapi.ParameterTypeString && p.Type != ssmapi.ParameterTypeStringList:
		return errors.New("its type is neither String nor StringList")
	case p.DataType != dataText && p.DataType != dataImage:
		return errors.New("its data type is neither text nor " + dataImage)
	case p.Value == "" || len(p.Value) > maxAdvancedBytes:
		return errors.New("its value is empty or longer than " + strconv.Itoa(maxAdvancedBytes) + " bytes")
	case p.Version < 1:
		return errors.New("its version is not positive")
	}
	return nil
}

func (p *PublicParameter) in(region string) bool {
	return len(p.Regions) == 0 || slices.Contains(p.Regions, region)
}

// search is the place of the first parameter whose name is not before name.
func (all *Public) search(name string) int {
	at, _ := slices.BinarySearchFunc(all.sorted, name, func(p PublicParameter, name string) int { return strings.Compare(p.Name, name) })
	return at
}

// get returns the parameter of a name in a Region, or nil.
func (all *Public) get(region, name string) *PublicParameter {
	for i := all.search(name); i < len(all.sorted) && all.sorted[i].Name == name; i++ {
		if p := &all.sorted[i]; p.in(region) {
			return p
		}
	}
	return nil
}

// selectedBy tells whether a selector chooses the one version that is there.
func (p *PublicParameter) selectedBy(selector string) bool {
	number, ok := versionOf(selector)
	return ok && number == p.Version
}

func (p *PublicParameter) parameter(region string) *ssmapi.Parameter {
	return &ssmapi.Parameter{
		Name: new(p.Name), Type: new(p.Type), Value: new(p.Value), Version: new(p.Version), LastModifiedDate: new(p.LastModified),
		ARN: new(parameterARN("", region, p.Name)), DataType: new(p.DataType),
	}
}

// record is the parameter as filters see it.
func (p *PublicParameter) record() *parameterRecord {
	return &parameterRecord{Name: p.Name, Latest: version{Type: p.Type, Tier: ssmapi.ParameterTierStandard, DataType: p.DataType}}
}

// publicByPath lists public parameters below a path. Positions are names.
func (s *Service) publicByPath(c *call.Call, path string, in *ssmapi.GetParametersByPathRequest, f filters, query string, after []byte, limit int) (*ssmapi.GetParametersByPathResult, error) {
	out := &ssmapi.GetParametersByPathResult{Parameters: []ssmapi.Parameter{}}
	from := path + "/"
	if after != nil {
		from = string(after) + "\x00"
	}
	var next []byte
	scanned := 0
	all := s.public.sorted
	for i := s.public.search(from); i < len(all) && strings.HasPrefix(all[i].Name, path+"/"); i++ {
		p := &all[i]
		if len(out.Parameters) == limit || scanned == maxScanned {
			var err error
			out.NextToken, err = s.nextToken(c, query, next)
			return out, err
		}
		scanned++
		next = []byte(p.Name)
		if p.in(c.Region) && liesBelow(p.Name, path, value(in.Recursive)) && f.labels() == nil && f.match(p.record()) {
			out.Parameters = append(out.Parameters, *p.parameter(c.Region))
		}
	}
	return out, nil
}
