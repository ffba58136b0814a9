// Package surge notices floods of requests: what AWS's rule group against distributed denial of service
// (AntiDDoS) looks at. A [Watcher] is the waf.Observer of a reference to that group.
//
// # Events
//
// Requests are counted in spans of two seconds. What is usual is learned from those outside of events, for five
// minutes at first: until then there are no events. An event begins when two spans one after the other have
// more requests than usual — three times as many, six deviations, and 100 at least — or
// when one has three times as many as that, which is seen before it ends. It ends when thirty seconds
// were as usual. While it lasts what is usual is learned ten times more slowly: what lasts for hours is no
// flood.
//
// # Suspicion
//
// During an event a request is suspicious by how many requests its client made in the last ten seconds,
// compared with what 95 % of clients make in ten seconds at other times: more than twice as many is low
// suspicion, four times medium, eight times high. Requests of a kind of client — those
// with the same TLS fingerprint, User-Agent and languages — of which there are ten times as many as usual, and which
// are a fifth of all, are one level more suspicious: many clients of one tool make few requests each.
//
// # Bounds
//
// 65,536 clients and 2,048 kinds are told apart. All times are those of the requests. Counts are those
// of one proxy.
package surge
