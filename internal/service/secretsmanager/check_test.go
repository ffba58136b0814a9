package secretsmanager

import (
	"strings"
	"testing"

	"fastness/internal/store"
)

func TestChecksFindWhatIsMissing(t *testing.T) {
	h := newHarness(t)
	made := h.create("a", "x")
	h.create("b", "x")
	h.put("a", "y", 2)
	id := (*made.ARN)[strings.LastIndex(*made.ARN, ":")+1:]
	problems := func() []store.Problem {
		t.Helper()
		found, err := store.Fsck(t.Context(), h.store, append(h.registry.Checks(), Checks()...)...)
		h.must(err)
		return found
	}
	if found := problems(); len(found) != 0 {
		t.Fatalf("problems %+v", found)
	}
	_, err := h.store.Update(t.Context(), func(tx store.Txn) error {
		rec, err := h.service.tables.secret(tx, secretName{testAccount, testRegion, "a"})
		if err != nil {
			return err
		}
		if err := h.service.tables.values.Delete(tx, rec.scope(), parts(id, *token(2))...); err != nil {
			return err
		}
		return h.service.tables.deleteVersion(tx, rec.scope(), id, *token(1))
	})
	h.must(err)
	var texts []string
	for _, p := range problems() {
		texts = append(texts, p.Text)
	}
	all := strings.Join(texts, "\n")
	if len(texts) != 2 || !strings.Contains(all, "does not exist") || !strings.Contains(all, "the value of a version is missing") {
		t.Errorf("problems %q", texts)
	}
}

func TestATableIsDefinedOnce(t *testing.T) {
	h := newHarness(t)
	if err := Register(h.registry); err == nil {
		t.Error("the tables were defined twice")
	}
}
