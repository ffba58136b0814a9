package front

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"fastness/internal/call"
	"fastness/internal/sigv4"
	"fastness/internal/wire"
)

// Credentials finds out whose an access key is. The iam and sts rooms implement it
// together.
type Credentials interface {
	// Credential returns what accessKeyID stands for. token is the session token of
	// temporary credentials, empty for long-term ones. The error is
	// ErrUnknownAccessKey, ErrInvalidToken or ErrExpiredToken of package call, or a
	// failure of ours.
	Credential(ctx context.Context, accessKeyID, token string) (call.Credential, error)
}

// anonymous is the principal of unsigned calls.
var anonymous = &call.Principal{Kind: call.Anonymous}

// authenticate verifies the signature of a request for room and returns its
// principal, or the anonymous one for an unsigned request that op allows. body is
// the whole payload.
func (d *Door) authenticate(ctx context.Context, r *http.Request, t target, sig *sigv4.Signature, body []byte) (*call.Principal, string, error) {
	if sig == nil {
		if t.op != nil && t.op.Unsigned {
			return anonymous, d.defaultRegion, nil
		}
		return nil, "", &wire.CommonError{Kind: wire.MissingAuthentication, Message: "Request is missing Authentication Token"}
	}
	region := sig.Region
	if sig.Algorithm == sigv4.ECDSA {
		region = d.defaultRegion
	}
	region, ok := d.served(region)
	if !ok {
		return nil, "", &wire.CommonError{Kind: wire.InvalidSignature, Message: "Credential should be scoped to a valid region. "}
	}
	rules := sigv4.Rules{
		Region: region, Service: t.room.API.SigningName,
		AllowUnsignedPayload: t.op != nil && t.op.UnsignedBody,
		// AWS documents that a Content-Type must be signed and accepts requests without,
		// which its SDK for PHP sends; so do we.
		AllowUnsignedContentType: true,
	}
	cred, err := d.credentials.Credential(ctx, sig.AccessKeyID, sig.SecurityToken)
	if err != nil && d.dev != nil && foreign(err, sig) {
		c, devErr := d.dev.Credential(ctx, sig.AccessKeyID, sig.SecurityToken)
		if devErr == nil {
			return c.Principal, region, nil
		}
		if !errors.Is(devErr, call.ErrUnknownAccessKey) {
			err = devErr
		}
	}
	if err != nil {
		return nil, "", d.refuseKey(err, sig, rules, body)
	}
	if err := d.verifier.Verify(sig, cred.Secret, rules, body); err != nil {
		return nil, "", signatureError(err)
	}
	return cred.Principal, region, nil
}

// foreign tells whether an error means that the credentials are none of ours: an unknown
// access key, or a temporary one with a token that was not made here. A wrong token with
// a long-term key of ours is not foreign, nor is what has expired.
func foreign(err error, sig *sigv4.Signature) bool {
	return errors.Is(err, call.ErrUnknownAccessKey) ||
		errors.Is(err, call.ErrInvalidToken) && strings.HasPrefix(sig.AccessKeyID, "ASIA")
}

// refuseKey answers for an access key or token that stands for nobody, after the
// same work that a wrong signature costs.
func (d *Door) refuseKey(err error, sig *sigv4.Signature, rules sigv4.Rules, body []byte) error {
	refused := d.verifier.VerifyUnknown(sig, rules, body)
	switch {
	case errors.Is(err, call.ErrUnknownAccessKey):
		return signatureError(refused)
	case errors.Is(err, call.ErrInvalidToken):
		return &wire.CommonError{Kind: wire.InvalidToken, Message: "The security token included in the request is invalid."}
	case errors.Is(err, call.ErrExpiredToken):
		return &wire.CommonError{Kind: wire.ExpiredToken, Message: "The security token included in the request is expired"}
	}
	return err
}

// signatureError turns a refusal of package sigv4 into the common error that the
// codec writes in the protocol's words.
func signatureError(err error) error {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		return err
	}
	c := &wire.CommonError{Message: e.Text(false)}
	switch e.Kind {
	case sigv4.KindMissing:
		c.Kind = wire.MissingAuthentication
	case sigv4.KindIncomplete, sigv4.KindConflict:
		c.Kind = wire.IncompleteSignature
	case sigv4.KindUnknownAccessKey:
		c.Kind = wire.UnrecognizedClient
	case sigv4.KindPayloadMismatch:
		c.Kind = wire.PayloadHashMismatch
	default:
		c.Kind = wire.InvalidSignature
	}
	return c
}
