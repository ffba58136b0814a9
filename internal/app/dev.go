package app

import (
	"context"

	"fastness/internal/call"
)

// developer accepts any access key as the root user of one account (--dev).
func developer(account string) developerCredentials {
	return developerCredentials{&call.Principal{
		Kind: call.Root, Account: account, ARN: "arn:" + call.Partition + ":iam::" + account + ":root", ID: account,
		AccessKeyID: "DEVELOPMENT",
	}}
}

// developerCredentials is a credentials source that knows one principal only.
type developerCredentials struct{ principal *call.Principal }

// Credential implements front.Credentials.
func (f developerCredentials) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{Principal: f.principal}, nil
}
