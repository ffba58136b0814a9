package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/seal"
	"fastness/internal/service/iam"
	"fastness/internal/service/kms"
)

// Question asks whether a principal may do something with a KMS key, and why.
type Question struct {
	// Principal is the ARN of a user, a role, a role session or an account's root user.
	Principal string `json:"principal"`
	// Action is an IAM action of KMS: "kms:Decrypt".
	Action string `json:"action"`
	// Key is an id, an alias or an ARN; empty for actions without a key.
	Key               string            `json:"key,omitempty"`
	EncryptionContext map[string]string `json:"encryptionContext,omitempty"`
	GrantTokens       []string          `json:"grantTokens,omitempty"`
	// Region of the call; empty means that of the key's ARN, else the server's first.
	Region string `json:"region,omitempty"`
}

// Reply answers a Question: what the server would decide if the principal called now.
type Reply struct {
	Allowed bool `json:"allowed"`
	// Reasons are the decision on each thing the call touches and why, with every
	// statement that was examined; some lines each.
	Reasons []string `json:"reasons"`
	// Grants are the grants that decided, in words.
	Grants []string `json:"grants,omitempty"`
	// Obstacle is the error of a call that is allowed, but would fail all the same.
	Obstacle string `json:"obstacle,omitempty"`
}

// Explain answers a question. Nothing runs, and nothing is recorded.
func (a *App) Explain(ctx context.Context, q *Question) (*Reply, error) {
	a.mu.Lock()
	r := a.rooms
	a.mu.Unlock()
	if r == nil {
		return nil, seal.ErrSealed
	}
	who, err := principal(r.directory, q.Principal)
	if err != nil {
		return nil, err
	}
	op, in, err := kms.Question{Action: q.Action, Key: q.Key, Context: q.EncryptionContext}.Operation()
	if err != nil {
		return nil, err
	}
	if len(q.GrantTokens) > 0 {
		f := reflect.ValueOf(in).Elem().FieldByName("GrantTokens")
		if !f.IsValid() {
			return nil, fmt.Errorf("app: %s does not take grant tokens", op.Name)
		}
		f.Set(reflect.ValueOf(q.GrantTokens))
	}
	c := &call.Call{Operation: op, Principal: who, Account: who.Account, Region: a.regionOf(q), Input: in, Time: a.config.Clock.Now()}
	decisions, err := r.door.Explain(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("app: the call would be refused before anything is decided: %w", err)
	}
	reply := &Reply{Allowed: true}
	for i := range decisions {
		d := &decisions[i]
		reply.Allowed = reply.Allowed && d.Result.Allowed()
		reply.Reasons = append(reply.Reasons, d.String())
		if d.Result.Grant != "" {
			words, err := r.kms.ExplainGrant(ctx, c, d.Result.Grant)
			if err != nil {
				return nil, err
			}
			reply.Grants = append(reply.Grants, words)
		}
	}
	if err := r.kms.Obstacle(c); err != nil && reply.Allowed {
		reply.Obstacle = err.Error()
	}
	return reply, nil
}

func (a *App) regionOf(q *Question) string {
	if q.Region != "" {
		return q.Region
	}
	if key, err := arn.Parse(q.Key); err == nil && key.Region != "" {
		return key.Region
	}
	return a.config.Region
}

// explainedSession names the session that a question about a role is about.
const explainedSession = "explain"

// principal is who an ARN stands for, as if it had called.
func principal(d *iam.Directory, of string) (*call.Principal, error) {
	parsed, err := arn.Parse(of)
	if err != nil {
		return nil, fmt.Errorf("app: principal: %w", err)
	}
	if of == "arn:"+call.Partition+":iam::"+parsed.Account+":root" && d.HasAccount(parsed.Account) {
		p, _ := d.SessionUser(parsed.Account, parsed.Account)
		return p, nil
	}
	id, ok := d.PrincipalID(of)
	if !ok {
		return nil, fmt.Errorf("app: there is no principal %s", of)
	}
	if p, ok := d.SessionUser(parsed.Account, id); ok {
		return p, nil
	}
	// The id of a session is the role's with the session's name behind it.
	roleID, session, _ := strings.Cut(id, ":")
	role, ok := d.SessionRole(parsed.Account, roleID)
	if !ok {
		return nil, errors.New("app: the principal is neither a user nor a role")
	}
	if session == "" {
		session = explainedSession
	}
	s := *role.Session
	s.Name = session
	return &call.Principal{
		Kind: call.AssumedRole, Account: parsed.Account, ID: roleID + ":" + session, Tags: role.Tags, Session: &s,
		ARN: "arn:" + call.Partition + ":sts::" + parsed.Account + ":assumed-role/" + s.RoleName + "/" + session,
	}, nil
}

// Explain asks the server a question.
func (o *Operator) Explain(ctx context.Context, q *Question) (*Reply, error) {
	r := new(Reply)
	return r, o.call(ctx, http.MethodPost, "/v1/explain", q, r)
}
