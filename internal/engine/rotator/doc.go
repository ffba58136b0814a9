// Package rotator changes passwords in real servers: PostgreSQL, MySQL, MariaDB,
// MongoDB and Redis or Valkey, the way AWS's rotation templates do, without a Lambda
// function.
//
// A [Registry] holds what the operator decides: which hosts may be reached, which
// certificate authorities are trusted, whether a connection may be in plaintext.
// [Registry.Lookup] finds a [Rotator] by the name of AWS's template
// (SecretsManagerRDSPostgreSQLRotationSingleUser) or of CloudFormation's
// HostedRotationLambda (PostgreSQLSingleUser). A rotation has four steps:
//
//   - createSecret: [Rotator.Create] makes the pending secret from the current one;
//   - setSecret: [Rotator.Set] puts the pending password into the server;
//   - testSecret: [Rotator.Test] logs in with the pending secret on a new connection
//     and runs a query;
//   - finishSecret moves a staging label, which is not the business of this package.
//
// # Strategies
//
// Single user: the account's own password is replaced. What the old password does from
// then on depends on the server: PostgreSQL, MariaDB and MongoDB refuse it at once;
// MySQL 8 keeps it as the account's second password, and Redis keeps it as well, until
// the next rotation. So there clients that still have the old one are never locked out.
//
// Alternating users: the pending secret names the other one of a pair, app and
// app_clone. A master account (the secret that "masterarn" names) creates the other
// with the rights of the current one, or sets its password. The current one keeps
// working until the rotation after this.
//
// # Every step may run again
//
// Whoever calls this may be killed at any point, and calls again with the same
// arguments. So Set first tries whether the pending secret can log in already, then
// whether the current one can, then the previous one, as AWS's templates do; and what
// it changes it changes in an order in which the pending password starts to work last.
// A login that the server rejects leads to the next; a server that cannot be reached is
// an error at once ([Unreachable]): it says nothing about the password.
//
// # Passwords stay out of the servers' logs
//
// No statement holds a password where the server accepts a verifier: SCRAM-SHA-256
// (RFC 5802, RFC 7677) in PostgreSQL, the hash of the account's authentication plugin
// in MySQL and MariaDB, SHA-256 in Redis. MongoDB computes its verifiers itself from
// the password it gets in createUser and updateUser, inside TLS, and redacts these
// commands in its log. A MySQL account without the privilege CREATE USER can change
// its own password only by IDENTIFIED BY; that is done only over TLS and only if the
// server says that it rewrites such statements before it logs them (log_raw is off).
//
// # A rotator is a tool for an attacker too
//
// It connects to where a secret's document says, with the credentials of a master.
// Therefore hosts are denied unless the operator listed them ([ParseHosts]); loopback,
// link-local and metadata addresses need an entry of their own; the address that was
// checked is the one that is dialled; TLS verifies the certificate and the name in the
// document; plaintext needs the operator's permission; at most 16 connections are open
// to one address, counted until the server has closed its end. A server cannot send us
// elsewhere: no replica set discovery, no cluster redirection, no local file requests.
//
// Errors ([Error]) name the step and the reason, with the sentences of AWS's templates
// where these have one. They never hold a password or a hash.
package rotator
