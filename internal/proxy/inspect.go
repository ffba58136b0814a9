package proxy

import (
	"context"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// Inspector judges requests. What Inspect is handed belongs to the caller and is used again
// once the verdict was released; strings in it may be kept. It is safe for concurrent use and never blocks for long. An
// error, like a panic, means that the request could not be judged: then the load balancer's
// FailOpen decides.
type Inspector interface {
	Inspect(ctx context.Context, r *request.Request, v *Verdict) error
}

// Act is what a Verdict says to do.
type Act uint8

const (
	// Pass forwards the request, with the fields of Insert.
	Pass Act = iota
	// Block answers it here.
	Block
	// Captcha and Challenge have Options.Interstitial answer it.
	Captcha
	Challenge
)

// Verdict is what an Inspector decides. The proxy hands it in empty.
type Verdict struct {
	Act Act
	// Response is that of Block; nil: 403 with the load balancer's page. It is not changed.
	Response *Response
	// Insert are request fields of rules that allowed or counted the request. Their names
	// begin with "x-amzn-waf-"; a client's fields of the same name are replaced.
	Insert []http1.Field
	// Answered, if set, is called with the target's answer when it has ended; what it holds is valid until
	// then. AnswerBody has it hold the beginning of the body. It is not called if no target answers.
	Answered   func(*waf.Answer)
	AnswerBody bool
	// Detail is the inspector's account of the decision (rules, labels, excerpts), for the
	// Interstitial and the Recorder; the proxy does not look at it.
	Detail any
	// Detached tells that nothing of the verdict refers to the request's body any more.
	Detached bool
	// Release, if set, is called once nothing of the verdict is needed any more.
	Release func()
}

// Response is a custom response of a web ACL.
type Response struct {
	// Status is 200–599.
	Status int
	// Fields are added; those that frame the answer are left out.
	Fields []http1.Field
	// ContentType and Body; Body may be empty.
	ContentType string
	Body        []byte
}

// Interstitial makes the answer to a request that has to prove something first. It is also
// offered every request, to answer those that are for itself (solutions of puzzles, scripts).
type Interstitial interface {
	// Answer is the response to r under v, whose Act is Captcha or Challenge.
	Answer(ctx context.Context, r *request.Request, v *Verdict) *Response
	// Serve answers a request that is for the interstitial itself, or returns nil. The
	// request's body is all there unless BodyTruncated.
	Serve(ctx context.Context, r *request.Request, site challenge.Site) *Response
}

// Recorder is told what was decided: for samples, logs and metrics. Its methods are called
// on the request's path and must not block.
type Recorder interface {
	// Record is told of every inspected request, once it was answered. It may keep the
	// strings and the Verdict's Detail, but neither the Request nor its slices.
	Record(r *request.Request, v *Verdict, o *Outcome)
}

// Outcome is how a request ended.
type Outcome struct {
	// Status is that of the answer; 460 when the client left first.
	Status int
	// Source says who answered: "target", "waf", "fixed", "redirect" or "proxy".
	Source string
	// Resource is the ARN of the load balancer, ClientPort the client's port.
	Resource   string
	ClientPort uint16
	// WebACL is the ARN of the web ACL that the request met.
	WebACL string
	// Target is the address of the target, if one was asked.
	Target string
	// Failed tells that the inspection failed.
	Failed bool
	// Sent and Received are the bytes of the bodies of answer and request.
	Sent, Received int64
	// Duration is from the complete head to the end of the answer.
	Duration time.Duration
}
