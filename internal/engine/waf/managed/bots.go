package managed

import (
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// bot is a bot in a file: what its User-Agent has, and where it comes from.
type bot struct {
	Name, Category, Organization string
	// Agent is a regular expression on the User-Agent in lower case.
	Agent string
	// ASNs are autonomous systems in which its operator alone has addresses: whoever comes from there is
	// verified. Others are by the operator's list of addresses, the set "Bot-" and the name.
	ASNs []uint32
	// Samples are User-Agents of the bot, for the tests.
	Samples []string
}

// BotSet is the name of the set of addresses that a bot is verified by.
func BotSet(bot string) string { return "Bot-" + bot }

// userAgent is where bots say what they are.
var userAgent = request.Component{Kind: request.SingleHeader, Name: "user-agent"}

// bots adds the rules that label bots with their name, category and organization, and as verified or
// not. AWS verifies by names of hosts; here there are only addresses, which need no questions while a
// request waits.
func (g *Group) bots(list []bot) {
	if len(list) == 0 {
		return
	}
	for i := range list {
		b := &list[i]
		labels := []string{"bot:category:" + b.Category, "bot:name:" + b.Name}
		if b.Organization != "" {
			labels = append(labels, "bot:organization:"+b.Organization)
		}
		g.content(content{name: "(bot " + b.Name + ")", quiet: true, labels: labels, statement: regex(userAgent, b.Agent)})
	}
	for i := range list {
		b := &list[i]
		origin := []waf.Statement{g.from(BotSet(b.Name))}
		if len(b.ASNs) > 0 {
			origin = append(origin, waf.Statement{ASN: &waf.ASNMatch{ASNs: b.ASNs}})
		}
		g.content(content{
			name: "(origin of " + b.Name + ")", quiet: true, labels: []string{"bot:verified"},
			statement: waf.Statement{And: append(g.labelled([]string{"bot:name:" + b.Name}), either(origin))},
		})
	}
	verified := either(g.labelled([]string{"bot:verified"}))
	g.content(content{
		name: "(unverified)", quiet: true, labels: []string{"bot:unverified"},
		statement: waf.Statement{And: append(g.labelled([]string{"bot:name:"}), waf.Statement{Not: &verified})},
	})
}

// notABrowser are signs of a User-Agent that is not that of a browser: it is missing, has not the form
// that those of browsers have, or says that it is only compatible with one, which Internet Explorer alone
// did.
func notABrowser() []waf.Statement {
	browser, explorer := regex(userAgent, `^mozilla/[45]\.0 \(|^opera/[0-9]`), regex(userAgent, `^mozilla/[45]\.0 \(compatible; msie`)
	return []waf.Statement{
		missing(userAgent.Name), {Not: &browser},
		{And: []waf.Statement{regex(userAgent, `^mozilla/[45]\.0 \(compatible`), {Not: &explorer}}},
	}
}
