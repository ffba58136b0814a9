package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// exportPolicy lets the proxy use a KMS key.
const exportPolicy = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"},
	{"Effect": "Allow", "Principal": {"Service": "xks-proxy.fastness.internal"}, "Resource": "*",
	 "Action": ["kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt"]}]}`

// TestOneServerIsAnothersExternalKeyStore has two programs: one keeps its keys in the
// other, over HTTPS, until that one is stopped.
func TestOneServerIsAnothersExternalKeyStore(t *testing.T) {
	const host, prefix = "keys.example", "/first/tenant"
	far := newInstallation(t)
	owner := far.serve(t, "--tls-names", host)
	protector := owner.kms(t, "CreateKey", object{"Policy": exportPolicy})["KeyMetadata"].(object)["Arn"].(string)
	var credential struct{ AccessKeyID, RawSecretAccessKey string }
	if err := json.Unmarshal([]byte(far.run(t, "", "xks create-prefix", "--prefix", prefix)), &credential); err != nil {
		t.Fatal(err)
	}
	far.run(t, "", "xks add-key", "--prefix", prefix, "--key", "one", "--kms-key", protector)
	far.run(t, "", "xks add-key", "--prefix", prefix, "--key", "two", "--kms-key", protector)
	far.run(t, "", "xks disable-key", "--prefix", prefix, "--key", "two")
	far.refused(t, "there is no such key", "", "xks rotate-key", "--prefix", prefix, "--key", "three")
	if list := far.run(t, "", "xks list"); !strings.Contains(list, protector) || strings.Contains(list, credential.RawSecretAccessKey) {
		t.Errorf("the list is\n%s", list)
	}

	near := newInstallation(t)
	authorities := near.path("ca.pem")
	if err := os.WriteFile(authorities, []byte(far.run(t, "", "ca")), 0o600); err != nil {
		t.Fatal(err)
	}
	user := near.serve(t, "--key-store-ca", authorities, "--key-store-proxies", host+"="+owner.addr, "--key-store-timeout", "20s")
	store := object{
		"CustomKeyStoreName": "far", "CustomKeyStoreType": "EXTERNAL_KEY_STORE", "XksProxyConnectivity": "PUBLIC_ENDPOINT",
		"XksProxyUriEndpoint": "https://" + host, "XksProxyUriPath": prefix + "/kms/xks/v1",
		"XksProxyAuthenticationCredential": object{"AccessKeyId": credential.AccessKeyID, "RawSecretAccessKey": credential.RawSecretAccessKey},
	}
	id := object{"CustomKeyStoreId": user.kms(t, "CreateCustomKeyStore", store)["CustomKeyStoreId"]}
	user.kms(t, "ConnectCustomKeyStore", id)
	for began := time.Now(); ; {
		described := user.kms(t, "DescribeCustomKeyStores", id)["CustomKeyStores"].([]any)[0].(object)
		state := described["ConnectionState"]
		if state == "CONNECTED" {
			break
		}
		if state != "CONNECTING" || time.Since(began) > patience {
			t.Fatalf("the key store is %v\n%s", described, user.log)
		}
	}
	create := func(id any, external string) (object, error) {
		return user.tryKMS(user.key, "CreateKey", object{"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id, "XksKeyId": external})
	}
	for external, refusal := range map[string]string{"two": "XksKeyInvalidConfigurationException", "three": "XksKeyNotFoundException"} {
		if _, err := create(id["CustomKeyStoreId"], external); err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("a key for %s: %v", external, err)
		}
	}
	made, err := create(id["CustomKeyStoreId"], "one")
	if err != nil {
		t.Fatal(err)
	}
	key := made["KeyMetadata"].(object)["KeyId"].(string)
	blob := user.encrypt(t, key, "kept elsewhere")
	far.run(t, "", "xks rotate-key", "--prefix", prefix, "--key", "one")
	user.mustDecrypt(t, blob, "kept elsewhere")

	owner.stop(t)
	_, err = user.tryKMS(user.key, "Decrypt", object{"CiphertextBlob": blob})
	if err == nil || !strings.Contains(err.Error(), "KMSInvalidStateException") || !strings.Contains(err.Error(), "cannot communicate with the external key store proxy") {
		t.Errorf("after the other server has stopped: %v", err)
	}
	far.refused(t, "no server runs", "", "xks list")
}
