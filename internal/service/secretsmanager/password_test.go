package secretsmanager

import (
	"math"
	"strings"
	"testing"

	api "fastness/internal/api/secretsmanagerapi"
)

func (h *harness) password(in *api.GetRandomPasswordRequest) (string, error) {
	out, err := h.admin().GetRandomPassword(h.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.RandomPassword, nil
}

func TestPasswordsAreOfWhatIsAskedFor(t *testing.T) {
	h := newHarness(t)
	yes, no := new(true), new(false)
	for _, c := range []struct {
		name      string
		in        api.GetRandomPasswordRequest
		length    int
		only      string
		mustHave  []string
		forbidden string
	}{
		{"by default", api.GetRandomPasswordRequest{}, 32, lowercase + uppercase + digits + punctuation, []string{lowercase, uppercase, digits, punctuation}, " "},
		{"as short as can be", api.GetRandomPasswordRequest{PasswordLength: new(int64(4))}, 4, lowercase + uppercase + digits + punctuation, []string{lowercase, uppercase, digits, punctuation}, " "},
		{"digits", api.GetRandomPasswordRequest{ExcludeLowercase: yes, ExcludeUppercase: yes, ExcludePunctuation: yes, PasswordLength: new(int64(4096))}, 4096, digits, []string{digits}, ""},
		{"without some", api.GetRandomPasswordRequest{ExcludeCharacters: new(`/@"'\`), PasswordLength: new(int64(1000))}, 1000, lowercase + uppercase + digits + punctuation, nil, `/@"'\`},
		{"with spaces", api.GetRandomPasswordRequest{IncludeSpace: yes, PasswordLength: new(int64(4000))}, 4000, lowercase + uppercase + digits + punctuation + " ", []string{" "}, ""},
		{"one digit left", api.GetRandomPasswordRequest{ExcludeCharacters: new("012345678"), PasswordLength: new(int64(4))}, 4, lowercase + uppercase + "9" + punctuation, []string{"9"}, ""},
		{"nothing required", api.GetRandomPasswordRequest{RequireEachIncludedType: no, PasswordLength: new(int64(1))}, 1, lowercase + uppercase + digits + punctuation, nil, ""},
	} {
		p, err := h.password(&c.in)
		if err != nil || len(p) != c.length || strings.Trim(p, c.only) != "" || c.forbidden != "" && strings.ContainsAny(p, c.forbidden) {
			t.Errorf("%s: %q, %v", c.name, p, err)
		}
		for _, set := range c.mustHave {
			if !strings.ContainsAny(p, set) {
				t.Errorf("%s: %q has none of %q", c.name, p, set)
			}
		}
	}
	_, err := h.password(&api.GetRandomPasswordRequest{PasswordLength: new(int64(3))})
	h.want(err, "InvalidParameterException", "Password length is too short based on the required types.")
	_, err = h.password(&api.GetRandomPasswordRequest{ExcludeLowercase: yes, ExcludeUppercase: yes, ExcludePunctuation: yes, ExcludeNumbers: yes})
	h.want(err, "InvalidParameterException", "")
}

// chiSquare is Pearson's statistic of counts that should all be equal.
func chiSquare(counts map[string]int, kinds, total int) float64 {
	expected := float64(total) / float64(kinds)
	sum := float64(kinds-len(counts)) * expected // those that never came
	for _, n := range counts {
		sum += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return sum
}

// threshold is the value that the statistic passes once in about a million times, by the
// approximation of Wilson and Hilferty (z = 4.75).
func threshold(kinds int) float64 {
	k := float64(kinds - 1)
	return k * math.Pow(1-2/(9*k)+4.75*math.Sqrt(2/(9*k)), 3)
}

func TestCharactersAreEquallyLikely(t *testing.T) {
	for _, alphabet := range []string{digits, lowercase + uppercase + digits + punctuation, lowercase + uppercase + digits + punctuation + " ", "ab", "abc"} {
		counts := make(map[string]int)
		const total = 400_000
		for _, b := range randomPassword(total, alphabet, nil) {
			counts[string(b)]++
		}
		if got := chiSquare(counts, len(alphabet), total); got > threshold(len(alphabet)) {
			t.Errorf("%d characters: %f, above %f", len(alphabet), got, threshold(len(alphabet)))
		}
	}
}

// Every password that has all the types it needs is as likely as any other: of three
// characters from ab1 with a letter and a digit there are 18.
func TestPasswordsAreEquallyLikely(t *testing.T) {
	counts := make(map[string]int)
	const total = 180_000
	for range total {
		counts[string(randomPassword(3, "ab1", []string{"ab", "1"}))]++
	}
	if len(counts) != 18 {
		t.Errorf("%d passwords: %v", len(counts), counts)
	}
	if got := chiSquare(counts, 18, total); got > threshold(18) {
		t.Errorf("%f, above %f", got, threshold(18))
	}
}

func BenchmarkGetRandomPassword(b *testing.B) {
	h := newHarness(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.service.GetRandomPassword(bg, &api.GetRandomPasswordRequest{}); err != nil {
			b.Fatal(err)
		}
	}
}
