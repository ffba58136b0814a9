package rotator

import (
	"slices"
	"strconv"
	"strings"
)

// Options are what AWS's templates read from their function's environment, and ours.
type Options struct {
	Password Password
	// UsernameLimit bounds the user name of a clone, in bytes.
	UsernameLimit int
	// SetRole makes a PostgreSQL clone act as the original role from login on, so that
	// what it creates belongs to the original role and not to the clone.
	SetRole bool
	// JSONField, with the generic template, is the key whose value is replaced; the
	// whole secret is a random string if it is empty.
	JSONField string
}

// Defaults are the options of AWS's template, without an environment.
func (r *Rotator) Defaults() Options {
	o := Options{Password: Password{Length: 32, ExcludeCharacters: `/@"'\`, RequireEachIncludedType: true}}
	if r.kind.server != nil {
		r.kind.server.defaults(&o)
	}
	return o
}

// The variables that Options reads.
const (
	envExcludeCharacters  = "EXCLUDE_CHARACTERS"
	envPasswordLength     = "PASSWORD_LENGTH"
	envExcludeNumbers     = "EXCLUDE_NUMBERS"
	envExcludePunctuation = "EXCLUDE_PUNCTUATION"
	envExcludeUppercase   = "EXCLUDE_UPPERCASE"
	envExcludeLowercase   = "EXCLUDE_LOWERCASE"
	envRequireEach        = "REQUIRE_EACH_INCLUDED_TYPE"
	envUsernameLimit      = "USERNAME_CHARACTER_LIMIT"
	envSetRole            = "SET_ROLE"
	envJSONField          = "JSON_FIELD"
)

// Options overlays the template's defaults with an environment, as a Lambda function
// gets it. Names it does not know are ignored, as a template ignores them.
func (r *Rotator) Options(environment map[string]string) (Options, error) {
	o := r.Defaults()
	for name, value := range environment {
		switch name {
		case envExcludeCharacters:
			o.Password.ExcludeCharacters = value
		case envPasswordLength:
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 1 || n > maxPasswordLength {
				return Options{}, &Error{Step: stepCreate, Reason: Misconfigured, Message: envPasswordLength + " must be a number from 1 to 4096"}
			}
			o.Password.Length = n
		case envUsernameLimit:
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 1 || n > maxNameBytes {
				return Options{}, &Error{Step: stepCreate, Reason: Misconfigured, Message: envUsernameLimit + " must be a number from 1 to 255"}
			}
			o.UsernameLimit = n
		case envExcludeNumbers:
			o.Password.ExcludeNumbers = truth(value)
		case envExcludePunctuation:
			o.Password.ExcludePunctuation = truth(value)
		case envExcludeUppercase:
			o.Password.ExcludeUppercase = truth(value)
		case envExcludeLowercase:
			o.Password.ExcludeLowercase = truth(value)
		case envRequireEach:
			o.Password.RequireEachIncludedType = truth(value)
		case envSetRole:
			o.SetRole = truth(value)
		case envJSONField:
			o.JSONField = value
		}
	}
	return o, nil
}

// truth reads a boolean as the templates do: what is not true is false.
func truth(value string) bool {
	return slices.Contains([]string{"true", "1", "y", "yes"}, strings.ToLower(value))
}
