package secretsmanager

import (
	"strconv"
	"sync"
	"testing"

	"fastness/internal/api/kmsapi"
	api "fastness/internal/api/secretsmanagerapi"
)

// TestManyAtOnce: secrets made at the same moment share one key of the service, and none
// of the versions put at the same moment is lost.
func TestManyAtOnce(t *testing.T) {
	h := newHarness(t)
	var group sync.WaitGroup
	const many = 16
	for i := range many {
		group.Go(func() {
			name := "s" + strconv.Itoa(i)
			if _, err := h.admin().CreateSecret(t.Context(), &api.CreateSecretRequest{Name: &name, SecretString: &name, ClientRequestToken: token(1)}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	group.Wait()
	keys, err := h.kmsAs(root(testAccount), testRegion).ListKeys(t.Context(), &kmsapi.ListKeysRequest{})
	h.must(err)
	if len(keys.Keys) != 1 {
		t.Errorf("%d keys", len(keys.Keys))
	}
	for i := range many {
		group.Go(func() {
			if _, err := h.admin().PutSecretValue(t.Context(), &api.PutSecretValueRequest{SecretId: new("s0"), SecretString: new(strconv.Itoa(i)), ClientRequestToken: token(10 + i)}); err != nil {
				t.Errorf("version %d: %v", i, err)
			}
		})
		group.Go(func() {
			if _, err := h.value(h.admin(), "s0", ""); err != nil {
				t.Errorf("read: %v", err)
			}
		})
	}
	group.Wait()
	list, err := h.admin().ListSecretVersionIds(t.Context(), &api.ListSecretVersionIdsRequest{SecretId: new("s0"), IncludeDeprecated: new(true)})
	h.must(err)
	if len(list.Versions) != many+1 {
		t.Errorf("%d versions", len(list.Versions))
	}
	d, err := h.admin().DescribeSecret(t.Context(), &api.DescribeSecretRequest{SecretId: new("s0")})
	h.must(err)
	if len(d.VersionIdsToStages) != 2 {
		t.Errorf("stages %v", d.VersionIdsToStages)
	}
}

// TestAChangeIsSeenAtOnce: who was answered reads what was written, whatever is in memory.
func TestAChangeIsSeenAtOnce(t *testing.T) {
	h := newHarness(t)
	h.create("a", "0")
	for n := 2; n < 60; n++ {
		h.put("a", strconv.Itoa(n), n)
		if v, err := h.value(h.admin(), "a", ""); v != strconv.Itoa(n) {
			t.Fatalf("%d: read %q, %v", n, v, err)
		}
	}
}

func TestTheDirectoryStaysWithinItsBounds(t *testing.T) {
	h := newHarness(t)
	d := h.service.directory
	d.limit, d.limitBytes = 8, 40<<10
	for i := range 30 {
		name := "s" + strconv.Itoa(i)
		h.create(name, string(make([]byte, 4096)))
		if _, err := h.value(h.admin(), name, ""); err != nil {
			t.Fatal(err)
		}
		if len(d.secrets) > 8 || d.bytes.Load() > 48<<10 {
			t.Fatalf("%d secrets, %d bytes", len(d.secrets), d.bytes.Load())
		}
	}
	total := int64(0)
	for _, s := range d.secrets {
		total += s.size.Load()
	}
	if total != d.bytes.Load() {
		t.Errorf("%d bytes counted, %d there", d.bytes.Load(), total)
	}
}
