package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fastness/internal/app"
)

// kmsCommand is the group of commands about KMS keys.
func kmsCommand(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "explain" {
		return fmt.Errorf("%w: fastness kms explain --principal ARN --action kms:ACTION --key KEY", errUsage)
	}
	return explain(ctx, args[1:], out)
}

// errDenied ends the command with a status that scripts can test.
var errDenied = errors.New("denied")

// explain asks the running server whether a principal may do something with a key, and
// prints what decides and every statement that was examined.
func explain(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	var q app.Question
	f := flags("kms explain")
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
	if err := parse(f, args, 0); err != nil {
		return err
	}
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
