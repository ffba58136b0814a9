package waf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// vocabularies are words of several scripts, of which sentences are made; none is of the text that detectors learn from as it stands there.
var vocabularies = map[string]string{
	"English": "yesterday our neighbours planted eleven apple trees behind the old barn although it had rained for weeks and nobody believed that they would grow " +
		"every morning a girl from the village carried water to them until spring came with warm winds over the hills",
	"German":   "gestern haben unsere Nachbarn elf Apfelbäume hinter der alten Scheune gepflanzt obwohl es wochenlang geregnet hatte und niemand daran glaubte dass sie wüchsen",
	"French":   "hier nos voisins ont planté onze pommiers derrière la vieille grange bien qu’il ait plu pendant des semaines et personne n’y croyait vraiment à l’époque",
	"Russian":  "вчера наши соседи посадили одиннадцать яблонь за старым сараем хотя дождь шёл неделями и никто не верил что они вырастут",
	"Greek":    "χθες οι γείτονές μας φύτεψαν έντεκα μηλιές πίσω από τον παλιό αχυρώνα αν και έβρεχε για εβδομάδες",
	"Chinese":  "昨天 我们的 邻居 在 旧谷仓 后面 种了 十一棵 苹果树 虽然 下了 几个星期的 雨 没有人 相信 它们 会长大",
	"Japanese": "昨日 隣の人たちが 古い納屋の 裏に りんごの木を 十一本 植えました 何週間も 雨が 降っていたのに 誰も 育つとは 思いませんでした",
	"Arabic":   "أمس زرع جيراننا إحدى عشرة شجرة تفاح خلف الحظيرة القديمة رغم أن المطر هطل لأسابيع ولم يصدق أحد أنها ستنمو",
	"Hindi":    "कल हमारे पड़ोसियों ने पुराने खलिहान के पीछे ग्यारह सेब के पेड़ लगाए हालाँकि हफ्तों से बारिश हो रही थी",
}

// ordinaryBodies are bodies of about size bytes of the kinds that people and programs send, by name; kinds are their Content-Type.
func ordinaryBodies(size int) (bodies map[string][]byte, kinds map[string]string) {
	rng := rand.New(rand.NewPCG(11, uint64(size)))
	bodies, kinds = map[string][]byte{}, map[string]string{}
	until := func(n int, more func(b *strings.Builder)) string {
		var b strings.Builder
		for b.Len() < n {
			more(&b)
		}
		return strings.ToValidUTF8(b.String()[:n], "")
	}
	sentence := func(words []string) string {
		n := 4 + rng.IntN(14)
		list := make([]string, n)
		for i := range list {
			list[i] = words[rng.IntN(len(words))]
			if rng.IntN(9) == 0 && i < n-1 {
				list[i] += []string{",", ",", ";", ":", " -"}[rng.IntN(5)]
			}
		}
		s := strings.Join(list, " ")
		return strings.ToUpper(s[:1]) + s[1:] + []string{". ", ". ", ". ", "? ", "! ", ".\n", ".\n\n", " (" + list[0] + "). ", " \"" + list[1] + "\". "}[rng.IntN(9)]
	}
	english := strings.Fields(vocabularies["English"])
	inJSON := func(name, text string) {
		b, err := json.Marshal(map[string]any{"id": 17, "title": "a text", "text": text})
		if err != nil {
			panic(err)
		}
		bodies[name], kinds[name] = b, "application/json"
	}
	for name, list := range vocabularies {
		words := strings.Fields(list)
		inJSON(name, until(size, func(b *strings.Builder) { b.WriteString(sentence(words)) }))
	}
	bodies["English in a form"] = []byte(url.Values{"subject": {"A story"}, "message": {until(size*5/6, func(b *strings.Builder) { b.WriteString(sentence(english)) })}}.Encode())
	kinds["English in a form"] = "application/x-www-form-urlencoded"
	inJSON("HTML", until(size*2/3, func(b *strings.Builder) {
		fmt.Fprintf(b, "<p>%s<a href=\"/story/%d?page=%d\">%s</a> <b>%s</b></p>\n<ul><li>%s</li></ul><br>\n", sentence(english), rng.IntN(1000), rng.IntN(9), english[rng.IntN(30)], english[rng.IntN(30)], sentence(english))
	}))
	inJSON("CSV", until(size, func(b *strings.Builder) {
		fmt.Fprintf(b, "%d,%s,\"%s %s\",%d.%02d,2026-%02d-%02d,%t\n", rng.IntN(1e6), english[rng.IntN(30)], english[rng.IntN(30)], english[rng.IntN(30)], rng.IntN(1000), rng.IntN(100), 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(2) == 0)
	}))
	data := make([]byte, size*3/4)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	inJSON("base64", base64.StdEncoding.EncodeToString(data))
	var items []any
	for n := 0; n < size; n += 260 {
		items = append(items, map[string]any{
			"id": rng.IntN(1e6), "uuid": fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Uint64()>>16),
			"name": english[rng.IntN(30)] + " " + english[rng.IntN(30)], "email": english[rng.IntN(30)] + "@mail.example", "price": float64(rng.IntN(1e5)) / 100, "active": rng.IntN(2) == 0,
			"tags": []string{english[rng.IntN(30)], english[rng.IntN(30)]}, "created_at": fmt.Sprintf("2026-%02d-%02dT12:30:45Z", 1+rng.IntN(12), 1+rng.IntN(28)), "note": sentence(english),
		})
	}
	bodies["JSON"], _ = json.Marshal(map[string]any{"items": items})
	kinds["JSON"] = "application/json"
	return bodies, kinds
}

// TestAYoungProgramPassesOrdinaryBodies evaluates a large body of each kind as the first request of a program and of a detector that were just made, and smaller
// ones after it: none may be refused for what it costs while automata learn.
func TestAYoungProgramPassesOrdinaryBodies(t *testing.T) {
	large, kinds := ordinaryBodies(60 << 10)
	for name, kind := range kinds {
		p := managedSteps(t, 0, true, 0, 0)
		s := waf.NewScratch(request.DefaultLimits())
		try := func(body []byte) {
			body = bytes.TrimSpace(body)
			r := waf.BrowserGet()
			r.Method, r.Target, r.Body = "POST", "/api/items", body
			r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: kind})
			before := s.Steps()
			v, err := p.Evaluate(r, nil, s)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d bytes, %.1f million steps", name, len(body), float64(s.Steps()-before)/1e6)
			if v.Exhausted {
				t.Errorf("%s: %d bytes are not judged whole", name, len(body))
			}
		}
		try(large[name])
		for _, size := range []int{30 << 10, 8 << 10, 1 << 10} {
			small, _ := ordinaryBodies(size)
			try(small[name])
		}
	}
}

// TestAYoungCoreRuleSetJudgesOrdinaryBodiesWhole has the Core Rule Set, which may well find something in them, look at all of bodies in its first requests. (Of larger ones
// libinjection may not read all, however old the program is: see inject.DefaultBudget.)
func TestAYoungCoreRuleSetJudgesOrdinaryBodiesWhole(t *testing.T) {
	p := coreRuleSetACL(t, 0)
	s := waf.NewScratch(request.DefaultLimits())
	bodies, kinds := ordinaryBodies(24 << 10)
	for _, name := range []string{"English", "JSON", "HTML", "Chinese"} {
		r := waf.BrowserGet()
		r.Method, r.Target, r.Body = "POST", "/api/items", bodies[name]
		r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: kinds[name]})
		v, err := p.Evaluate(r, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		if v.Exhausted {
			t.Errorf("%s: %d bytes are not judged whole", name, len(r.Body))
		}
	}
}
