package main

import (
	"context"
	"fmt"
	"os"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// wafLogFlags are the flags about the buckets that web ACLs log to. The credentials have none: arguments
// are visible to all.
func wafLogFlags(f *flag.FlagSet, c *app.WAFLogsConfig) func() error {
	f.StringVar(&c.Endpoint, "waf-log-s3-endpoint", "", "server with the buckets that web ACLs log to: https://HOST:PORT (or http:// on loopback); its credentials are in --waf-log-s3-credentials, or in FASTNESS_WAF_LOG_S3_ACCESS_KEY_ID and FASTNESS_WAF_LOG_S3_SECRET_ACCESS_KEY")
	f.StringVar(&c.Region, "waf-log-s3-region", "us-east-1", "Region of the server with the buckets")
	f.Int64Var(&c.SpoolBytes, "waf-log-spool", app.DefaultSpoolBytes, "bytes of log records that may wait for buckets")
	f.DurationVar(&c.Period, "waf-log-s3-period", app.DefaultSpoolPeriod, "what an object in a bucket has the log records of: a second to five minutes")
	file := f.String("waf-log-s3-credentials", "", "file of the credentials for the buckets, as AWS's tools have them (profile default)")
	return func() error {
		if c.Endpoint == "" {
			return nil
		}
		if *file == "" {
			c.AccessKeyID = os.Getenv("FASTNESS_WAF_LOG_S3_ACCESS_KEY_ID")
			c.SecretAccessKey = os.Getenv("FASTNESS_WAF_LOG_S3_SECRET_ACCESS_KEY")
			c.SessionToken = os.Getenv("FASTNESS_WAF_LOG_S3_SESSION_TOKEN")
			return nil
		}
		p, err := awsconfig.LoadSharedConfigProfile(context.Background(), "default", func(o *awsconfig.LoadSharedConfigOptions) {
			o.CredentialsFiles, o.ConfigFiles = []string{*file}, []string{}
		})
		if err != nil {
			return fmt.Errorf("%w: --waf-log-s3-credentials: %w", errUsage, err)
		}
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken = p.Credentials.AccessKeyID, p.Credentials.SecretAccessKey, p.Credentials.SessionToken
		return nil
	}
}
