package secretsagent

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Bounds of what names a secret or a parameter, in bytes: those of the APIs' models.
const (
	maxSecretID      = 2048
	maxVersionID     = 64
	maxVersionStage  = 256
	maxParameterName = 2048
	maxLabel         = 100
)

// errTooLong: a parameter of a request is longer than the API allows.
var errTooLong = errors.New("parameter too long")

// parseSecretQuery reads the query of a request for a secret. If pathID is empty the
// secret's id is in the query. The texts of errors are the AWS Secrets Manager Agent's.
func parseSecretQuery(query, pathID string) (q SecretQuery, refresh bool, err error) {
	q.ID = pathID
	err = eachParameter(query, func(name, value string) error {
		switch {
		case name == "secretId" && pathID == "":
			q.ID = value
		case name == "versionId":
			q.VersionID = value
		case name == "versionStage":
			q.VersionStage = value
		case name == "refreshNow":
			refresh, err = parseBool(name, value)
			return err
		default:
			return unknownParameter(name)
		}
		return nil
	})
	switch {
	case err != nil:
	case q.ID == "":
		err = errors.New("missing parameter secretId")
	case len(q.ID) > maxSecretID || len(q.VersionID) > maxVersionID || len(q.VersionStage) > maxVersionStage:
		err = errTooLong
	}
	return q, refresh, err
}

// parseParameterQuery reads the query of a request for a parameter.
func parseParameterQuery(query string) (q ParameterQuery, refresh bool, err error) {
	var version, label string
	err = eachParameter(query, func(name, value string) (err error) {
		switch name {
		case "name":
			q.Name = value
		case "version":
			version = value
		case "label":
			label = value
		case "withDecryption":
			q.Decrypt, err = parseBool(name, value)
		case "refreshNow":
			refresh, err = parseBool(name, value)
		default:
			err = unknownParameter(name)
		}
		return err
	})
	if err != nil {
		return q, refresh, err
	}
	q.Selector = label
	if version != "" {
		if n, err := strconv.ParseInt(version, 10, 64); err != nil || n < 1 {
			return q, refresh, errors.New("invalid version value")
		}
		q.Selector = version
	}
	switch {
	case q.Name == "":
		err = errors.New("missing parameter name")
	case version != "" && label != "":
		err = errors.New("version and label cannot be used together")
	case len(q.Name) > maxParameterName || len(q.Selector) > maxLabel:
		err = errTooLong
	}
	return q, refresh, err
}

// eachParameter calls f for each parameter of a query, in order.
func eachParameter(query string, f func(name, value string) error) error {
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return errors.New("invalid query")
		}
		if err := f(name, value); err != nil {
			return err
		}
	}
	return nil
}

func unknownParameter(name string) error { return errors.New("unknown parameter: " + name) }

func parseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errors.New("invalid " + name + " value")
}
