package filecrypt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fastness/encryptionsdk"
)

const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func TestParseArguments(t *testing.T) {
	kms := []KeyGroup{{Provider: "aws-kms", Keys: []string{keyARN}}}
	none := encryptionsdk.EncryptionContext{}
	for name, c := range map[string]struct {
		dialect Dialect
		args    string
		want    Options
	}{
		"the least of AWS's": {AWS, "-e -S -i a -o b -w key=" + keyARN, Options{
			Mode: Encrypt, Input: "a", Output: "b", WrappingKeys: kms, EncryptionContext: none,
		}},
		"letters together, values attached": {AWS, "-Sdbr -ia -o=b -vv -w key=" + keyARN, Options{
			Mode: Decrypt, Input: "a", Output: "b", Buffer: true, Recursive: true, Verbosity: 2, WrappingKeys: kms, EncryptionContext: none,
		}},
		"standard streams, names cut short": {AWS, "--decrypt-u --inp - --output=- --wrap provider=aws-kms discovery=yes --suppress --encod --deco", Options{
			Mode: DecryptUnsigned, Input: "-", Output: "-", Encode: true, Decode: true,
			WrappingKeys: []KeyGroup{{Provider: "aws-kms", Discovery: true}}, EncryptionContext: none,
		}},
		"everything": {AWS, "--encrypt -i dir -o out -R --metadata-output m --overwrite-metadata --no-overwrite --suffix .x --commitment-policy forbid-encrypt-allow-decrypt" +
			" --algorithm AES_128_GCM_IV12_TAG16_HKDF_SHA256 --frame-length 1024 --max-length 8 --max-encrypted-data-keys 3 -q" +
			" --caching capacity=10 max_age=1.5 max_messages_encrypted=7 max_bytes_encrypted=99" +
			" -c purpose=test stage=dev=1 -w key=" + keyARN + " key=alias/x region=eu-west-1 profile=p -w provider=raw-aes namespace=n name=k key=file:/k encoding=hex", Options{
			Mode: Encrypt, Input: "dir", Output: "out", Recursive: true, Metadata: "m", OverwriteMetadata: true, NoOverwrite: true, Suffix: new(".x"),
			CommitmentPolicy: encryptionsdk.ForbidEncryptAllowDecrypt, Suite: encryptionsdk.SuiteAES128GCMIV12Tag16HKDFSHA256,
			FrameLength: 1024, MaxLength: 8, MaxEncryptedDataKeys: 3, Quiet: true,
			Caching:           &Caching{10, 1500 * time.Millisecond, 7, 99},
			EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "test", "stage": "dev=1"},
			WrappingKeys: []KeyGroup{
				{Provider: "aws-kms", Keys: []string{keyARN, "alias/x"}, Region: "eu-west-1", Profile: "p"},
				{Provider: "raw-aes", Keys: []string{"file:/k"}, Namespace: "n", Name: "k", Encoding: "hex"},
			},
		}},
		"demands on the context": {AWS, "-d -S -i a -o b -c purpose=test stage -w key=" + keyARN, Options{
			Mode: Decrypt, Input: "a", Output: "b", WrappingKeys: kms,
			EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "test"}, RequiredKeys: []string{"stage"},
		}},
		"discovery with a filter": {AWS, "-d -S -i a -o b -w provider=aws-encryption-sdk-cli::aws-kms discovery=true discovery-partition=aws discovery-account=111122223333 discovery-account=444455556666", Options{
			Mode: Decrypt, Input: "a", Output: "b", EncryptionContext: none,
			WrappingKeys: []KeyGroup{{Provider: "aws-kms", Discovery: true, DiscoveryPartition: "aws", DiscoveryAccounts: []string{"111122223333", "444455556666"}}},
		}},
		"no suffix": {AWS, "-e -S -i a -o b --suffix -w key=" + keyARN, Options{
			Mode: Encrypt, Input: "a", Output: "b", Suffix: new(""), WrappingKeys: kms, EncryptionContext: none,
		}},
		"values like numbers": {AWS, "-e -S -i a -o b -c n=-1 -w key=" + keyARN, Options{
			Mode: Encrypt, Input: "a", Output: "b", WrappingKeys: kms, EncryptionContext: encryptionsdk.EncryptionContext{"n": "-1"},
		}},
		"the encrypt command": {EncryptCommand, "--algorithm 0x0478 -w key=alias/x", Options{
			Mode: Encrypt, Input: "-", Output: "-", Suite: encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey, EncryptionContext: none,
			WrappingKeys: []KeyGroup{{Provider: "aws-kms", Keys: []string{"alias/x"}}},
		}},
		"the decrypt command": {DecryptCommand, "--decrypt-unsigned --decrypt -i a -w key=" + keyARN, Options{
			Mode: DecryptUnsigned, Input: "a", Output: "-", WrappingKeys: kms, EncryptionContext: none,
		}},
	} {
		got, err := ParseArguments(c.dialect, strings.Fields(c.args))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseArgumentsRefuses(t *testing.T) {
	w := " -w key=" + keyARN
	for args, message := range map[string]string{
		"-S -i a -o b" + w:                                                               "one of --encrypt",
		"-e -d -S -i a -o b" + w:                                                         "exclude each other",
		"-e -i a -o b" + w:                                                               "one of --metadata-output",
		"-e -S --metadata-o m -i a -o b" + w:                                             "exclude each other",
		"-e -S -i a" + w:                                                                 "--input and --output are needed",
		"-e -S -i a -o b":                                                                "--wrapping-keys is needed",
		"-e -S -i a -i c -o b" + w:                                                       "given more than once",
		"-e -S -i a -o b extra" + w:                                                      `unexpected argument "extra"`,
		"-e -S -i a -o b --bogus" + w:                                                    "no option --bogus",
		"-e -S -i a -o b -z" + w:                                                         "no option -z",
		"-encrypt -S -i a -o b" + w:                                                      "did you mean --encrypt?",
		"-e -S -i a -o b --enc" + w:                                                      "--enc could be --encrypt or --encryption-context or --encode",
		"-e -S -i a -o b --encrypt=yes" + w:                                              "takes no value",
		"-e -S -i -o b" + w:                                                              "--input needs PATH",
		"-e -S -i a -o b -w":                                                             "--wrapping-keys needs",
		"-e -S -i a -o b -c key" + w:                                                     "not of the form",
		"-e -S -i a -o b -c k=v k=w" + w:                                                 `"k" is given twice`,
		"-e -S -i a -o b --frame-length 0" + w:                                           "from 1 to",
		"-e -S -i a -o b --frame-length 4294967296" + w:                                  "from 1 to",
		"-e -S -i a -o b --max-encrypted-data-keys 0" + w:                                "from 1 to 65535",
		"-e -S -i a -o b --algorithm rot13" + w:                                          "no algorithm suite",
		"-e -S -i a -o b --commitment-policy none" + w:                                   "no policy",
		"-e -S -i a -o b --caching capacity=1" + w:                                       "max_age are needed",
		"-e -S -i a -o b --caching capacity=1 max_age=0" + w:                             "positive",
		"-e -S -i a -o b --caching capacity=1 max_age=1 ttl=2" + w:                       "no bound",
		"-e -S -i a -o b --suffix a/b" + w:                                               "no /",
		"-e -S -i - -o b --interactive" + w:                                              "needs standard input",
		"-e -S -i a -o b -w discovery=true":                                              "decrypting only",
		"-e -S -i a -o b -w provider=aws-kms":                                            "a key= is needed",
		"-e -S -i a -o b -w provider=rot13 key=a":                                        "no provider",
		"-e -S -i a -o b -w provider=aws-kms provider=raw-aes key=a":                     "one provider",
		"-e -S -i a -o b -w key=a regoin=b":                                              `no attribute "regoin"`,
		"-d -S -i a -o b -w key=alias/x":                                                 "not a key ARN",
		"-d -S -i a -o b -w key=arn:aws:kms:us-east-1:111122223333:alias/x":              "not a key ARN",
		"-d -S -i a -o b -w provider=aws-kms":                                            "discovery=true is needed",
		"-d -S -i a -o b -w discovery=maybe":                                             "neither true nor false",
		"-d -S -i a -o b -w discovery=true key=" + keyARN:                                "not both",
		"-d -S -i a -o b -w discovery=true discovery-account=1":                          "go together",
		"-d -S -i a -o b -w discovery=false discovery-account=1 discovery-partition=aws": "go with discovery=true",
		"-e -S -i a -o b -w provider=raw-aes name=k key=file:/k":                         "needs namespace= and name=",
		"-e -S -i a -o b -w provider=raw-aes namespace=aws-kms name=k key=file:/k":       "KMS's",
		"-e -S -i a -o b -w provider=raw-rsa namespace=n name=k key=file:/k":             "needs padding=",
		"-e -S -i a -o b -w provider=raw-aes namespace=n name=k key=fd:x":                "number of a descriptor",
		"-e -S -i - -o b -w provider=raw-aes namespace=n name=k key=fd:0":                "either the input or a key",
		"-e -S -i a -o b @/nonexistent" + w:                                              "arguments of @/nonexistent",
	} {
		_, err := ParseArguments(AWS, strings.Fields(args))
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, without %q", args, err, message)
		}
	}
	if _, err := ParseArguments(EncryptCommand, strings.Fields("--decrypt"+w)); !errors.Is(err, ErrUsage) {
		t.Errorf("encrypt --decrypt: %v", err)
	}
	for flag, want := range map[string]error{"--help": ErrHelp, "-h": ErrHelp, "--version": ErrVersion} {
		if _, err := ParseArguments(AWS, []string{flag}); !errors.Is(err, want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// A key on the command line is refused, and not shown again.
func TestAKeyOnTheCommandLineIsNotRepeated(t *testing.T) {
	const secret = "00112233445566778899aabbccddeeff"
	_, err := ParseArguments(EncryptCommand, []string{"-w", "provider=raw-aes", "namespace=n", "name=k", "key=" + secret})
	if !errors.Is(err, ErrUsage) || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

func TestArgumentFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("FASTNESS_TEST_STAGE", "beta 2")
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	keys := write("keys", "-w 'key="+keyARN+"' # the key\n\n# and nothing else\n")
	conf := write("conf", "--encrypt\n@"+keys+"\n--suppress-metadata -o ~/out\n-c \"a=b c\" 'd=e\\'f' g=$FASTNESS_TEST_STAGE h=${FASTNESS_TEST_STAGE}! i=$NOT_SET_HERE j=a\\ b#c\n")
	got, err := ParseArguments(AWS, []string{"-i", "in", "@" + conf})
	if err != nil {
		t.Fatal(err)
	}
	want := &Options{
		Mode: Encrypt, Input: "in", Output: "/home/somebody/out", WrappingKeys: []KeyGroup{{Provider: "aws-kms", Keys: []string{keyARN}}},
		EncryptionContext: encryptionsdk.EncryptionContext{"a": "b c", "d": "e'f", "g": "beta 2", "h": "beta 2!", "i": "$NOT_SET_HERE", "j": "a b#c"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	self := filepath.Join(dir, "self")
	for text, message := range map[string]string{"@" + self: "name each other", "-c 'a": "not closed", "-c \\": "nothing follows"} {
		write("self", text)
		if _, err := ParseArguments(AWS, []string{"@" + self}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestHelpNamesEveryOption(t *testing.T) {
	for d, command := range map[Dialect]string{AWS: "aws-encryption-cli", EncryptCommand: "fastness encrypt", DecryptCommand: "fastness decrypt"} {
		text := Help(d, command)
		c := &commandLine{o: new(Options)}
		for _, o := range c.options(d) {
			if !o.hidden && !strings.Contains(text, "--"+o.long) {
				t.Errorf("%s: no --%s", command, o.long)
			}
		}
	}
}

func FuzzParseArguments(f *testing.F) {
	for _, line := range []string{
		"-e -S -i a -o b -w key=" + keyARN,
		"-d --metadata-output - -i a -o b -w discovery=true discovery-account=1 discovery-partition=aws --caching capacity=1 max_age=.5",
		"-Sdbri a -o=b -w provider=raw-rsa namespace=a name=b key=fd:3 padding=pkcs1",
		"--suffix --suffix= -vvvv -c a=b c --",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitLine(line)
		if err != nil || strings.Contains(line, "@") {
			return
		}
		for _, d := range []Dialect{AWS, EncryptCommand, DecryptCommand} {
			o, err := ParseArguments(d, words)
			switch {
			case err == nil && (o.Input == "" || o.Output == "" || len(o.WrappingKeys) == 0):
				t.Errorf("%q: %+v", words, o)
			case err != nil && !errors.Is(err, ErrUsage) && !errors.Is(err, ErrHelp) && !errors.Is(err, ErrVersion):
				t.Errorf("%q: %v", words, err)
			}
		}
	})
}
