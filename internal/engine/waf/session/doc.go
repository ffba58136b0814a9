// Package session watches the clients of a site and their tokens: what the targeted rules of AWS's bot
// control look at. A [Watcher] is the waf.Observer of a reference to that group.
//
// A session is the identity of a token that the web ACL accepts. What is noticed:
//
//   - requests without such a token, from the fifth of an address in five minutes on;
//   - sessions with many more requests in five minutes than 95 % of the sessions have: two, four and eight times,
//     and sixteen times, which is the maximum; below 300, 600, 1,000 and 3,000 requests nothing is noticed. There
//     is nothing to compare with in the first five minutes;
//   - tokens that are used from several addresses, countries or autonomous systems in five minutes: low, medium and
//     high are more than 2, 5 and 8 addresses, more than 1, 2 and 3 countries or systems;
//   - what the script of the challenge told of the browser: signs of automation, and what does not fit together;
//   - coordinated activity: many requests in a minute for one part of the site, from clients of one kind — TLS
//     fingerprint and User-Agent — nearly none of which comes from another page: more than 60, and
//     five times as many as usual, from eight addresses (low), or sixteen (medium), or ten times as many from
//     sixteen (high). This is statistics, not machine learning; it begins half an hour after the first request.
//
// The thresholds of tokens are AWS's, the others are ours: AWS does not tell them (AWS WAF Developer Guide, "Bot
// Control rules listing"). Bounds: 65,536 addresses without tokens and as many sessions,
// 16,384 tokens of each kind of reuse, 4,096 kinds of clients. Counts are those of one proxy.
package session
