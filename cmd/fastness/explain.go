package main

import (
	"context"
	"errors"
	"fmt"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// errDenied ends the command with a status that scripts can test.
var errDenied = errors.New("denied")

// explain asks the running server whether a principal may do something with a key, and
// prints what decides and every statement that was examined.
func explain(f *flag.FlagSet) runner {
	var c app.Config
	var q app.Question
	complete := dataFlags(f, &c)
	f.StringVar(&q.Principal, "principal", "", "ARN of a user, role, role session or account root")
	f.StringVar(&q.Action, "action", "", "action of KMS, as in kms:Decrypt")
	f.StringVar(&q.Key, "key", "", "key id, alias or ARN")
	f.StringVar(&q.Region, "region", "", "Region of the call (default: that of the key's ARN, else the server's)")
	pairs := f.String("encryption-context", "", "encryption context: name=value pairs, separated by commas")
	f.Func("grant-token", "grant token; may be repeated", func(token string) error {
		q.GrantTokens = append(q.GrantTokens, token)
		return nil
	})
	return func(ctx context.Context, out *output) error {
		if q.Principal == "" || q.Action == "" {
			return fmt.Errorf("%w: kms explain needs --principal and --action", errUsage)
		}
		var err error
		if q.EncryptionContext, err = parsePairs(*pairs); err != nil {
			return err
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		reply, err := operator.Explain(ctx, &q)
		if err != nil {
			return err
		}
		if out.json {
			if err := out.show(reply, nil); err != nil {
				return err
			}
			if !reply.Allowed {
				return errDenied
			}
			return nil
		}
		for _, list := range [][]string{reply.Reasons, reply.Grants} {
			for _, text := range list {
				if _, err := fmt.Fprintln(out, text); err != nil {
					return err
				}
			}
		}
		if reply.Obstacle != "" {
			fmt.Fprintln(out, "The call is allowed, but would fail:", reply.Obstacle)
		}
		if !reply.Allowed {
			return errDenied
		}
		return nil
	}
}
