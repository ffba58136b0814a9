// Package browser asks Debian's Chromium whether a value is a script: the value is written into pages as careless applications do
// ([Places]), as it is and decoded ([Readings]), the browser shows them, and what their scripts do is seen ([Chromium.Judge]). Nothing
// here knows a rule of the firewall.
//
//	Runs         a script of the value called a function that somebody would notice (alert, print, fetch, a read of cookies, …)
//	Leads        no script, but the page asks another host for something, or for a script, style or page, or leads elsewhere
//	Older        neither, but read as HTML (older.go) it has a handler, an address or an element of scripts, or a style that scripts
//	Neither
//
// That a script was parsed, or failed, is no sign.
//
// The browser reaches no network: no name resolves, and every request of a page is answered here (tab.go) through the Chrome DevTools
// Protocol, which is spoken over pipes (pipe.go). Scripts load and run, pictures are missing, pages that a frame would go to have no content. Its
// profile is a temporary directory.
//
//	place.go     the places, and which values can do something in each
//	judge.go     the order of pages: a value is done with when a script of it has run
//	tab.go       a tab, whose frames (frames.js) show pages at the same time
//	harness.js   what each page gets before anything of its own: functions that tell that they were called, and somebody who clicks
//	older.go     markup that scripts in other browsers
//
// A page takes 2 to 5 ms of a processor, and a value as many pages as it can do something in, 15 on average. Frameworks (AngularJS,
// Vue and jQuery of Debian's packages libjs-angularjs, libjs-vue and libjs-jquery) are places of their own where they are installed.
package browser
