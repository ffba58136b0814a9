// Package sts is the AWS Security Token Service: it answers who a caller is, and turns
// identities into temporary credentials.
//
// What AWS promises here, in short:
//
//   - AssumeRole needs the role's trust policy to name the caller or its account, and
//     in the latter case, or from another account, an identity policy too. Session
//     tags and source identities need permissions of their own (sts:TagSession,
//     sts:SetSourceIdentity). A session lasts 15 minutes up to the role's longest, one
//     hour if a session assumed the role (chaining).
//   - Session policies and managed session policies limit what the session may do.
//   - GetSessionToken and GetFederationToken are for long-term credentials; what they
//     return can call little of IAM and STS.
//   - GetCallerIdentity needs no permission, and no policy can deny it.
//
// # Session tokens
//
// Nothing is stored for a session. Its token is everything there is to know about it,
// sealed with the token key of the installation and bound to the access key id: any
// process that has the key can open it. What may change meanwhile (that the role or
// user exists, its tags, the managed policies) is read from the directory at each
// use, so deleting a role ends its sessions at once. Opened tokens are kept in a
// bounded cache, so that a busy session does not pay for opening its token and
// compiling its policies with every call.
//
//	service.go      construction and what it needs from others
//	token.go        what a token holds
//	sessions.go     from an access key and token to a principal, with the cache
//	assumerole.go   AssumeRole; webidentity.go and jwt.go: with an OIDC token
//	federation.go   GetSessionToken, GetFederationToken
//	identity.go     GetCallerIdentity, GetAccessKeyInfo
//	message.go      encoded authorization messages
//	packed.go       session policies and tags, and how much of the token they take
//	resolve.go      what each operation touches
package sts
