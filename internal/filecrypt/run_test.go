//go:build unix

package filecrypt

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fastness/encryptionsdk"
	"fastness/internal/clock"
)

// bench is a directory with a raw AES key, where commands run.
type bench struct {
	t    *testing.T
	dir  string
	keys []string // -w …
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := tree(t)
	t.Chdir(dir)
	writeFile(t, "key", bytes.Repeat([]byte{7}, 32), 0o600)
	return &bench{t, dir, []string{"-w", "provider=raw-aes", "namespace=test", "name=key", "key=file:" + filepath.Join(dir, "key")}}
}

// try runs a command line, and returns both outputs.
func (b *bench) try(d Dialect, input string, args ...string) (out, log string, err error) {
	b.t.Helper()
	o, err := ParseArguments(d, append(slices.Clone(args), b.keys...))
	if err != nil {
		return "", "", err
	}
	var stdout, stderr bytes.Buffer
	err = Run(b.t.Context(), o, &Environment{Stdin: strings.NewReader(input), Stdout: &stdout, Stderr: &stderr, Clock: clock.NewManual(time.Unix(0, 0))})
	return stdout.String(), stderr.String(), err
}

func (b *bench) run(d Dialect, input string, args ...string) string {
	b.t.Helper()
	out, log, err := b.try(d, input, args...)
	if err != nil {
		b.t.Fatalf("%v: %v\n%s", args, err, log)
	}
	return out
}

// refused is try for what must fail with a message, and as the caller's mistake or not.
func (b *bench) refused(message string, mistake bool, d Dialect, input string, args ...string) (out, log string) {
	b.t.Helper()
	out, log, err := b.try(d, input, args...)
	if err == nil || !strings.Contains(err.Error(), message) || errors.Is(err, ErrUsage) != mistake {
		b.t.Errorf("%v: %v, without %q\n%s", args, err, message, log)
	}
	return out, log
}

func (b *bench) file(name, text string) string {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	return writeFile(b.t, name, []byte(text), 0o644)
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// listing is all files below the directory, except the key.
func (b *bench) listing() []string {
	b.t.Helper()
	all := []string{}
	err := filepath.WalkDir(b.dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != filepath.Join(b.dir, "key") {
			rel, rerr := filepath.Rel(b.dir, name)
			all = append(all, rel)
			err = rerr
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func TestStreamsAndFiles(t *testing.T) {
	b := newBench(t)
	text := strings.Repeat("all work and no play ", 5000)
	if got := b.run(DecryptCommand, b.run(EncryptCommand, text)); got != text {
		t.Error("standard streams differ")
	}
	b.file("in", text)
	b.run(AWS, "", "-e", "-S", "-i", "in", "-o", "out")
	b.run(AWS, "", "-d", "-S", "-i", "out", "-o", "back")
	if b.read("back") != text {
		t.Error("files differ")
	}
	message := b.run(EncryptCommand, text, "--encode")
	if _, err := base64.StdEncoding.DecodeString(message); err != nil {
		t.Errorf("--encode: %v", err)
	}
	if got := b.run(DecryptCommand, message+"\n", "--decode"); got != text {
		t.Error("base64 differs")
	}
	b.file("text", message)
	if got := b.run(DecryptCommand, "", "-i", "text", "--decode", "--encode", "--buffer"); got != base64.StdEncoding.EncodeToString([]byte(text)) {
		t.Error("base64 of the plaintext differs")
	}
	b.refused("base64", false, DecryptCommand, message)
	b.refused("--decode", false, DecryptCommand, "%%%", "--decode")
	b.run(EncryptCommand, "", "-i", "in", "-o", os.DevNull)
	if !slices.Equal(b.listing(), []string{"back", "in", "out", "text"}) {
		t.Errorf("%q", b.listing())
	}
}

func TestDirectoriesThereAndBack(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"in/a", "in/deep/er/b", "in/deep/.c", "secret/", "open/"} {
		if strings.HasSuffix(name, "/") {
			if err := os.Mkdir(name, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b.file(name, "this is "+name)
	}
	b.run(AWS, "", "-e", "-S", "-r", "-i", "in", "-o", "secret", "-c", "purpose=test")
	b.run(AWS, "", "-d", "-S", "-r", "-i", "secret", "-o", "open", "--suffix")
	want := []string{
		"in/a", "in/deep/.c", "in/deep/er/b", "open/a.encrypted", "open/deep/.c.encrypted", "open/deep/er/b.encrypted",
		"secret/a.encrypted", "secret/deep/.c.encrypted", "secret/deep/er/b.encrypted",
	}
	if !slices.Equal(b.listing(), want) {
		t.Errorf("%q", b.listing())
	}
	if got := b.read("open/deep/er/b.encrypted"); got != "this is in/deep/er/b" {
		t.Errorf("%q", got)
	}
}

// Every damage leaves nothing behind, neither the output nor a temporary file, and an
// output that was there before stays.
func TestDamagedMessagesLeaveNothing(t *testing.T) {
	b := newBench(t)
	for _, suite := range []string{"0x0478", "0x0578"} {
		message := b.run(EncryptCommand, strings.Repeat("x", 300_000), "--algorithm", suite, "-c", "k=v")
		damaged := map[string]string{"": "", "appended": message + "x"}
		for _, at := range []int{1, 100, len(message) / 2, len(message) - 4200, len(message) - 1} {
			damaged["cut"] = message[:at]
			flipped := []byte(message)
			flipped[at] ^= 1
			damaged["flipped"] = string(flipped)
			for how, text := range damaged {
				b.file("message", text)
				if _, _, err := b.try(DecryptCommand, "", "-i", "message", "-o", "new"); err == nil {
					t.Errorf("%s, %s at %d is accepted", suite, how, at)
				}
				b.file("old", "precious")
				if _, _, err := b.try(DecryptCommand, "", "-i", "message", "-o", "old"); err == nil {
					t.Errorf("%s, %s at %d is accepted", suite, how, at)
				}
				if got := b.listing(); !slices.Equal(got, []string{"message", "old"}) || b.read("old") != "precious" {
					t.Fatalf("%s, %s at %d leaves %q", suite, how, at, got)
				}
				if out, _, err := b.try(DecryptCommand, text, "--buffer"); err == nil || out != "" {
					t.Errorf("%s, %s at %d: --buffer lets out %d bytes, %v", suite, how, at, len(out), err)
				}
			}
		}
	}
}

func TestOneBadFileDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a", "b", "c"} {
		b.file("in/"+name, b.run(EncryptCommand, name))
	}
	b.file("in/b", "not a message")
	if err := os.Mkdir("out", 0o755); err != nil {
		t.Fatal(err)
	}
	_, log := b.refused("1 of 3 inputs failed", false, DecryptCommand, "", "-r", "-i", "in", "-o", "out", "--metadata-output", "meta")
	if !strings.Contains(log, "in/b: ") {
		t.Errorf("log: %s", log)
	}
	if got := b.listing(); !slices.Equal(got, []string{"in/a", "in/b", "in/c", "meta", "out/a.decrypted", "out/c.decrypted"}) {
		t.Errorf("%q", got)
	}
	if n := strings.Count(b.read("meta"), "\n"); n != 2 {
		t.Errorf("%d lines of metadata", n)
	}
}

func TestExistingOutputs(t *testing.T) {
	b := newBench(t)
	b.file("in", "new")
	b.file("out", "old")
	_, log, err := b.try(AWS, "", "-e", "-S", "-i", "in", "-o", "out", "--no-overwrite")
	if err != nil || b.read("out") != "old" || !strings.Contains(log, "it exists") {
		t.Errorf("--no-overwrite: %v\n%s", err, log)
	}
	if _, log, err := b.try(AWS, "\n", "-e", "-S", "-i", "in", "-o", "out", "--interactive"); err != nil || b.read("out") != "old" || !strings.Contains(log, "[y/N]") {
		t.Errorf("--interactive, no answer: %v\n%s", err, log)
	}
	if _, _, err := b.try(AWS, "Yes\n", "-e", "-S", "-i", "in", "-o", "out", "--interactive"); err != nil || b.read("out") == "old" {
		t.Errorf("--interactive, yes: %v", err)
	}
	if err := os.Link("in", "hard"); err != nil {
		t.Fatal(err)
	}
	b.refused("the same", true, EncryptCommand, "", "-i", "in", "-o", "hard")
	if err := os.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link("in", "dir/in"); err != nil {
		t.Fatal(err)
	}
	b.refused("the same file", false, EncryptCommand, "", "-i", "in", "-o", "dir", "--suffix")
	if b.read("in") != "new" {
		t.Error("the input has changed")
	}
	// A link is written through: it stays, what it names is replaced.
	link(t, b.dir, "link", "out")
	b.run(EncryptCommand, "through", "-o", "link")
	if st, err := os.Lstat("link"); err != nil || st.Mode().Type() != os.ModeSymlink || b.run(DecryptCommand, b.read("out")) != "through" {
		t.Errorf("%v %v", st, err)
	}
	// But not out of an output directory.
	b.file("elsewhere/x", "untouched")
	link(t, b.dir, "dir/sub", "../elsewhere")
	b.file("tree/sub/x", "x")
	b.refused("tree/sub/x", false, EncryptCommand, "", "-r", "-i", "tree", "-o", "dir", "--suffix")
	if b.read("elsewhere/x") != "untouched" {
		t.Error("written through a link out of the output directory")
	}
}

func TestDemandsOnTheEncryptionContext(t *testing.T) {
	b := newBench(t)
	b.file("message", b.run(EncryptCommand, "text", "-c", "purpose=test", "stage=beta"))
	b.file("old", "precious")
	for _, demand := range [][]string{{"purpose"}, {"purpose=test"}, {"stage", "purpose=test"}} {
		if got := b.run(DecryptCommand, "", append([]string{"-i", "message", "-c"}, demand...)...); got != "text" {
			t.Errorf("%v: %q", demand, got)
		}
	}
	b.refused("it lacks owner, purpose=prod", false, DecryptCommand, "", "-i", "message", "-o", "old", "--metadata-output", "meta", "-c", "owner", "purpose=prod", "stage")
	if b.read("old") != "precious" {
		t.Error("the old output is gone")
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(b.read("meta")), &line); err != nil {
		t.Fatal(err)
	}
	delete(line, "header")
	delete(line, "header_auth")
	want := map[string]any{
		"mode": "decrypt", "input": filepath.Join(b.dir, "message"), "output": filepath.Join(b.dir, "old"),
		"skipped": true, "reason": "Missing encryption context key or value",
		"missing_encryption_context_keys": []any{"owner"}, "missing_encryption_context_pairs": []any{[]any{"purpose", "prod"}},
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMetadata(t *testing.T) {
	b := newBench(t)
	b.file("meta", "{}\n")
	message := b.run(EncryptCommand, "text", "-c", "a=<b>", "--algorithm", "0x0478", "--metadata-output", "meta")
	var none any
	type object = map[string]any
	h, err := encryptionsdk.ReadHeader(strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	header := object{
		"algorithm": "AES_256_GCM_HKDF_SHA512_COMMIT_KEY", "commitment_key": b64(h.Commitment), "content_type": 2.0, "frame_length": 4096.0,
		"encryption_context": object{"a": "<b>"}, "header_iv_length": none, "type": none, "version": "2.0", "message_id": b64(h.MessageID),
		"encrypted_data_keys": []any{object{
			"encrypted_data_key": b64(h.EncryptedDataKeys[0].Ciphertext),
			"key_provider":       object{"provider_id": b64([]byte("test")), "key_info": b64(h.EncryptedDataKeys[0].ProviderInfo)},
		}},
	}
	lines := strings.SplitAfter(b.read("meta"), "\n")
	if len(lines) != 3 || lines[0] != "{}\n" || lines[2] != "" || !strings.Contains(lines[1], "<b>") {
		t.Fatalf("%q", lines)
	}
	var got any
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(object{"mode": "encrypt", "input": "<stdin>", "output": "<stdout>", "header": header}), got); diff != "" {
		t.Errorf("encrypt (-want +got):\n%s", diff)
	}

	b.file("in", message)
	if out := b.run(DecryptCommand, "", "-i", "in", "-o", "out", "--metadata-output", "-"); json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("%q", out)
	}
	want := any(object{
		"mode": "decrypt", "input": filepath.Join(b.dir, "in"), "output": filepath.Join(b.dir, "out"), "header": header,
		"header_auth": object{"iv": "AAAAAAAAAAAAAAAA", "tag": b64(h.AuthTag)},
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decrypt (-want +got):\n%s", diff)
	}

	// Version 1 has a type and the length of its IV. The file is replaced.
	b.run(EncryptCommand, "text", "--algorithm", "0x0014", "--commitment-policy", "forbid-encrypt-allow-decrypt", "--metadata-output", "meta", "--overwrite-metadata")
	var first record
	if err := json.Unmarshal([]byte(b.read("meta")), &first); err != nil {
		t.Fatal(err)
	}
	if h := first.Header; h.Version != "1.0" || *h.Type != 128 || *h.HeaderIVLength != 12 || h.CommitmentKey != nil {
		t.Errorf("%+v", h)
	}
}

func TestLimitsAndPolicies(t *testing.T) {
	b := newBench(t)
	signed := b.run(EncryptCommand, "text")
	unsigned := b.run(EncryptCommand, "text", "--algorithm", "AES_256_GCM_HKDF_SHA512_COMMIT_KEY", "--frame-length", "1000")
	uncommitted := b.run(EncryptCommand, "text", "--commitment-policy", "forbid-encrypt-allow-decrypt")
	b.refused("message is signed", false, AWS, signed, "--decrypt-unsigned", "-S", "-i", "-", "-o", "-")
	if got := b.run(AWS, unsigned, "--decrypt-unsigned", "-S", "-i", "-", "-o", "-"); got != "text" {
		t.Errorf("%q", got)
	}
	b.refused("commitment policy", false, DecryptCommand, uncommitted)
	b.refused("commitment policy", false, DecryptCommand, uncommitted, "--commitment-policy", "require-encrypt-require-decrypt")
	if got := b.run(DecryptCommand, uncommitted, "--commitment-policy", "require-encrypt-allow-decrypt"); got != "text" {
		t.Errorf("%q", got)
	}
	b.refused("commitment policy", false, EncryptCommand, "text", "--algorithm", "0x0178")
	b.refused("frame", false, DecryptCommand, unsigned, "--max-length", "999")
	b.run(DecryptCommand, unsigned, "--max-length", "1000")
	b.refused("reserved", false, EncryptCommand, "text", "-c", "aws-crypto-x=y")

	own := b.keys
	writeFile(t, "other", bytes.Repeat([]byte{9}, 16), 0o600)
	b.keys = append(slices.Clone(own), "-w", "provider=raw-aes", "namespace=test", "name=other", "key=file:"+filepath.Join(b.dir, "other"))
	b.refused("too many", false, EncryptCommand, "text", "--max-encrypted-data-keys", "1")
	double := b.run(EncryptCommand, "text", "--max-encrypted-data-keys", "2")
	b.keys = b.keys[len(own):]
	if got := b.run(DecryptCommand, double); got != "text" {
		t.Errorf("by the second key alone: %q", got)
	}
	b.refused("too many", false, DecryptCommand, double, "--max-encrypted-data-keys", "1")
	b.refused("no encrypted data key", false, DecryptCommand, signed)
}

func TestCachingReusesDataKeys(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		b.file("in/"+name, name)
	}
	wrapped := func(args ...string) (different int) {
		t.Helper()
		if err := os.RemoveAll("out"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir("out", 0o755); err != nil {
			t.Fatal(err)
		}
		b.run(EncryptCommand, "", append([]string{"-r", "-i", "in", "-o", "out"}, args...)...)
		seen := make(map[string]bool)
		for _, name := range []string{"a", "b", "c", "d"} {
			h, err := encryptionsdk.ReadHeader(strings.NewReader(b.read("out/" + name + ".encrypted")))
			if err != nil {
				t.Fatal(err)
			}
			seen[string(h.EncryptedDataKeys[0].Ciphertext)] = true
		}
		return len(seen)
	}
	if n := wrapped(); n != 4 {
		t.Errorf("%d data keys without a cache", n)
	}
	if n := wrapped("--caching", "capacity=10", "max_age=60"); n != 1 {
		t.Errorf("%d data keys", n)
	}
	if n := wrapped("--caching", "capacity=10", "max_age=60", "max_messages_encrypted=2"); n != 2 {
		t.Errorf("%d data keys of two messages each", n)
	}
}

// blocked is a standard input where nothing more comes.
type blocked struct {
	first   io.Reader
	waiting chan struct{} // closed when the rest is waited for
	end     chan struct{}
}

func (b *blocked) Read(p []byte) (int, error) {
	if n, err := b.first.Read(p); err == nil {
		return n, nil
	}
	close(b.waiting)
	<-b.end
	return 0, io.EOF
}

func TestAnInterruptRemovesThePartialOutput(t *testing.T) {
	b := newBench(t)
	o, err := ParseArguments(EncryptCommand, append([]string{"-o", "out"}, b.keys...))
	if err != nil {
		t.Fatal(err)
	}
	in := &blocked{strings.NewReader(strings.Repeat("x", 1<<20)), make(chan struct{}), make(chan struct{})}
	defer close(in.end)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-in.waiting
		interrupt()
	}()
	err = Run(ctx, o, &Environment{Stdin: in, Stdout: io.Discard, Stderr: io.Discard, Clock: clock.System{}})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v", err)
	}
	if got := b.listing(); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
}

func TestPipesAreInputsAndOutputs(t *testing.T) {
	b := newBench(t)
	message := b.run(EncryptCommand, "through pipes")
	for _, name := range []string{"from", "to"} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile("from", []byte(message), 0) }()
	type result struct {
		text []byte
		err  error
	}
	got := make(chan result, 1)
	go func() {
		text, err := os.ReadFile("to")
		got <- result{text, err}
	}()
	b.run(DecryptCommand, "", "-i", "from", "-o", "to")
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if r := <-got; r.err != nil || string(r.text) != "through pipes" {
		t.Errorf("%q %v", r.text, r.err)
	}
}

func TestInspect(t *testing.T) {
	b := newBench(t)
	message := b.run(EncryptCommand, "text", "-c", "stage=\x1b[31mbeta", "--frame-length", "77")
	for _, decode := range []bool{false, true} {
		text := message
		if decode {
			text = base64.StdEncoding.EncodeToString([]byte(message))
		}
		i, err := Inspect(strings.NewReader(text), decode)
		if err != nil {
			t.Fatal(err)
		}
		k := i.DataKeys[0]
		if i.Version != 2 || i.AlgorithmID != "0x0578" || !i.Signed || !i.CommitsToKey || i.FrameLength != 77 || i.EncryptionContext["stage"] != "\x1b[31mbeta" ||
			len(i.DataKeys) != 1 || k.Provider != "test" || k.Key != "key" || len(k.IV) != 24 || k.TagLength != 16 || k.CiphertextLength != 48 {
			t.Errorf("%+v", i)
		}
		for _, row := range i.Rows() {
			if strings.Contains(strings.Join(row, ""), "\x1b") {
				t.Errorf("%q", row)
			}
		}
	}
	if _, err := Inspect(strings.NewReader(message[:60]), false); !errors.Is(err, encryptionsdk.ErrTruncated) {
		t.Errorf("%v", err)
	}
}
