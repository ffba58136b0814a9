package iam_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"fastness/internal/service/sts"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkiam "github.com/aws/aws-sdk-go-v2/service/iam"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
)

const issuer = "https://oidc.example.com/team"

// idToken signs an ID token as an identity provider does (RFC 7515).
func idToken(t *testing.T, key crypto.Signer, kid string, claims map[string]any) string {
	t.Helper()
	alg := "RS256"
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		alg = "ES256"
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		must(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(map[string]string{"alg": alg, "kid": kid}) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	var sig []byte
	switch k := key.(type) {
	case *rsa.PrivateKey:
		var err error
		sig, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest[:])
		must(t, err)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest[:])
		must(t, err)
		sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	w := newWorld(t, sts.Provider{
		Account: account, Issuer: issuer, ClientIDs: []string{"app"},
		Keys: []sts.ProviderKey{{ID: "r", Key: rsaKey.Public()}, {ID: "e", Key: ecKey.Public()}},
	})
	provider := "arn:aws:iam::" + account + ":oidc-provider/oidc.example.com/team"
	out, err := w.root.iam.CreateRole(t.Context(), &sdkiam.CreateRoleInput{RoleName: aws.String("web"), AssumeRolePolicyDocument: aws.String(doc(
		`{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.example.com/team:aud":"app","oidc.example.com/team:sub":"ann"}}}`))})
	must(t, err)
	now := w.clock.Now().Unix()
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"iss": issuer, "sub": "ann", "aud": "app", "exp": now + 600, "iat": now}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		return c
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	const refused = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
	// Without a signature, Action and Version say which service is meant.
	named := sdksts.New(sdksts.Options{Region: region, BaseEndpoint: aws.String(w.url), RetryMaxAttempts: 1})
	for name, c := range map[string]struct{ token, role, want string }{
		"RS256":             {idToken(t, rsaKey, "r", claims(nil)), *out.Role.Arn, ""},
		"ES256":             {idToken(t, ecKey, "e", claims(map[string]any{"aud": []string{"x", "app"}})), *out.Role.Arn, ""},
		"no JWT":            {"garbage", *out.Role.Arn, "InvalidIdentityToken: The ID Token provided is not a valid JWT."},
		"unknown issuer":    {idToken(t, rsaKey, "r", claims(map[string]any{"iss": "https://evil"})), *out.Role.Arn, "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://evil"},
		"other account":     {idToken(t, rsaKey, "r", claims(nil)), "arn:aws:iam::" + other + ":role/web", "InvalidIdentityToken: No OpenIDConnect provider found in your account for " + issuer},
		"other's signature": {idToken(t, stranger, "r", claims(nil)), *out.Role.Arn, "InvalidIdentityToken"},
		"other kid":         {idToken(t, rsaKey, "e", claims(nil)), *out.Role.Arn, "InvalidIdentityToken"},
		"other audience":    {idToken(t, rsaKey, "r", claims(map[string]any{"aud": "x"})), *out.Role.Arn, "InvalidIdentityToken: Incorrect token audience"},
		"azp is the aud":    {idToken(t, rsaKey, "r", claims(map[string]any{"azp": "x"})), *out.Role.Arn, refused},
		"expired":           {idToken(t, rsaKey, "r", claims(map[string]any{"exp": now})), *out.Role.Arn, "ExpiredTokenException: Token expired"},
		"never expires":     {idToken(t, rsaKey, "r", claims(map[string]any{"exp": nil})), *out.Role.Arn, "InvalidIdentityToken: Missing a required claim: exp"},
		"not yet":           {idToken(t, rsaKey, "r", claims(map[string]any{"nbf": now + 60})), *out.Role.Arn, "InvalidIdentityToken"},
		"other subject":     {idToken(t, rsaKey, "r", claims(map[string]any{"sub": "bob"})), *out.Role.Arn, refused},
		"unknown role":      {idToken(t, rsaKey, "r", claims(nil)), "arn:aws:iam::" + account + ":role/none", refused},
	} {
		out, err := named.AssumeRoleWithWebIdentity(t.Context(), &sdksts.AssumeRoleWithWebIdentityInput{
			RoleArn: &c.role, RoleSessionName: aws.String("s1"), WebIdentityToken: &c.token,
		})
		before := t.Failed()
		expect(t, err, c.want)
		if t.Failed() && !before {
			t.Errorf("in %s", name)
		}
		if err != nil {
			continue
		}
		cr := out.Credentials
		me, err := w.actor(*cr.AccessKeyId, *cr.SecretAccessKey, *cr.SessionToken).sts.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{})
		must(t, err)
		if *me.Arn != "arn:aws:sts::"+account+":assumed-role/web/s1" || *out.SubjectFromWebIdentityToken != "ann" || *out.Provider != provider || cr.Expiration.Before(time.Now()) {
			t.Errorf("%s: %s %+v", name, *me.Arn, out)
		}
	}
}
