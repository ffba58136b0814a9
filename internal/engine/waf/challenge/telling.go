package challenge

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// telling is what the script told of the browser. A client can tell what it likes: it is a sign, not a proof.
type telling struct {
	flags        uint8
	interactions uint8 // 255 are many
	browser      [8]byte
}

// The flags.
const (
	toldAny = 1 << iota
	toldAutomated
	toldExtension
	toldInconsistent
	toldForm
	toldUse // by the script for applications, which sees what somebody does on a page
)

// maxTold bounds what is told, in bytes.
const maxTold = 1024

// readTelling reads what the script sent with a solution: marks of automation (w), the browser's User-Agent (u),
// platform (p), languages (l) and time zone (z), interactions (i), whether there is a form (f), and whether it is the script for applications (s). It is nil if a
// client sent nothing.
func readTelling(r *request.Request, v url.Values) *telling {
	agent, platform, languages, zone := v.Get("u"), v.Get("p"), v.Get("l"), v.Get("z")
	if agent == "" || len(agent)+len(platform)+len(languages)+len(zone) > maxTold {
		return nil
	}
	t := &telling{flags: toldAny}
	if strings.ContainsAny(v.Get("w"), "wa") {
		t.flags |= toldAutomated
	}
	if strings.Contains(v.Get("w"), "e") {
		t.flags |= toldExtension
	}
	if v.Get("f") == "1" {
		t.flags |= toldForm
	}
	if v.Get("s") == "1" {
		t.flags |= toldUse
	}
	if inconsistent(r, agent, platform, languages) {
		t.flags |= toldInconsistent
	}
	if n, err := strconv.ParseUint(v.Get("i"), 10, 8); err == nil {
		t.interactions = uint8(n)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"browser", agent, platform, languages, zone}, "\x00")))
	copy(t.browser[:], sum[:])
	return t
}

// inconsistent tells whether what the script sees of the browser does not fit what the request says.
func inconsistent(r *request.Request, agent, platform, languages string) bool {
	sent, _ := r.Field("User-Agent")
	if agent != sent {
		return true
	}
	if accepted, _ := r.Field("Accept-Language"); accepted != "" && languages == "" {
		return true
	}
	if platform == "" {
		return false // browsers that want to tell less
	}
	for _, system := range []struct{ agent, platform string }{ // the first that the User-Agent names
		{"Android", "Linux"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Win"}, {"Macintosh", "Mac"}, {"CrOS", "Linux"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, system.agent) {
			return !strings.HasPrefix(platform, system.platform)
		}
	}
	return false
}

// take has t be what is told now; interactions add up as long as the browser keeps its token.
func (t *telling) take(now *telling) {
	sum := min(int(t.interactions)+int(now.interactions), 255)
	used := t.flags & toldUse
	*t = *now
	t.flags |= used
	t.interactions = uint8(sum)
}

// fill tells it in a token.
func (t *telling) fill(out *waf.Token) {
	if t.flags&toldAny == 0 {
		return
	}
	out.Told = true
	out.Automated, out.Extension, out.Inconsistent = t.flags&toldAutomated != 0, t.flags&toldExtension != 0, t.flags&toldInconsistent != 0
	out.Form, out.Used, out.Interactions = t.flags&toldForm != 0, t.flags&toldUse != 0, int(t.interactions)
	out.Browser = hex.EncodeToString(t.browser[:])
}
