// Package live has the tests of the firewall with what its users have: Chromium, sqlmap, nginx, Caddy
// and WordPress from Debian's packages, against the built program. It has no code of its own.
//
//	challenge_test.go                   Challenge and CAPTCHA actions in a browser, with and without scripts
//	integration_test.go                 pages whose scripts call AwsWafIntegration and AwsWafCaptcha
//	traces_test.go                      people who use a shop (package shop) and see no block
//	wordpress_test.go                   the same with WordPress
//	sqlmap_test.go                      sqlmap gets rows from the shop, and none through the proxy
//	forwardauth_test.go                 nginx and Caddy ask before they forward
//	propagation_test.go                 a change of a web ACL or an IP set at proxies here and elsewhere
//
// A browser is driven by Playwright (playwright/*.mjs). A missing program fails a test, which names the
// Debian package; test/deps.sh installs them.
package live
