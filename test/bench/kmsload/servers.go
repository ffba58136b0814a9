package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fastness/internal/sigv4"
)

const (
	echoName = "echo"
	bareName = "bare algorithm"
	oursName = "fastness"
	motoName = "moto"
	region   = "us-east-1"
	// taggedKeys is how many keys the mutating operation spreads over.
	taggedKeys = 64
	motoConns  = 4
)

// server is a running process that is measured.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
	cred sigv4.Credentials
	keys keys
	// model is, for the echo and the bare server, whose requests and answers they get.
	model *server
	token string // OpenBao's
	// render makes requests other than signed ones of AWS.
	render func(ctx context.Context, o operation, conn int) ([]byte, error)
}

// peer tells whether the run can go on without the server.
func (s *server) peer() bool {
	return s.name != echoName && s.name != bareName && s.name != oursName
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	done := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	done.Stop()
}

// offers tells whether the operation means the same work on this server.
func (s *server) offers(o operation) bool {
	switch s.name {
	case motoName:
		return !o.mutating
	case baoName, baoAuditName:
		return o.transit != nil
	case bareName:
		return o.bare != ""
	}
	return true
}

// startAll starts what is configured, the echo server first. It returns what runs
// even when it fails. A peer that does not start is left out, and said.
func startAll(ctx context.Context, s settings, dir string) ([]*server, error) {
	if s.fastness == "" {
		return nil, errors.New("-fastness is missing")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var all []*server
	start := func(name string, f func() (*server, error)) error {
		sv, err := f()
		if err == nil {
			all = append(all, sv)
			return nil
		}
		err = fmt.Errorf("%s: %w", name, err)
		if sv == nil {
			return err
		}
		if sv.peer() {
			sv.stop()
		} else {
			all = append(all, sv) // stopped with the others
		}
		return err
	}
	for _, floor := range []struct{ name, flag string }{{echoName, "-echo"}, {bareName, "-bare"}} {
		if err := start(floor.name, func() (*server, error) { return startFloor(self, floor.name, floor.flag) }); err != nil {
			return all, err
		}
	}
	if err := start(oursName, func() (*server, error) { return startFastness(ctx, s, dir) }); err != nil {
		return all, err
	}
	ours := all[len(all)-1]
	for _, floor := range all[:len(all)-1] {
		floor.model, floor.cred = ours, ours.cred
	}
	for _, peer := range []struct {
		name, path string
		start      func() (*server, error)
	}{
		{baoName, s.openBao, func() (*server, error) { return startOpenBao(ctx, s.openBao, dir, false) }},
		{baoAuditName, s.openBao, func() (*server, error) { return startOpenBao(ctx, s.openBao, dir, true) }},
		{"local-kms", s.localKMS, func() (*server, error) {
			return startPeer(ctx, "local-kms", func(port string) *exec.Cmd {
				cmd := exec.Command(s.localKMS)
				cmd.Env = append(os.Environ(), "PORT="+port, "KMS_REGION="+region, "KMS_ACCOUNT_ID=000000000000", "KMS_DATA_PATH="+filepath.Join(dir, "local-kms"))
				return cmd
			})
		}},
		{motoName, s.moto, func() (*server, error) {
			return startPeer(ctx, motoName, func(port string) *exec.Cmd { return exec.Command(s.moto, "-p", port) })
		}},
	} {
		if peer.path == "" {
			continue
		}
		if err := start(peer.name, peer.start); err != nil {
			fmt.Fprintf(os.Stderr, "left out: %v\n", err)
		}
	}
	return all, ctx.Err()
}

// startPeer starts a server of AWS's API that checks no signatures.
func startPeer(ctx context.Context, name string, command func(port string) *exec.Cmd) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{
		name: name, addr: "127.0.0.1:" + port, cmd: command(port),
		cred: sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", Secret: []byte("secret")},
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		return s, err
	}
	return s, s.prepare(ctx, "000000000000", "", 0)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// startFloor starts kmsload itself as one of the servers that do only a part of the work.
func startFloor(self, name, flag string) (*server, error) {
	cmd := exec.Command(self, flag)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	return &server{name: name, addr: strings.TrimSpace(addr), cmd: cmd}, err
}

// startFastness starts a fresh server and makes an IAM user who may use the keys.
func startFastness(ctx context.Context, set settings, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "fastness")
	cmd := exec.Command(set.fastness, "serve", "--data", data, "--listen", "127.0.0.1:"+port, "--log-level", "error")
	cmd.Stderr = os.Stderr
	s := &server{name: oursName, addr: "127.0.0.1:" + port, cmd: cmd}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		return s, err
	}
	fmt.Printf("fastness answers %v after its start with an empty data directory; idle memory %s\n\n", time.Since(start).Round(time.Millisecond), s.memory())
	text, err := findCredentials(dir)
	if err != nil {
		return s, err
	}
	s.cred = sigv4.Credentials{AccessKeyID: submatch(text, `aws_access_key_id\s*=\s*(\S+)`), Secret: []byte(submatch(text, `aws_secret_access_key\s*=\s*(\S+)`))}
	answer, err := s.query(ctx, "iam", "Action=CreateUser&Version=2010-05-08&UserName=bench")
	if err != nil {
		return s, err
	}
	arn := submatch(string(answer), `<Arn>([^<]+)</Arn>`)
	account := strings.Split(arn, ":")[4]
	answer, err = s.query(ctx, "iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=bench")
	if err != nil {
		return s, err
	}
	if err := s.prepare(ctx, account, arn, set.grants); err != nil {
		return s, err
	}
	s.cred = sigv4.Credentials{AccessKeyID: submatch(string(answer), `<AccessKeyId>([^<]+)<`), Secret: []byte(submatch(string(answer), `<SecretAccessKey>([^<]+)<`))}
	return s, s.sample(ctx)
}

func findCredentials(dir string) (text string, err error) {
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "credentials" {
			return err
		}
		b, err := os.ReadFile(path)
		text = string(b)
		return err
	})
	return text, err
}

func submatch(s, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// await waits until the port answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := dial(ctx, s.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// memory is the resident set of the process.
func (s *server) memory() string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return "unknown"
	}
	return submatch(string(b), `VmRSS:\s*(\d+ kB)`)
}

// cpu is the processor time of the process so far. The kernel counts in ticks of
// 10 ms (proc(5), fields utime and stime).
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	utime, err1 := strconv.ParseInt(fields[11], 10, 64)
	stime, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(utime+stime) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// round measures an operation once.
func (s *server) round(ctx context.Context, o operation, conns int, window time.Duration) (measured, error) {
	requests, err := s.requests(ctx, o, conns)
	if err != nil {
		return measured{}, err
	}
	return load(ctx, s.addr, requests, window, s.cpu)
}

// requests makes the request of each connection, freshly signed.
func (s *server) requests(ctx context.Context, o operation, conns int) ([][]byte, error) {
	k := &s.keys
	switch {
	case s.name == bareName:
		if err := s.teachBare(ctx, o); err != nil {
			return nil, err
		}
		k = &s.model.keys
	case s.model != nil:
		if err := s.put(ctx, o, o.target()); err != nil {
			return nil, err
		}
		k = &s.model.keys
	case s.name == motoName:
		conns = min(conns, motoConns) // it has one interpreter lock, and a connection for each request
	}
	all := make([][]byte, conns)
	for i := range all {
		var err error
		if s.render != nil {
			all[i], err = s.render(ctx, o, i)
		} else {
			all[i], err = s.awsRequest(o, k, i)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *server) awsRequest(o operation, k *keys, conn int) ([]byte, error) {
	body, err := o.payload(k, conn)
	if err != nil {
		return nil, err
	}
	return s.sign("kms", "application/x-amz-json-1.1", o.target(), body)
}

// put gives the echo or the bare server, under a name, what fastness answers to the
// operation.
func (s *server) put(ctx context.Context, o operation, name string) error {
	body, err := o.payload(&s.model.keys, 0)
	if err != nil {
		return err
	}
	answer, err := s.model.call(ctx, "kms", "application/x-amz-json-1.1", o.target(), body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.addr+"/?"+name, bytes.NewReader(answer))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: patience}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", name, res.Status)
	}
	return errors.Join(err, res.Body.Close())
}

// sign renders a signed request as the AWS SDKs send it.
func (s *server) sign(service, contentType, target string, body []byte) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/kms#1.49.0 m/E,g")
	r.Header.Set("Amz-Sdk-Invocation-Id", "c8b1a1ee-2f1c-4d0e-9f43-1a2b3c4d5e6f")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if err := sigv4.Sign(r, body, s.cred, sigv4.Scope{Region: region, Service: service}, time.Now()); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// call sends one request on a connection of its own.
func (s *server) call(ctx context.Context, service, contentType, target string, body []byte) ([]byte, error) {
	request, err := s.sign(service, contentType, target, body)
	if err != nil {
		return nil, err
	}
	return s.exchange(ctx, request)
}

// exchange sends a request on a connection of its own and reads the answer's body.
func (s *server) exchange(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := dial(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer, _, err := readAnswer(bufio.NewReader(conn), true)
	return answer, err
}

func (s *server) query(ctx context.Context, service, form string) ([]byte, error) {
	return s.call(ctx, service, "application/x-www-form-urlencoded; charset=utf-8", "", []byte(form))
}

// kms calls an operation and reads one member of its answer.
func (s *server) kms(ctx context.Context, action string, in object, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := s.call(ctx, "kms", "application/x-amz-json-1.1", "TrentService."+action, body)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// prepare makes the keys: with a user, under a policy of five statements and with
// grants to others.
func (s *server) prepare(ctx context.Context, account, user string, grants int) error {
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
	for i := 0; i < taggedKeys && s.name != motoName; i++ { // moto takes no mutations, and its keys are slow to make
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
	if user == "" {
		return s.sample(ctx)
	}
	return nil
}

// sample makes the ciphertext that Decrypt is measured with.
func (s *server) sample(ctx context.Context) error {
	var out struct{ CiphertextBlob string }
	err := s.kms(ctx, "Encrypt", object{"KeyId": s.keys.symmetric, "Plaintext": text(32)}, &out)
	s.keys.small = out.CiphertextBlob
	return err
}
