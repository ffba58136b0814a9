package keyrings

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	keystore "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographykeystoresmithygenerated"
	keystoretypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographykeystoresmithygeneratedtypes"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"fastness/encryptionsdk/hierarchical"
)

// storeName is the logical name of the key store; it is also the table's.
const storeName = "branch-keys"

// attribute is a value of DynamoDB.
type attribute struct {
	S string `json:",omitempty"`
	N string `json:",omitempty"`
	B string `json:",omitempty"`
}

// table is a table of DynamoDB as far as AWS's key store uses it: GetItem and
// TransactWriteItems of one writer, whose conditions always hold.
type table struct {
	mu    sync.Mutex
	items map[[2]string]map[string]attribute
}

func (d *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_ = json.NewEncoder(w).Encode(v)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch operation {
	case "GetItem":
		var in struct{ Key map[string]attribute }
		if err = json.Unmarshal(body, &in); err == nil {
			answer(map[string]any{"Item": d.items[[2]string{in.Key["branch-key-id"].S, in.Key["type"].S}]})
			return
		}
	case "TransactWriteItems":
		var in struct {
			TransactItems []struct {
				Put struct{ Item map[string]attribute }
			}
		}
		if err = json.Unmarshal(body, &in); err == nil {
			for _, put := range in.TransactItems {
				d.items[[2]string{put.Put.Item["branch-key-id"].S, put.Put.Item["type"].S}] = put.Put.Item
			}
			answer(map[string]any{})
			return
		}
	}
	http.Error(w, fmt.Sprintf("operation %q: %v", operation, err), http.StatusBadRequest)
}

// add puts an item of our key store into the table.
func (d *table) add(t testing.TB, item *hierarchical.Item) {
	t.Helper()
	to := map[string]attribute{"enc": {B: base64.StdEncoding.EncodeToString(item.Protected)}}
	for k, v := range item.Attributes {
		to[k] = attribute{S: v}
	}
	to["hierarchy-version"] = attribute{N: item.Attributes["hierarchy-version"]}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items[[2]string{item.ID(), item.Type()}] = to
}

// take makes items of our key store of all items that the table has of a branch key.
func (d *table) take(id string) (items []*hierarchical.Item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, from := range d.items {
		if key[0] != id || key[1] == "beacon:ACTIVE" {
			continue
		}
		item := &hierarchical.Item{Attributes: map[string]string{}}
		for k, v := range from {
			if k == "enc" {
				item.Protected, _ = base64.StdEncoding.DecodeString(v.B)
			} else {
				item.Attributes[k] = v.S + v.N
			}
		}
		items = append(items, item)
	}
	return items
}

// theirStore is AWS's key store over a table.
func theirStore(t testing.TB, d *table, arn string) *keystore.Client {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	client := dynamodb.New(dynamodb.Options{
		Region:       west,
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider(account, "secret", ""),
		// Answers carry no checksum.
		DisableValidateResponseChecksum: true,
	})
	return must(keystore.NewClient(keystoretypes.KeyStoreConfig{
		DdbTableName: storeName, LogicalKeyStoreName: storeName,
		DdbClient: client, KmsClient: kmsClient(west),
		KmsConfiguration: &keystoretypes.KMSConfigurationMemberkmsKeyArn{Value: arn},
	}))(t)
}

func theirHierarchical(t testing.TB, store *keystore.Client, id string) mpltypes.IKeyring {
	t.Helper()
	return must(providers(t).CreateAwsKmsHierarchicalKeyring(t.Context(), mpltypes.CreateAwsKmsHierarchicalKeyringInput{KeyStore: store, BranchKeyId: &id, TtlSeconds: 600}))(t)
}

func ourHierarchical(t testing.TB, store hierarchical.BranchKeyStore, id string) *hierarchical.Keyring {
	t.Helper()
	return must(hierarchical.New(store, hierarchical.Options{BranchKeyID: id, TTL: 10 * time.Minute}))(t)
}

// ourStore is our key store over a directory, and the directory.
func ourStore(t testing.TB, arn string) (*hierarchical.KeyStore, *hierarchical.DirItems) {
	t.Helper()
	items := must(hierarchical.NewDirItems(t.TempDir()))(t)
	protector := must(hierarchical.NewKMSProtector(kmsClient(west), arn))(t)
	return must(hierarchical.NewKeyStore(storeName, items, protector, nil))(t), items
}

func TestHierarchicalWithBranchKeysOfOurStore(t *testing.T) {
	arn := newKey(t, west, &kms.CreateKeyInput{})
	store, items := ourStore(t, arn)
	const id = "арендатор 1"
	if err := store.Create(t.Context(), id, map[string]string{"department": "admin"}); err != nil {
		t.Fatal(err)
	}
	d := &table{items: map[[2]string]map[string]attribute{}}
	move := func() {
		t.Helper()
		active := must(items.Item(t.Context(), id, "branch:ACTIVE"))(t)
		d.add(t, active)
		d.add(t, must(items.Item(t.Context(), id, "branch:version:"+active.Version()))(t))
	}
	move()
	theirs1 := theirHierarchical(t, theirStore(t, d, arn), id)
	before := ourHierarchical(t, store, id)
	exchange(t, allSuites, ours{before, before}, theirs{theirs1, theirs1})

	if err := store.Rotate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	move()
	// Keyrings that still hold the old version, and such as know the new one only.
	after, theirs2 := ourHierarchical(t, store, id), theirHierarchical(t, theirStore(t, d, arn), id)
	exchange(t, unsigned, ours{before, after}, theirs{theirs1, theirs2})
	exchange(t, unsigned, ours{after, before}, theirs{theirs2, theirs1})
}

func TestHierarchicalWithBranchKeysOfTheirStore(t *testing.T) {
	arn := newKey(t, west, &kms.CreateKeyInput{})
	d := &table{items: map[[2]string]map[string]attribute{}}
	their := theirStore(t, d, arn)
	created, err := their.CreateKey(t.Context(), keystoretypes.CreateKeyInput{BranchKeyIdentifier: aws.String("tenant"), EncryptionContext: map[string]string{"department": "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	id := created.BranchKeyIdentifier
	store, items := ourStore(t, arn)
	replaces := ""
	move := func() {
		t.Helper()
		var active, version *hierarchical.Item
		all := d.take(id)
		for _, item := range all {
			if item.Type() == "branch:ACTIVE" {
				active = item
			}
		}
		for _, item := range all {
			if item != active && item.Version() == active.Version() {
				version = item
			}
		}
		if err := items.Add(t.Context(), version, active, replaces); err != nil {
			t.Fatal(err)
		}
		replaces = active.Version()
	}
	move()
	before, theirs1 := ourHierarchical(t, store, id), theirHierarchical(t, their, id)
	exchange(t, allSuites, ours{before, before}, theirs{theirs1, theirs1})

	if _, err := their.VersionKey(t.Context(), keystoretypes.VersionKeyInput{BranchKeyIdentifier: id}); err != nil {
		t.Fatal(err)
	}
	move()
	after, theirs2 := ourHierarchical(t, store, id), theirHierarchical(t, their, id)
	exchange(t, unsigned, ours{after, before}, theirs{theirs2, theirs1})
	// And ours rotates what theirs made.
	if err := store.Rotate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	active := must(items.Item(t.Context(), id, "branch:ACTIVE"))(t)
	d.add(t, active)
	d.add(t, must(items.Item(t.Context(), id, "branch:version:"+active.Version()))(t))
	exchange(t, unsigned, ours{ourHierarchical(t, store, id), after}, theirs{theirHierarchical(t, their, id), theirs2})
}
