package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"fastness/test/bench/contest"
)

// keys are what the requests of one server name: ARNs, or names of OpenBao's keys.
type keys struct {
	symmetric, ec, rsa string
	// small is a ciphertext under symmetric.
	small string
	// tagged are keys to change, one for each connection, so that mutations do not
	// wait for each other.
	tagged []string
}

// operation is something to measure.
type operation struct {
	name   string
	action string // of KMS
	body   func(k *keys, conn int) any
	// mutating operations are not asked of moto, which keeps nothing on disk.
	mutating bool
	// bare is the work that is compared by itself (bare.go): the same for any server.
	bare string
	// transit is the same work asked of OpenBao: a path below the engine, and a body. Nil
	// where it has none.
	transit func(k *keys) (path string, body object)
}

type object = map[string]any

// text is n bytes of plaintext in base64.
func text(n int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcdef", n/16)))
}

// digest is the message of Sign: KMS is told that it is one, so that nobody hashes.
var digest = text(32)

var operations = []operation{
	{
		name: "GenerateDataKey", action: "GenerateDataKey",
		body:    func(k *keys, _ int) any { return object{"KeyId": k.symmetric, "KeySpec": "AES_256"} },
		transit: func(k *keys) (string, object) { return "datakey/plaintext/" + k.symmetric, object{"bits": 256} },
	},
	{
		name: "Encrypt 32 B", action: "Encrypt",
		body:    func(k *keys, _ int) any { return object{"KeyId": k.symmetric, "Plaintext": text(32)} },
		transit: func(k *keys) (string, object) { return "encrypt/" + k.symmetric, object{"plaintext": text(32)} },
	},
	{
		name: "Encrypt 4 KiB", action: "Encrypt",
		body:    func(k *keys, _ int) any { return object{"KeyId": k.symmetric, "Plaintext": text(4096)} },
		transit: func(k *keys) (string, object) { return "encrypt/" + k.symmetric, object{"plaintext": text(4096)} },
	},
	{
		name: "Decrypt 32 B", action: "Decrypt",
		body:    func(k *keys, _ int) any { return object{"CiphertextBlob": k.small} },
		transit: func(k *keys) (string, object) { return "decrypt/" + k.symmetric, object{"ciphertext": k.small} },
	},
	{
		name: "Sign P-256", action: "Sign", bare: bareP256,
		body: func(k *keys, _ int) any {
			return object{"KeyId": k.ec, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
		},
		transit: func(k *keys) (string, object) {
			return "sign/" + k.ec + "/sha2-256", object{"input": digest, "prehashed": true, "marshaling_algorithm": "asn1"}
		},
	},
	{
		name: "Sign RSA-2048", action: "Sign", bare: bareRSA2048,
		body: func(k *keys, _ int) any {
			return object{"KeyId": k.rsa, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
		},
		transit: func(k *keys) (string, object) {
			return "sign/" + k.rsa + "/sha2-256", object{"input": digest, "prehashed": true, "signature_algorithm": "pss", "salt_length": "hash"}
		},
	},
	{
		name: "TagResource", action: "TagResource", mutating: true,
		body: func(k *keys, conn int) any {
			return object{"KeyId": k.tagged[conn%len(k.tagged)], "Tags": []object{{"TagKey": "team", "TagValue": "blue"}}}
		},
	},
}

// named finds an operation.
func named(name string) (operation, error) {
	for _, o := range operations {
		if o.name == name {
			return o, nil
		}
	}
	return operation{}, fmt.Errorf("no operation is called %q", name)
}

func (o operation) target() string { return "TrentService." + o.action }

// request is the operation as a server with these keys gets it, signed for it.
func (o operation) request(s *contest.Server, k *keys, conn int) ([]byte, error) {
	body, err := json.Marshal(o.body(k, conn))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.name, err)
	}
	return s.Sign("kms", contest.JSON11, o.target(), body)
}

// keyPolicy has five statements, none of which but the last allows the caller.
func keyPolicy(account, user string) string {
	statement := func(sid, who, action, condition string) string {
		s := fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":{"AWS":%q},"Action":%s,"Resource":"*"`, sid, who, action)
		if condition != "" {
			s += `,"Condition":` + condition
		}
		return s + "}"
	}
	root := "arn:aws:iam::" + account + ":root"
	return `{"Version":"2012-10-17","Statement":[` + strings.Join([]string{
		statement("Admins", root, `["kms:Create*","kms:Describe*","kms:Enable*","kms:List*","kms:Put*","kms:Update*","kms:Revoke*","kms:Disable*","kms:Get*","kms:Delete*","kms:TagResource","kms:UntagResource","kms:ScheduleKeyDeletion","kms:CancelKeyDeletion"]`, ""),
		statement("ViaServices", root, `["kms:Decrypt","kms:GenerateDataKey*"]`, `{"StringEquals":{"kms:ViaService":["ssm.us-east-1.amazonaws.com","secretsmanager.us-east-1.amazonaws.com"],"kms:CallerAccount":"`+account+`"}}`),
		statement("Context", root, `"kms:Decrypt"`, `{"StringEquals":{"kms:EncryptionContext:app":"billing"}}`),
		statement("Grants", root, `["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"]`, `{"Bool":{"kms:GrantIsForAWSResource":"true"}}`),
		statement("Users", user, `["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:Sign","kms:Verify","kms:DescribeKey","kms:TagResource"]`, ""),
	}, ",") + `]}`
}
