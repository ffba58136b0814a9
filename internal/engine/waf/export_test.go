package waf

// What the tests in package waf_test share with those in package waf.
var (
	BrowserGet = browserGet
	Checkout   = checkout
	Document   = document
	ThreadTime = threadTime
)
