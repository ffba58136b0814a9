package everyday

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Written makes values as programs write them, with words here and there: numbers, dates, identifiers, addresses.
func Written(words []string, rng *rand.Rand) []string {
	word := func() string { return strings.ToLower(strings.Trim(words[rng.IntN(len(words))], ".,;:()\"'")) }
	date := fmt.Sprintf("%d-%02d-%02d", 1970+rng.IntN(70), 1+rng.IntN(12), 1+rng.IntN(28))
	return []string{
		fmt.Sprint(rng.IntN(1e6)), fmt.Sprint(rng.Uint64()), fmt.Sprintf("%d.%02d", rng.IntN(1e4), rng.IntN(100)), date, date + "T12:30:45Z", fmt.Sprintf("%s %02d:%02d:%02d", date, rng.IntN(24), rng.IntN(60), rng.IntN(60)),
		fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Uint64()>>16), fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), fmt.Sprintf("%x", rng.Uint32()),
		word(), word() + " " + word(), word() + "_" + word(), word() + "-" + word(), word() + "." + word() + "@" + word() + ".example", "https://" + word() + ".example/" + word() + "/" + fmt.Sprint(rng.IntN(1e5)), "/" + word() + "/" + word() + ".html",
	}
}

// Names makes names of members of lists in JSON, as rules see them.
func Names(words []string, rng *rand.Rand) []string {
	word := func() string { return strings.ToLower(strings.Trim(words[rng.IntN(len(words))], ".,;:()\"'")) }
	member := fmt.Sprintf("json.%s.%d.", word(), rng.IntN(3000))
	return []string{member + word(), member + word() + "_id", member + word() + ".0", member + word() + "_at", member + "uuid", member + "name", member + "email"}
}
