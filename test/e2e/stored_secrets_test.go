package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestStoredSecretsAreNowhereInTheClear stores canaries by every operation of Secrets Manager and
// Parameter Store that takes a secret, reads them by every one that gives it, has calls refused
// that carry them, and looks for them in the data directory (while the server runs, after kill
// -9 and after its end), in a backup, in the log at its most talkative, in the event history
// and among the events. String parameters are no secrets, but their values are in no record
// either.
func TestStoredSecretsAreNowhereInTheClear(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t, "--log-level", "debug")
	var canaries []canary
	text := func(name string) string {
		raw := "canary " + hex.EncodeToString(random(t, 20))
		canaries = append(canaries, newCanary(name, []byte(raw)))
		return raw
	}
	binary := func(name string) []byte {
		raw := random(t, 24)
		canaries = append(canaries, newCanary(name, raw))
		return raw
	}
	secrets := func(operation string, in object) object {
		t.Helper()
		if in["ClientRequestToken"] == nil && (strings.HasPrefix(operation, "Create") || strings.HasPrefix(operation, "Put") || strings.HasPrefix(operation, "Update")) {
			in["ClientRequestToken"] = uuid()
		}
		return s.secretsManager(t, operation, in)
	}
	parameters := func(operation string, in object) object {
		t.Helper()
		return s.call(t, "ssm", "AmazonSSM."+operation, in)
	}
	refused := func(service, target string, in object) {
		t.Helper()
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer, err := s.send(s.key, service, target, "application/x-amz-json-1.1", body); err != nil || status == http.StatusOK {
			t.Errorf("%s was not refused: %d %s %v", target, status, answer, err)
		}
	}

	secrets("CreateSecret", object{"Name": "a", "SecretString": text("a created secret"), "AddReplicaRegions": []object{{"Region": "eu-west-1"}}})
	secrets("CreateSecret", object{"Name": "b", "SecretBinary": binary("a binary secret")})
	secrets("PutSecretValue", object{"SecretId": "a", "SecretString": text("a value that was put")})
	secrets("UpdateSecret", object{"SecretId": "a", "SecretString": text("an updated value")})
	key := s.createKey(t)
	secrets("UpdateSecret", object{"SecretId": "a", "KmsKeyId": key})
	for _, tier := range []string{"Standard", "Advanced"} {
		parameters("PutParameter", object{"Name": "/x/" + tier, "Type": "SecureString", "Tier": tier, "Value": text("a SecureString of the tier " + tier)})
		parameters("PutParameter", object{"Name": "/x/" + tier, "Type": "SecureString", "Overwrite": true, "KeyId": key, "Value": text("a second SecureString of the tier " + tier)})
	}
	parameters("PutParameter", object{"Name": "/x/limited", "Type": "SecureString", "AllowedPattern": "canary [0-9a-f]+", "Value": text("a SecureString with a pattern")})

	secrets("BatchGetSecretValue", object{"SecretIdList": []string{"a", "b"}})
	for _, stage := range []string{"AWSCURRENT", "AWSPREVIOUS"} {
		secrets("GetSecretValue", object{"SecretId": "a", "VersionStage": stage})
	}
	parameters("GetParameter", object{"Name": "/aws/reference/secretsmanager/a", "WithDecryption": true})
	parameters("GetParameters", object{"Names": []string{"/x/Standard", "/x/Advanced:1"}, "WithDecryption": true})
	parameters("GetParametersByPath", object{"Path": "/x", "WithDecryption": true})
	parameters("GetParameterHistory", object{"Name": "/x/Advanced", "WithDecryption": true})

	refused("secretsmanager", "secretsmanager.PutSecretValue", object{"SecretId": "none", "ClientRequestToken": uuid(), "SecretString": text("a value for no secret")})
	refused("secretsmanager", "secretsmanager.CreateSecret", object{"Name": "a", "ClientRequestToken": uuid(), "SecretString": text("a value for a name that is taken")})
	refused("secretsmanager", "secretsmanager.CreateSecret", object{"Name": "c", "ClientRequestToken": uuid(), "KmsKeyId": "alias/none", "SecretString": text("a value under no key")})
	refused("secretsmanager", "secretsmanager.CreateSecret", object{"Name": "c", "ClientRequestToken": "short", "SecretString": text("a value with a bad token")})
	refused("ssm", "AmazonSSM.PutParameter", object{"Name": "/x/limited", "Type": "SecureString", "Overwrite": true, "Value": "#" + text("a value that does not match")})
	refused("ssm", "AmazonSSM.PutParameter", object{"Name": "/x/large", "Type": "SecureString", "Value": text("a value that is too large") + strings.Repeat("x", 9000)})
	refused("ssm", "AmazonSSM.PutParameter", object{"Name": "/x/kind", "Type": text("a type"), "Value": text("a value of no type")})
	refused("ssm", "AmazonSSM.PutParameter", object{"Name": "/x/nests", "Type": "SecureString", "Value": "{{" + text("a value that nests") + "}}"})
	refused("secretsmanager", "secretsmanager.PutSecretValue", object{"SecretId": "a", "ClientRequestToken": uuid(), "SecretString": 7, "SecretBinary": text("a value that is not base64")})
	_, _ = s.trySecrets("RotateSecret", object{"SecretId": "a", "ClientRequestToken": uuid(), "RotationLambdaARN": function("SecretsManagerRDSPostgreSQLRotationSingleUser")})

	// What a caller puts where no secret belongs is quoted: a type is none.
	var hidden []canary
	for _, c := range canaries {
		if c.name != "a type" {
			hidden = append(hidden, c)
		}
	}
	i.run(t, "", "backup", "--to", i.path("backup"))
	searchFiles(t, i.data(), hidden)
	searchFiles(t, i.path("backup"), hidden)
	s.kill(t)
	searchFiles(t, i.data(), hidden)
	log := s.log.String()
	s = i.serve(t, "--log-level", "debug")
	history := wholeHistory(t, s)
	events := i.tail(t, "--lines", "1000", "--output", "json")
	s.stop(t)
	searchFiles(t, i.data(), hidden)
	log += s.log.String()
	for what, in := range map[string]string{"log": log, "event history": history, "event log": events} {
		if what != "log" && !strings.Contains(in, "PutSecretValue") {
			t.Errorf("the %s has no PutSecretValue: %.300s", what, in)
		}
		for _, c := range hidden {
			for _, form := range c.forms {
				if strings.Contains(in, string(form)) {
					t.Errorf("the %s holds %s", what, c.name)
				}
			}
		}
	}
}

// wholeHistory is what LookupEvents has of the home Region.
func wholeHistory(t *testing.T, s *server) string {
	t.Helper()
	var all bytes.Buffer
	for next := ""; ; {
		in := object{"MaxResults": 50}
		if next != "" {
			in["NextToken"] = next
		}
		out := s.call(t, "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", in)
		fmt.Fprint(&all, out)
		if next, _ = out["NextToken"].(string); next == "" {
			return all.String()
		}
	}
}
