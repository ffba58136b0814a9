package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"fastness/test/bench/contest"
)

const (
	bareName = "bare algorithm"
	oursName = "fastness"
	motoName = "moto"
	// againstName is the other build of ours that this one is compared with.
	againstName = "fastness before"
	// taggedKeys is how many keys the mutating operation spreads over.
	taggedKeys = 64
	motoConns  = 4
)

// enter starts what is configured, the floors first: they learn from ours.
func enter(ctx context.Context, c *contest.Contest, s settings, dir string) error {
	if s.fastness == "" {
		return errors.New("-fastness is missing")
	}
	ours := new(awsServer)
	if err := c.Enter(contest.EchoName, func() (*contest.Server, error) { return startFloor(contest.EchoName, "-echo", ours, operation.target) }); err != nil {
		return err
	}
	if err := c.Enter(bareName, func() (*contest.Server, error) {
		return startFloor(bareName, "-bare", ours, func(o operation) string { return o.bare })
	}); err != nil {
		return err
	}
	if err := c.Enter(oursName, func() (*contest.Server, error) {
		return startFastness(ctx, ours, oursName, s.fastness, filepath.Join(dir, "fastness"), s.grants)
	}); err != nil {
		return err
	}
	if s.against != "" {
		if err := c.Enter(againstName, func() (*contest.Server, error) {
			return startFastness(ctx, new(awsServer), againstName, s.against, filepath.Join(dir, "against"), s.grants)
		}); err != nil {
			return err
		}
	}
	for _, peer := range []struct {
		name, path string
		start      func() (*contest.Server, error)
	}{
		{baoName, s.openBao, func() (*contest.Server, error) { return startOpenBao(ctx, s.openBao, dir, false) }},
		{baoAuditName, s.openBao, func() (*contest.Server, error) { return startOpenBao(ctx, s.openBao, dir, true) }},
		{"local-kms", s.localKMS, func() (*contest.Server, error) {
			return startPeer(ctx, "local-kms", func(port string) *exec.Cmd {
				cmd := exec.Command(s.localKMS)
				cmd.Env = append(os.Environ(), "PORT="+port, "KMS_REGION="+contest.Region, "KMS_ACCOUNT_ID=000000000000", "KMS_DATA_PATH="+filepath.Join(dir, "local-kms"))
				return cmd
			})
		}},
		{motoName, s.moto, func() (*contest.Server, error) {
			return startPeer(ctx, motoName, func(port string) *exec.Cmd { return exec.Command(s.moto, "-p", port) })
		}},
	} {
		if peer.path == "" {
			continue
		}
		c.EnterPeer(peer.name, peer.start)
	}
	return ctx.Err()
}

// awsServer is a server of KMS's API with its keys.
type awsServer struct {
	*contest.Server
	keys keys
}

// requests implements contest.Server.Requests.
func (s *awsServer) requests(_ context.Context, op string, conns int) ([][]byte, error) {
	o, err := named(op)
	switch {
	case err != nil:
		return nil, err
	case s.Name == motoName && o.mutating:
		return nil, nil
	case s.Name == motoName:
		conns = min(conns, motoConns) // it has one interpreter lock, and a connection for each request
	}
	all := make([][]byte, conns)
	for i := range all {
		if all[i], err = o.request(s.Server, &s.keys, i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// startFloor starts one of the servers that answer as ours does. In each round it is
// taught, under the name that the operation has there, and gets the requests that ours
// gets; operations without a name it does not do.
func startFloor(name, flag string, ours *awsServer, as func(operation) string) (*contest.Server, error) {
	s, err := contest.StartFloor(name, flag)
	if err != nil {
		return s, err
	}
	s.Requests = func(ctx context.Context, op string, conns int) ([][]byte, error) {
		o, err := named(op)
		if err != nil || as(o) == "" {
			return nil, err
		}
		requests, err := ours.requests(ctx, op, conns)
		if err != nil {
			return nil, err
		}
		answer, err := ours.Send(ctx, requests[0])
		if err != nil {
			return nil, err
		}
		return requests, s.Teach(ctx, as(o), answer)
	}
	return s, nil
}

// startFastness starts a fresh server as s and makes an IAM user who may use the keys.
func startFastness(ctx context.Context, s *awsServer, name, binary, dir string, grants int) (*contest.Server, error) {
	start := time.Now()
	server, err := contest.StartFastness(ctx, name, binary, dir)
	if server != nil {
		server.Requests = s.requests
		s.Server = server
	}
	if err != nil {
		return server, err
	}
	answered := time.Since(start).Round(time.Millisecond)
	memory, _, err := s.Memory()
	if err != nil {
		return server, err
	}
	fmt.Printf("%s answers %v after its start with an empty data directory; idle memory %d MiB\n\n", name, answered, memory)
	user, err := s.CreateUser(ctx, "bench", "")
	if err != nil {
		return server, err
	}
	if err := s.prepare(ctx, user.Account(), user.ARN, grants); err != nil {
		return server, err
	}
	s.Cred = user.Cred
	return server, s.sample(ctx)
}

// startPeer starts a server of KMS's API that checks no signatures.
func startPeer(ctx context.Context, name string, command func(port string) *exec.Cmd) (*contest.Server, error) {
	server, err := contest.StartEmulator(ctx, name, command)
	if err != nil {
		return server, err
	}
	s := &awsServer{Server: server}
	s.Requests = s.requests
	if err := s.prepare(ctx, "000000000000", "", 0); err != nil {
		return server, err
	}
	return server, s.sample(ctx)
}

// kms calls an operation.
func (s *awsServer) kms(ctx context.Context, action string, in object, out any) error {
	return s.Call(ctx, "kms", "TrentService."+action, in, out)
}

// prepare makes the keys: with a user, under a policy of five statements and with
// grants to others.
func (s *awsServer) prepare(ctx context.Context, account, user string, grants int) error {
	create := func(in object) (string, error) {
		if user != "" {
			in["Policy"] = keyPolicy(account, user)
		}
		var out struct{ KeyMetadata struct{ KeyID, Arn string } }
		err := s.kms(ctx, "CreateKey", in, &out)
		return out.KeyMetadata.Arn, err
	}
	var err error
	if s.keys.symmetric, err = create(object{}); err != nil {
		return err
	}
	if s.keys.ec, err = create(object{"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}); err != nil {
		return err
	}
	if s.keys.rsa, err = create(object{"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}); err != nil {
		return err
	}
	for i := 0; i < taggedKeys && s.Name != motoName; i++ { // moto takes no mutations, and its keys are slow to make
		k, err := create(object{})
		if err != nil {
			return err
		}
		s.keys.tagged = append(s.keys.tagged, k)
	}
	// Federated users: unlike users and roles they need not exist.
	for i := range grants {
		in := object{"KeyId": s.keys.symmetric, "GranteePrincipal": fmt.Sprintf("arn:aws:sts::%s:federated-user/app-%d", account, i), "Operations": []string{"Decrypt", "GenerateDataKey"}}
		if err := s.kms(ctx, "CreateGrant", in, nil); err != nil {
			return err
		}
	}
	return nil
}

// sample makes the ciphertext that Decrypt is measured with.
func (s *awsServer) sample(ctx context.Context) error {
	var out struct{ CiphertextBlob string }
	err := s.kms(ctx, "Encrypt", object{"KeyId": s.keys.symmetric, "Plaintext": text(32)}, &out)
	s.keys.small = out.CiphertextBlob
	return err
}
