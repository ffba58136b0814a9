package ssm

import (
	"strconv"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/wire"
)

const (
	// maxLevels is the depth of a path.
	maxLevels = 15
	// maxARN bounds a name together with its ARN, in characters.
	maxARN = 1011
)

// What AWS says about names. The rule is also its answer to characters that no name has.
const (
	nameRule = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of ` +
		`sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	prefixRule = `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`
	pathRule   = `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". ` +
		`It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: ` +
		`. (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the ` +
		`forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`
)

func invalid(message string) error {
	return &wire.CommonError{Kind: wire.Validation, Message: message}
}

// plain tells whether s has only the characters of names and is well-formed as a path:
// no component is empty.
func plain(s string) bool {
	if s == "" || s == "/" || strings.Contains(s, "//") || s[len(s)-1] == '/' {
		return false
	}
	return nameCharacters(s)
}

func nameCharacters(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-', c == '/':
		default:
			return false
		}
	}
	return true
}

// checkNewName applies the rules for names of PutParameter (AWS Systems Manager user
// guide, "Requirements and constraints for parameter names").
func checkNewName(account, region, name string) error {
	lower := strings.ToLower(name)
	bare := strings.TrimLeft(lower, "/")
	if strings.HasPrefix(bare, "aws") || strings.HasPrefix(bare, "ssm") {
		isPath := strings.Count(name, "/") > 1
		switch {
		case isPath && strings.HasPrefix(lower, "/aws"):
			return &wire.CommonError{Kind: wire.AccessDenied, Message: "No access to reserved parameter name: " + name + "."}
		case isPath:
			return invalid(nameRule)
		}
		return invalid(prefixRule)
	}
	if !plain(name) {
		return invalid(nameRule)
	}
	if strings.Contains(name, "/") && name[0] != '/' {
		return invalid("Parameter name must be a fully qualified name.")
	}
	if len(parameterARN(account, region, name)) > maxARN {
		return invalid("Parameter name: the maximum length, including the full length of the parameter Amazon Resource Name (ARN), is " + strconv.Itoa(maxARN) + " characters.")
	}
	if strings.Count(strings.TrimPrefix(name, "/"), "/")+1 > maxLevels {
		return &ssmapi.HierarchyLevelLimitExceededException{Message: new("A hierarchy can have a maximum of " + strconv.Itoa(maxLevels) +
			" levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide.")}
	}
	return nil
}

// reference is a parameter as a caller names it, taken apart.
type reference struct {
	given string
	// account and region are the owner's: the caller's unless an ARN says otherwise. The
	// account is empty for public parameters.
	account, region string
	name            string
	// selector is the version or label behind the name, "" for the latest version.
	selector string
	// full says that an ARN was given.
	full bool
}

// arn is that of the parameter, without the selector.
func (r *reference) arn() string { return parameterARN(r.account, r.region, r.name) }

func (r *reference) key() parameterName { return identity(r.account, r.region, r.name) }

const (
	publicPrefix    = "/aws/service/"
	referencePrefix = "/aws/reference/secretsmanager/"
)

// isPublic tells whether a path lies where AWS's public parameters do.
func isPublic(name string) bool {
	return strings.HasPrefix(name, publicPrefix) || name == "/aws/service"
}

// parseReference reads a name, or an ARN, with or without a selector.
func parseReference(c *call.Call, given string) (reference, error) {
	r := reference{given: given, account: c.Account, region: c.Region}
	name := strings.TrimSpace(given)
	if strings.HasPrefix(name, "arn:") {
		fields := strings.SplitN(name, ":", 6)
		if len(fields) != 6 || fields[1] != call.Partition || fields[2] != "ssm" || !strings.HasPrefix(fields[5], "parameter/") ||
			fields[4] != "" && !arn.IsAccountID(fields[4]) {
			return r, invalid("Invalid parameter ARN: " + given + ".")
		}
		r.region, r.account, r.full = fields[3], fields[4], true
		if name = strings.TrimPrefix(fields[5], "parameter/"); strings.Contains(name, "/") {
			name = "/" + name
		}
	}
	if strings.HasPrefix(name, referencePrefix) {
		r.name = name // the names of secrets have their own rules
		return r, nil
	}
	r.name, r.selector, _ = strings.Cut(name, ":")
	if !plain(r.name) {
		return r, invalid(nameRule)
	}
	if isPublic(r.name) {
		r.account = ""
	}
	return r, nil
}

// versionOf reads a selector that is a version number.
func versionOf(selector string) (number int64, ok bool) {
	number, err := strconv.ParseInt(selector, 10, 64)
	return number, err == nil && selector[0] != '+' && selector[0] != '-'
}

// normalPath checks a path to list below and returns it without a slash at its end:
// "" for the root.
func normalPath(path string) (string, error) {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || !nameCharacters(path) {
		return "", invalid(pathRule)
	}
	return strings.TrimSuffix(path, "/"), nil
}
