package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"fastness/test/bench/contest"
)

const (
	baoName      = "openbao"
	baoAuditName = "openbao, policy and audit"
	baoRoot      = "root" // the development server's root token
)

// baoServer is OpenBao with the names of its keys.
type baoServer struct {
	*contest.Server
	keys  keys
	token string
}

// startOpenBao starts OpenBao's development server, which keeps everything in memory,
// with the transit engine and a key for each kind of work. As it comes, the root token
// asks and nothing is recorded. With audit it does more of what ours does: a token whose
// policy allows the engine asks, and an audit device writes a file.
func startOpenBao(ctx context.Context, path, dir string, audit bool) (*contest.Server, error) {
	port, err := contest.FreePort()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "openbao-"+port)
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id="+baoRoot, "-dev-listen-address=127.0.0.1:"+port, "-log-level=error")
	cmd.Env = append(os.Environ(), "HOME="+home)
	name := baoName
	if audit {
		name = baoAuditName
		config := fmt.Sprintf("audit \"file\" \"bench\" {\n  options {\n    file_path = %q\n  }\n}\n", filepath.Join(home, "audit.log"))
		if err := os.WriteFile(filepath.Join(home, "openbao.hcl"), []byte(config), 0o600); err != nil {
			return nil, err
		}
		cmd.Args = append(cmd.Args, "-config="+filepath.Join(home, "openbao.hcl"))
	}
	server, err := contest.Start(ctx, name, port, cmd)
	if err != nil {
		return server, err
	}
	s := &baoServer{Server: server, token: baoRoot, keys: keys{symmetric: "aes", ec: "ec", rsa: "rsa"}}
	s.Requests = s.requests
	return server, s.prepare(ctx, audit)
}

// requests implements contest.Server.Requests.
func (s *baoServer) requests(_ context.Context, op string, conns int) ([][]byte, error) {
	o, err := named(op)
	if err != nil || o.transit == nil {
		return nil, err
	}
	path, body := o.transit(&s.keys)
	all := make([][]byte, conns)
	for i := range all {
		if all[i], err = s.request("transit/"+path, body); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// prepare makes the keys, a token that may use them, and a ciphertext.
func (s *baoServer) prepare(ctx context.Context, audit bool) error {
	for _, step := range []struct {
		path string
		body object
	}{
		{"sys/mounts/transit", object{"type": "transit"}},
		{"transit/keys/" + s.keys.symmetric, object{"type": "aes256-gcm96"}},
		{"transit/keys/" + s.keys.ec, object{"type": "ecdsa-p256"}},
		{"transit/keys/" + s.keys.rsa, object{"type": "rsa-2048"}},
	} {
		if _, err := s.bao(ctx, step.path, step.body); err != nil {
			return err
		}
	}
	if audit {
		if err := s.baoUser(ctx); err != nil {
			return err
		}
	}
	answer, err := s.bao(ctx, "transit/encrypt/"+s.keys.symmetric, object{"plaintext": text(32)})
	if err != nil {
		return err
	}
	var out struct{ Data struct{ Ciphertext string } }
	err = json.Unmarshal(answer, &out)
	s.keys.small = out.Data.Ciphertext
	return err
}

// baoUser takes a token that may do no more than use the engine.
func (s *baoServer) baoUser(ctx context.Context) error {
	const policy = `path "transit/*" { capabilities = ["create", "update"] }`
	if _, err := s.bao(ctx, "sys/policies/acl/bench", object{"policy": policy}); err != nil {
		return err
	}
	answer, err := s.bao(ctx, "auth/token/create", object{"policies": []string{"bench"}, "no_default_policy": true})
	if err != nil {
		return err
	}
	var out struct {
		Auth struct {
			ClientToken string `json:"client_token"`
		}
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	s.token = out.Auth.ClientToken
	return nil
}

// request renders a request as OpenBao's API client sends it.
func (s *baoServer) request(path string, body object) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+s.Addr+"/v1/"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Vault-Token", s.token)
	r.Header.Set("X-Vault-Request", "true")
	return contest.Render(r)
}

// bao sends one request on a connection of its own.
func (s *baoServer) bao(ctx context.Context, path string, body object) ([]byte, error) {
	request, err := s.request(path, body)
	if err != nil {
		return nil, err
	}
	answer, err := s.Send(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return answer, nil
}
