package wafv2

import (
	"context"
	"fmt"
	"strings"

	"fastness/internal/api/wafv2api"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// logName is what the name of every log destination begins with.
const logName = "aws-waf-logs-"

// logScope is the scope of a logging configuration, CUSTOMER if none is named.
func logScope(sc *wafv2api.LogScope) wafv2api.LogScope {
	if sc == nil {
		return wafv2api.LogScopeCustomer
	}
	return *sc
}

// PutLoggingConfiguration implements the operation of that name. It replaces the configuration
// that the web ACL has for the log scope.
func (s *Service) PutLoggingConfiguration(ctx context.Context, in *wafv2api.PutLoggingConfigurationRequest) (*wafv2api.PutLoggingConfigurationResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.tables.entity(c.Txn(), t.name)
	if err != nil {
		return nil, err
	}
	l := *in.LoggingConfiguration
	l.LogScope, l.LogType, l.ManagedByFirewallManager = new(logScope(l.LogScope)), new(wafv2api.LogTypeWAFLogs), new(false)
	if err := checkLogging(c, &l); err != nil {
		return nil, err
	}
	if err := s.prepareDelivery(ctx, l.LogDestinationConfigs[0]); err != nil {
		return nil, err
	}
	document, err := s.documents.encode(shapeLogging, &l)
	if err != nil {
		return nil, err
	}
	err = s.tables.logging.Put(c.Txn(), &loggingRecord{
		Account: e.Account, Region: e.Region, Scope: e.Scope, Name: e.Name, WebACL: e.arn(), LogScope: *l.LogScope, Document: document,
	})
	if err != nil {
		return nil, err
	}
	s.publish(c.Txn())
	return &wafv2api.PutLoggingConfigurationResponse{LoggingConfiguration: &l}, nil
}

// checkLogging checks a logging configuration (AWS WAF API reference, LoggingConfiguration).
func checkLogging(c *call.Call, l *wafv2api.LoggingConfiguration) error {
	if len(l.LogDestinationConfigs) != 1 {
		return invalid(wafv2api.ParameterExceptionFieldLogDestination, "LogDestinationConfigs", reasonExactlyOne)
	}
	if err := checkLogDestination(c, l.LogDestinationConfigs[0]); err != nil {
		return err
	}
	for i := range l.RedactedFields {
		f := &l.RedactedFields[i]
		if componentsOf(f) != 1 {
			return invalid(wafv2api.ParameterExceptionFieldFieldToMatch, "FieldToMatch", reasonExactlyOne)
		}
		// "You can specify only the following fields for redaction: UriPath, QueryString, SingleHeader, and
		// Method."
		if f.UriPath == nil && f.QueryString == nil && f.SingleHeader == nil && f.Method == nil {
			return invalid(wafv2api.ParameterExceptionFieldFieldToMatch, "FieldToMatch", reasonCombination)
		}
	}
	if l.LoggingFilter == nil {
		return nil
	}
	for _, f := range l.LoggingFilter.Filters {
		for i := range f.Conditions {
			condition := &f.Conditions[i]
			if count(condition.ActionCondition != nil, condition.LabelNameCondition != nil) != 1 {
				return invalid(wafv2api.ParameterExceptionFieldFilterCondition, "Condition", reasonExactlyOne)
			}
			// "You must provide a fully qualified label name."
			if n := condition.LabelNameCondition; n != nil && (!strings.HasPrefix(value(n.LabelName), "awswaf:") || strings.HasSuffix(value(n.LabelName), ":")) {
				return invalid(wafv2api.ParameterExceptionFieldFilterCondition, value(n.LabelName), reasonFormat)
			}
		}
	}
	return nil
}

// checkLogDestination: a log group, a bucket or a delivery stream, of a name for AWS WAF.
func checkLogDestination(c *call.Call, text string) error {
	bad := func(reason string) error {
		return invalid(wafv2api.ParameterExceptionFieldLogDestination, text, reason)
	}
	a, err := arn.Parse(text)
	if err != nil || a.Partition != call.Partition {
		return bad(reasonARN)
	}
	here := a.Region == c.Region && a.Account == c.Account
	name, ok := "", false
	switch a.Service {
	case "logs":
		name, ok = logGroup(a)
		ok = ok && here
	case "firehose":
		name, ok = strings.CutPrefix(a.Resource, "deliverystream/")
		ok = ok && here
	case "s3":
		name, ok = a.Resource, a.Region == "" && a.Account == ""
	}
	switch {
	case !ok:
		return bad(reasonARN)
	case !strings.HasPrefix(name, logName):
		return bad(reasonLogName)
	}
	return nil
}

// loggingOf reads the logging configuration of a web ACL; nil if it has none for the scope.
func (s *Service) loggingOf(r store.Reader, n entityName, sc wafv2api.LogScope) (*wafv2api.LoggingConfiguration, error) {
	row, err := s.tables.logging.Get(r, scope(n.account, n.region), parts(string(n.scope), n.name, string(sc))...)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := new(wafv2api.LoggingConfiguration)
	return l, s.documents.decode(shapeLogging, row.Document, l)
}

// GetLoggingConfiguration implements the operation of that name.
func (s *Service) GetLoggingConfiguration(ctx context.Context, in *wafv2api.GetLoggingConfigurationRequest) (*wafv2api.GetLoggingConfigurationResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	out := new(wafv2api.GetLoggingConfigurationResponse)
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		out.LoggingConfiguration, err = s.loggingOf(r, e.entityName(), logScope(in.LogScope))
		return err
	})
	if err == nil && out.LoggingConfiguration == nil {
		err = nonexistent()
	}
	return out, err
}

// DeleteLoggingConfiguration implements the operation of that name.
func (s *Service) DeleteLoggingConfiguration(ctx context.Context, in *wafv2api.DeleteLoggingConfigurationRequest) (*wafv2api.DeleteLoggingConfigurationResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	n := t.name
	err = s.tables.logging.Delete(c.Txn(), scope(n.account, n.region), parts(string(n.scope), n.name, string(logScope(in.LogScope)))...)
	if isNotFound(err) {
		return nil, nonexistent()
	}
	if err != nil {
		return nil, err
	}
	s.publish(c.Txn())
	return &wafv2api.DeleteLoggingConfigurationResponse{}, nil
}

// forgetLogging deletes the logging configurations of a web ACL that goes.
func (s *Service) forgetLogging(tx store.Txn, e *entity) error {
	for row, err := range s.tables.logging.Scan(tx, scope(e.Account, e.Region), table.Page{Prefix: parts(string(e.Scope), e.Name)}) {
		if err != nil {
			return err
		}
		if err := s.tables.logging.Delete(tx, scope(e.Account, e.Region), parts(string(e.Scope), e.Name, string(row.Record.LogScope))...); err != nil {
			return err
		}
	}
	return nil
}

// ListLoggingConfigurations implements the operation of that name.
func (s *Service) ListLoggingConfigurations(ctx context.Context, in *wafv2api.ListLoggingConfigurationsRequest) (*wafv2api.ListLoggingConfigurationsResponse, error) {
	c := call.From(ctx)
	want := logScope(in.LogScope)
	query := string(value(in.Scope)) + "/" + string(want)
	after, err := s.position(c, query, in.NextMarker)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListLoggingConfigurationsResponse{LoggingConfigurations: []wafv2api.LoggingConfiguration{}}
	at := table.Page{Prefix: parts(string(value(in.Scope)))}
	if after != "" {
		at.After = table.AppendKey(nil, parts(string(value(in.Scope)), after, string(want))...)
	}
	last, next := "", ""
	err = s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.logging.Scan(r, scope(c.Account, c.Region), at) {
			if err != nil {
				return err
			}
			if row.Record.LogScope != want {
				continue
			}
			if len(out.LoggingConfigurations) == limitOf(in.Limit) {
				next = last
				return nil
			}
			var l wafv2api.LoggingConfiguration
			if err := s.documents.decode(shapeLogging, row.Record.Document, &l); err != nil {
				return fmt.Errorf("%s: %w", row.Record.WebACL, err)
			}
			out.LoggingConfigurations = append(out.LoggingConfigurations, l)
			last = row.Record.Name
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, query, next)
	return out, err
}
