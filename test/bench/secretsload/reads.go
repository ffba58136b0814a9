package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fastness/test/bench/contest"
)

const (
	oursName    = "fastness"
	againstName = "fastness before"
	motoName    = "moto"
	motoConns   = 4 // it has one interpreter lock, and a connection for each request
)

// value is what is stored: a secret as rotation writes it.
const value = `{"engine":"postgres","host":"db.example.com","port":5432,"dbname":"orders","username":"app","password":"EXAMPLE-not-a-password-0123456789"}`

// reading is an operation to measure.
type reading struct {
	name    string
	service string // as signatures name it
	target  string // X-Amz-Target
	in      object
}

const (
	secretName = "bench/database"
	plainName  = "/bench/app/endpoint"
	secureName = "/bench/app/password"
	longName   = "/bench/app/password-advanced"
)

var readings = []reading{
	{"GetSecretValue", "secretsmanager", "secretsmanager.GetSecretValue", object{"SecretId": secretName}},
	{"GetParameter String", "ssm", "AmazonSSM.GetParameter", object{"Name": plainName}},
	{"GetParameter SecureString", "ssm", "AmazonSSM.GetParameter", object{"Name": secureName, "WithDecryption": true}},
	{"GetParameter SecureString Advanced", "ssm", "AmazonSSM.GetParameter", object{"Name": longName, "WithDecryption": true}},
}

// store is a server with one secret and a parameter of each kind.
type store struct{ *contest.Server }

// requests implements contest.Server.Requests.
func (s *store) requests(_ context.Context, op string, conns int) ([][]byte, error) {
	at := slices.IndexFunc(readings, func(r reading) bool { return r.name == op })
	if at < 0 {
		return nil, fmt.Errorf("no operation is called %q", op)
	}
	r := readings[at]
	body, err := json.Marshal(r.in)
	if err != nil {
		return nil, err
	}
	if s.Name == motoName {
		conns = min(conns, motoConns)
	}
	all := make([][]byte, conns)
	for i := range all {
		if all[i], err = s.Sign(r.service, contest.JSON11, r.target, body); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// prepare stores what is read, encrypted under a key if there is one.
func (s *store) prepare(ctx context.Context, key string) error {
	for _, in := range []object{
		{"Name": plainName, "Type": "String", "Value": value},
		{"Name": secureName, "Type": "SecureString", "Value": value},
		{"Name": longName, "Type": "SecureString", "Tier": "Advanced", "Value": value},
	} {
		if key != "" && in["Type"] == "SecureString" {
			in["KeyId"] = key
		}
		if err := s.Call(ctx, "ssm", "AmazonSSM.PutParameter", in, nil); err != nil {
			return err
		}
	}
	in := object{"Name": secretName, "SecretString": value, "ClientRequestToken": "5d2c3c1a-7d0a-4f43-9a62-8f0e0b1c2d3e"}
	if key != "" {
		in["KmsKeyId"] = key
	}
	return s.Call(ctx, "secretsmanager", "secretsmanager.CreateSecret", in, nil)
}

// measureReads compares readings.
func measureReads(ctx context.Context, s settings, dir string) error {
	c := contest.Contest{Rounds: s.rounds, Window: s.window}
	defer c.Stop()
	ours := new(store)
	if err := c.Enter(contest.EchoName, func() (*contest.Server, error) { return startEcho(ours) }); err != nil {
		return err
	}
	floors := []string{contest.EchoName}
	if err := c.Enter(oursName, func() (*contest.Server, error) {
		return startReader(ctx, ours, oursName, s.fastness, filepath.Join(dir, "reads"))
	}); err != nil {
		return err
	}
	if s.against != "" {
		floors = append(floors, againstName)
		if err := c.Enter(againstName, func() (*contest.Server, error) {
			return startReader(ctx, new(store), againstName, s.against, filepath.Join(dir, "against"))
		}); err != nil {
			return err
		}
	}
	if s.moto != "" {
		floors = append(floors, motoName)
		c.EnterPeer(motoName, func() (*contest.Server, error) {
			server, err := contest.StartEmulator(ctx, motoName, func(port string) *exec.Cmd { return exec.Command(s.moto, "-p", port) })
			if err != nil {
				return server, err
			}
			m := &store{server}
			server.Requests = m.requests
			return server, m.prepare(ctx, "")
		})
	}
	var results []contest.Result
	defer func() { contest.Print(os.Stdout, results, floors...) }()
	for _, r := range readings {
		if len(s.ops) > 0 && !slices.Contains(s.ops, r.name) {
			continue
		}
		got, err := c.Compare(ctx, r.name, s.conns)
		results = append(results, got...)
		if err != nil {
			return err
		}
	}
	return nil
}

// startEcho starts the floor, which answers what ours answers to the same requests.
func startEcho(ours *store) (*contest.Server, error) {
	s, err := contest.StartFloor(contest.EchoName, "-echo")
	if err != nil {
		return s, err
	}
	s.Requests = func(ctx context.Context, op string, conns int) ([][]byte, error) {
		requests, err := ours.requests(ctx, op, conns)
		if err != nil {
			return nil, err
		}
		answer, err := ours.Send(ctx, requests[0])
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(readings, func(r reading) bool { return r.name == op })
		return requests, s.Teach(ctx, readings[at].target, answer)
	}
	return s, nil
}

// startReader starts a fresh server as s, with an IAM user who may read what is stored
// under a customer managed key, and no more.
func startReader(ctx context.Context, s *store, name, binary, dir string) (*contest.Server, error) {
	server, err := contest.StartFastness(ctx, name, binary, dir)
	s.Server = server
	if err != nil {
		return server, err
	}
	server.Requests = s.requests
	user, err := s.CreateUser(ctx, "bench", readerPolicy)
	if err != nil {
		return server, err
	}
	var key struct{ KeyMetadata struct{ Arn string } }
	if err := s.Call(ctx, "kms", "TrentService.CreateKey", object{"Policy": keyPolicy(user)}, &key); err != nil {
		return server, err
	}
	if err := s.prepare(ctx, key.KeyMetadata.Arn); err != nil {
		return server, err
	}
	s.Cred = user.Cred
	return server, nil
}

// readerPolicy has what such a user usually has: statements for other things, one for
// secrets and one for parameters.
const readerPolicy = `{"Version":"2012-10-17","Statement":[
{"Sid":"Lists","Effect":"Allow","Action":["ssm:DescribeParameters","secretsmanager:ListSecrets"],"Resource":"*"},
{"Sid":"Own","Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"},
{"Sid":"Secrets","Effect":"Allow","Action":["secretsmanager:GetSecretValue","secretsmanager:DescribeSecret"],"Resource":"arn:aws:secretsmanager:*:*:secret:bench/*"},
{"Sid":"Parameters","Effect":"Allow","Action":"ssm:GetParameter*","Resource":"arn:aws:ssm:*:*:parameter/bench/*"}
]}`

// keyPolicy lets the user decrypt through the two services and not otherwise.
func keyPolicy(user contest.User) string {
	root := "arn:aws:iam::" + user.Account() + ":root"
	return `{"Version":"2012-10-17","Statement":[` + strings.Join([]string{
		`{"Sid":"Admins","Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"kms:*","Resource":"*"}`,
		`{"Sid":"Context","Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"billing"}}}`,
		`{"Sid":"Grants","Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"],"Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}`,
		`{"Sid":"Readers","Effect":"Allow","Principal":{"AWS":"` + user.ARN + `"},"Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":["ssm.` + contest.Region + `.amazonaws.com","secretsmanager.` + contest.Region + `.amazonaws.com"],"kms:CallerAccount":"` + user.Account() + `"}}}`,
	}, ",") + `]}`
}
