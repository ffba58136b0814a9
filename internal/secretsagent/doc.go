// Package secretsagent is a local HTTP service that hands secrets and parameters to
// programs of the same machine, from a cache in its memory. It speaks the interfaces of
// two programs of AWS at once, so that what was written for either works unchanged:
//
//   - the AWS Secrets Manager Agent (github.com/aws/aws-secretsmanager-agent):
//     GET /secretsmanager/get?secretId=…, GET /v1/NAME, GET /ping;
//   - the AWS Parameters and Secrets Lambda Extension: the same, and
//     GET /systemsmanager/parameters/get?name=….
//
// Upstream are the APIs of Secrets Manager and Parameter Store, of Fastness or of AWS,
// through the AWS SDK and its usual environment (Upstream).
//
// Who may read is decided by a token: every request but /ping carries it in a header.
// It stops requests that a program on the machine was tricked into (SSRF), because such
// a request seldom controls headers; a request that a proxy forwarded is refused, too.
// The service listens on loopback only and its packets have a hop limit of one.
//
// A cached value is fresh for a TTL (0 to 3600 seconds). When it is older it is fetched
// again, and what happens if that fails depends on the class of the error:
//
//   - Unreachable (no connection, time-out, 5xx, throttling): the old value is served
//     for a bounded time more, unless the caller said refreshNow;
//   - Refused (access denied, deleted, disabled key, any other answer of 4xx): the old
//     value is wiped, with all versions of the same secret, and the error is passed on;
//   - Failed (no credentials here, an answer that is none): the error is passed on.
//
// At most 1000 values are cached; the least recently used goes first. For each of them
// one request is under way upstream, however many callers wait. Cached values are in
// locked memory outside the Go heap (securemem), wiped when they are evicted, when their
// time is over and at exit. Copies that live for the time of one request remain in the
// buffers of net/http and of the SDK until the memory is used again; therefore the
// process makes itself unreadable for others and forbids core dumps.
//
// Package reference, below this one, resolves references to secrets in environment
// variables for `fastness run`.
package secretsagent
