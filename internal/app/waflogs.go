package app

import (
	"context"
	"fmt"
	"time"

	"fastness/internal/bucket"
	"fastness/internal/service/wafv2"
	"fastness/internal/sigv4"
)

// WAFLogsConfig is what an operator can set about the buckets that web ACLs log to.
type WAFLogsConfig struct {
	// Endpoint is a server that speaks the API of Amazon S3: https://host:port, or http:// on loopback.
	// Empty: there are no buckets.
	Endpoint string
	// Region is that of its signatures; default us-east-1.
	Region string
	// The credentials.
	AccessKeyID, SecretAccessKey, SessionToken string
	// SpoolBytes bounds what waits for buckets; 0 means DefaultSpoolBytes.
	SpoolBytes int64
	// Period is what an object has the records of, a second to DefaultSpoolPeriod, which 0 means.
	Period time.Duration
}

// wafBuckets is what the room of web ACLs asks about buckets.
func wafBuckets(s *spool) wafv2.Buckets {
	if s == nil {
		return nil
	}
	return s
}

// buckets are the buckets of the operator's server; nil if there is none.
func (c *Config) buckets() (objects, error) {
	w := &c.WAFLogs
	if w.Endpoint == "" {
		return nil, nil
	}
	if w.Period != 0 && (w.Period < time.Second || w.Period > DefaultSpoolPeriod || w.Period%time.Second != 0) {
		return nil, fmt.Errorf("app: objects of log records have those of whole seconds, one to %v", DefaultSpoolPeriod)
	}
	if w.AccessKeyID == "" || w.SecretAccessKey == "" {
		return nil, fmt.Errorf("app: no credentials for the buckets at %s", w.Endpoint)
	}
	client, err := bucket.New(bucket.Options{Endpoint: w.Endpoint, Region: w.Region, Clock: c.Clock, Credentials: func(context.Context) (sigv4.Credentials, error) {
		return sigv4.Credentials{AccessKeyID: w.AccessKeyID, Secret: []byte(w.SecretAccessKey), SecurityToken: w.SessionToken}, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	return client, nil
}
