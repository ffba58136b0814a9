package corpus

import (
	"crypto/sha1"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// halfOf decides which half a collection is in, by the parity of the first byte of its name's SHA-1: before anybody has
// seen what is in it. Nothing is protected by it: it only has to be nobody's choice.
func halfOf(repo string) Half { return sha1.Sum([]byte(repo))[0]%2 == 1 }

// browsed are collections of recorded browsing (HTTP archives, and logs of Chrome's protocol written as such, of
// which requests alone are kept), from a few requests to those of hundreds of sites.
var browsed = []string{
	"AltAdamNguyen+test-har",
	"BlueCore6989+HAR",
	"LamhotJM+har",
	"MohamedAlaa+HAR2CSV",
	"SebastianStiehl+HARVisualizer",
	"YogiChawla+Python",
	"alikemalocalan+vk-album-downloader",
	"bdelnoz+brave-fb-onlyme-extension-extract-info",
	"dabbleintech+francisco",
	"datta-ng+test",
	"ericduran+chromeHAR",
	"iiithyd-websec+CORP-Headers",
	"j-liang18+j-liang18.github.io",
	"jiaxianh+hello-world",
	"jindo6996+analys-har-file",
	"jonbrinsonhome-spec+pywy",
	"joshianant34+HAR",
	"joychester+Clip",
	"jvdmeiden+har-viewer",
	"makkar-nishant123+omniture",
	"mmamyrov+DSCE-cache",
	"mrichman+hargo",
	"ninoseki+playwright-har-tracer",
	"nituthakur+gatlings",
	"nrfalahsa+Scrp-Daring-Suka",
	"pmeenan+waterfall-tools",
	"renghardt+web-measurement-tools",
	"sanjaipk+HouseSigmaAutomationUI",
	"sankhlasaini+JSON_to_EXCEL",
	"sitespeedio+compare",
	"skalamera+trackercentral",
	"surajthk+bmp",
	"tomboy40+quickwin",
	"xyqmoruina+PrivacyPolicyCrawler",
	"yashinshekh+nike",
}

// browsing makes sources of the collections of recorded browsing, and of those that were found with them.
func browsing() (all []source) {
	for _, repo := range browsed {
		all = append(all, source{halfOf(repo), repo, OrdinaryRq, []string{"**/*.har"}, nil, archives})
	}
	other := func(repo string, whole func(string, func(Sample)) error, globs ...string) {
		all = append(all, source{halfOf(repo), repo, OrdinaryRq, globs, nil, whole})
	}
	other("the-markup+blacklight-collector", trackers, "**/*.ndjson")
	other("TeamNewPipe+NewPipeExtractor", mocks, "**/*.json")
	other("elastic+examples", accesses, "Common Data Formats/apache_logs/apache_logs")
	other("WhichBrowser+Parser-PHP", agentHeaders, "**/*.yaml")
	other("faisalman+ua-parser-js", agentNames, "**/*.json")
	other("prebid+prebid-server", bids, "**/*.json")
	return all
}

// trackers reads the addresses of advertising and measurement that pages asked for, in a log of a collector.
func trackers(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		var x struct {
			Type, URL string
			Message   struct{ Type, URL string }
		}
		if json.Unmarshal([]byte(l), &x) != nil {
			return
		}
		for _, u := range []string{x.URL, x.Message.URL} {
			if s := visit("GET", u, nil, ""); s != nil {
				add(*s)
			}
		}
	})
}

// mocks reads the recorded calls of a client of video and music sites, whose bodies are numbers of bytes.
func mocks(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var x struct {
		Request struct {
			Method     string `json:"httpMethod"`
			URL        string
			Headers    map[string][]string
			DataToSend []int8
		}
	}
	if json.Unmarshal(b, &x) != nil {
		return nil
	}
	var fields [][2]string
	for _, k := range sortedKeys(x.Request.Headers) {
		for _, v := range x.Request.Headers[k] {
			fields = append(fields, [2]string{k, v})
		}
	}
	body := make([]byte, len(x.Request.DataToSend))
	for i, c := range x.Request.DataToSend {
		body[i] = byte(c)
	}
	if s := visit(x.Request.Method, x.Request.URL, fields, string(body)); s != nil {
		add(*s)
	}
	return nil
}

var accessLine = regexp.MustCompile(`"([A-Z]+) (\S+) HTTP/1\.[01]" \d+ \S+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"`)

// accesses reads the requests in a server's log in the combined format.
func accesses(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		m := accessLine.FindStringSubmatch(l)
		if m == nil || m[4] == "-" || m[4] == "" { // without a User-Agent all are blocked
			return
		}
		fields := [][2]string{{"User-Agent", strings.ReplaceAll(m[4], `\"`, `"`)}}
		if m[3] != "-" && m[3] != "" {
			fields = append(fields, [2]string{"Referer", strings.ReplaceAll(m[3], `\"`, `"`)})
		}
		add(*Exchange(m[1], "blog.example", m[2], fields, ""))
	})
}

// agentHeaders reads fixtures in YAML whose header fields stand in a line.
func agentHeaders(path string, add func(Sample)) error {
	return eachLine(path, func(l string) {
		_, agent, found := strings.Cut(l, "headers: ")
		if !found {
			return
		}
		agent = strings.TrimSpace(agent)
		if strings.HasPrefix(agent, `"`) {
			if s, err := strconv.Unquote(agent); err == nil {
				agent = s
			}
		}
		if agent, found = strings.CutPrefix(strings.Trim(agent, `'"`), "User-Agent: "); found && len(agent) > 10 {
			add(*Exchange("GET", "shop.example", "/", [][2]string{{"User-Agent", agent}}, ""))
		}
	})
}

// agentNames reads fixtures in JSON that have a User-Agent in a field named "ua".
func agentNames(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []struct{ UA string }
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for _, x := range all {
		if len(x.UA) > 10 {
			add(*Exchange("GET", "shop.example", "/", [][2]string{{"User-Agent", x.UA}}, ""))
		}
	}
	return nil
}

// bids reads the bid requests (OpenRTB) that an auction of advertisements gets, and what it sends to bidders.
func bids(path string, add func(Sample)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var x struct {
		MockBidRequest json.RawMessage
		HTTPCalls      []struct {
			ExpectedRequest struct {
				URI  string
				Body json.RawMessage
			}
		}
	}
	if json.Unmarshal(b, &x) != nil {
		return nil
	}
	media := [][2]string{{"Content-Type", "text/plain"}} // as Prebid.js sends it
	if x.MockBidRequest != nil {
		add(*Exchange("POST", "ads.example", "/openrtb2/auction", media, string(x.MockBidRequest)))
	}
	for _, c := range x.HTTPCalls {
		body := string(c.ExpectedRequest.Body)
		if body == "null" || strings.HasPrefix(body, `"`) {
			body = ""
		}
		method := "GET"
		if body != "" {
			method = "POST"
		}
		if u, err := url.Parse(c.ExpectedRequest.URI); err != nil || strings.Contains(u.Host, "localhost") || strings.Count(u.Host, ".") == 0 {
			continue
		}
		if s := visit(method, c.ExpectedRequest.URI, [][2]string{{"Content-Type", "application/json"}}, body); s != nil {
			add(*s)
		}
	}
	return nil
}

var sources = slices.Concat(listed, browsing(), payloads())
