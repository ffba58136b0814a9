package ssm

import (
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
)

// filter is one filter of a listing. A parameter passes all filters, each by one of its
// values.
type filter struct {
	key, option string
	values      []string
}

type filters []filter

// The options of filters.
const (
	optionEquals     = "Equals"
	optionBeginsWith = "BeginsWith"
	optionContains   = "Contains"
	optionRecursive  = "Recursive"
	optionOneLevel   = "OneLevel"
)

// What AWS says about filters.
const (
	filterPathRule = `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". ` +
		`It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: ` +
		`. (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the ` +
		`forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`
	filterPrefixRule = `Filters for common parameters can't be prefixed with "aws" or "ssm" (case-insensitive). ` +
		`When using global parameters, please specify within a global namespace.`
)

// parseFilters reads ParameterFilters; byPath says that they are those of
// GetParametersByPath, which knows others than DescribeParameters.
func parseFilters(in []ssmapi.ParameterStringFilter, byPath bool) (filters, error) {
	var all filters
	for i := range in {
		f := filter{key: value(in[i].Key), option: value(in[i].Option), values: in[i].Values}
		if f.option == "" {
			f.option = optionEquals
			if f.key == "Path" {
				f.option = optionOneLevel
			}
		}
		if err := f.check(byPath); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other filter) bool { return other.key == f.key }) {
			return nil, &ssmapi.InvalidFilterKey{Message: new("The following filter is duplicated in the request: " + f.key +
				". A request can contain only one occurrence of a specific filter.")}
		}
		all = append(all, f)
	}
	return all, nil
}

func (f *filter) check(byPath bool) error {
	isTag := strings.HasPrefix(f.key, "tag:")
	badKey := func(valid string) error {
		return &ssmapi.InvalidFilterKey{Message: new("The following filter key is not valid: " + f.key + ". Valid filter keys include: [" + valid + "].")}
	}
	switch {
	case !byPath && f.key == "Label":
		return badKey("Path, Name, Type, KeyId, Tier")
	case byPath && (isTag || f.key == "Name" || f.key == "Path" || f.key == "Tier" || f.key == "DataType"):
		return badKey("Type, KeyId")
	case len(f.values) == 0 && !isTag:
		return &ssmapi.InvalidFilterValue{Message: new("The following filter values are missing : null for filter key " + f.key + ".")}
	}
	valid := []string{optionBeginsWith, optionEquals}
	ok := f.option == optionEquals || f.option == optionBeginsWith || f.option == optionContains && f.key == "Name"
	if f.key == "Path" {
		valid = []string{optionRecursive, optionOneLevel}
		ok = slices.Contains(valid, f.option)
	}
	if !ok {
		return badOption("option", f.option, "options", valid...)
	}
	return f.checkValues()
}

// badOption is InvalidFilterOption, with which AWS answers to values as well.
func badOption(what, given, plural string, valid ...string) error {
	return &ssmapi.InvalidFilterOption{Message: new("The following filter " + what + " is not valid: " + given + ". Valid " + plural + " include: [" + strings.Join(valid, ", ") + "].")}
}

func (f *filter) checkValues() error {
	for _, v := range f.values {
		switch f.key {
		case "Path":
			lower := strings.ToLower(v)
			if strings.HasPrefix(lower, "/aws") || strings.HasPrefix(lower, "/ssm") {
				return invalid(filterPrefixRule)
			}
			if _, err := normalPath(v); err != nil {
				return invalid(filterPathRule)
			}
		case "Tier":
			if !slices.Contains(ssmapi.ParameterTier("").Values(), ssmapi.ParameterTier(v)) {
				return badOption("value", v, "values", "Standard", "Advanced", "Intelligent-Tiering")
			}
		case "Type":
			if !slices.Contains(ssmapi.ParameterType("").Values(), ssmapi.ParameterType(v)) && f.option == optionEquals {
				return badOption("value", v, "values", "String", "StringList", "SecureString")
			}
		}
	}
	return nil
}

// match tells whether a parameter passes all filters but those for labels.
func (all filters) match(p *parameterRecord) bool {
	for i := range all {
		if f := &all[i]; f.key != "Label" && !f.match(p) {
			return false
		}
	}
	return true
}

// labels are those that a version must have one of; nil if it need not.
func (all filters) labels() []string {
	for i := range all {
		if all[i].key == "Label" {
			return all[i].values
		}
	}
	return nil
}

// names are the only names that can pass, if the filters say so.
func (all filters) names() []string {
	for i := range all {
		if all[i].key == "Name" && all[i].option == optionEquals {
			return all[i].values
		}
	}
	return nil
}

// path is the one path that all that pass lie below, if the filters say so.
func (all filters) path() (path string, recursive, ok bool) {
	for i := range all {
		if f := &all[i]; f.key == "Path" && len(f.values) == 1 {
			return strings.TrimSuffix(f.values[0], "/"), f.option == optionRecursive, true
		}
	}
	return "", false, false
}

func (f *filter) match(p *parameterRecord) bool {
	v := &p.Latest
	switch f.key {
	case "Name":
		return f.anyOf(func(want string) bool { return f.matchName(p.Name, want) })
	case "Path":
		return f.anyOf(func(want string) bool {
			return liesBelow(p.Name, strings.TrimSuffix(want, "/"), f.option == optionRecursive)
		})
	case "Type":
		return f.text(string(v.Type))
	case "KeyId":
		return v.KeyID != "" && f.text(v.KeyID)
	case "Tier":
		return f.text(string(v.Tier))
	case "DataType":
		return f.text(v.DataType)
	}
	key := strings.TrimPrefix(f.key, "tag:")
	return slices.ContainsFunc(p.Tags, func(t tag) bool {
		return t.Key == key && (len(f.values) == 0 || f.text(t.Value))
	})
}

func (f *filter) anyOf(ok func(want string) bool) bool { return slices.ContainsFunc(f.values, ok) }

// text compares by the option.
func (f *filter) text(have string) bool {
	return f.anyOf(func(want string) bool { return f.compare(have, want) })
}

func (f *filter) compare(have, want string) bool {
	switch f.option {
	case optionBeginsWith:
		return strings.HasPrefix(have, want)
	case optionContains:
		return strings.Contains(have, want)
	}
	return have == want
}

// matchName compares names, as if all began with a slash.
func (f *filter) matchName(have, want string) bool {
	if f.option != optionContains {
		want = "/" + strings.TrimPrefix(want, "/")
	}
	return f.compare("/"+strings.TrimPrefix(have, "/"), want)
}

// liesBelow tells whether a name lies below a path without a slash at its end.
func liesBelow(name, path string, recursive bool) bool {
	in := parent(name)
	return in == path+"/" || recursive && strings.HasPrefix(in, path+"/")
}
