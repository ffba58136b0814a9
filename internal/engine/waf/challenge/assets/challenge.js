// The script for applications, with the names of AWS's: AwsWafIntegration.getToken, hasToken, fetch,
// forceRefreshToken, checkForceRefresh, saveReferrer.
window.AwsWafIntegration = window.AwsWafIntegration || (() => {
  "use strict";
  const inputs = "/__fastness-waf/inputs";
  // In milliseconds: the immunity time is 300 s unless a web ACL sets another.
  const renewal = 240000, immunity = 300000;
  const patience = 2000; // milliseconds that getToken waits (AWS WAF Developer Guide, "How to use the integration getToken")
  const enough = 10;     // interactions that are worth a new token
  const kept = "fastness-waf-referrer";
  let running = null;

  async function acquire() {
    const answer = await fetch(inputs, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Error("no challenge: status " + answer.status);
    await fastnessWAF.earn(await answer.json(), true);
    fastnessWAF.earned = Date.now();
    if (!fastnessWAF.token()) throw new Error("the browser keeps no cookie");
    return fastnessWAF.token();
  }
  // One at a time: who asks meanwhile gets the same.
  const forceRefreshToken = () => running || (running = acquire().finally(() => { running = null; }));
  const age = () => Date.now() - fastnessWAF.earned;
  // A token that was there when the page was loaded may be of any age.
  const hasToken = () => fastnessWAF.token() !== "" && (fastnessWAF.earned === 0 || age() < immunity);
  const fresh = () => fastnessWAF.token() !== "" && age() < renewal && fastnessWAF.interactions() < enough;
  const current = async () => (fresh() ? fastnessWAF.token() : forceRefreshToken());
  const checkForceRefresh = async () => !fresh();

  function getToken() {
    let timer;
    const late = new Promise((_, refuse) => { timer = setTimeout(() => refuse(new Error("no token within two seconds")), patience); });
    return Promise.race([current(), late]).finally(() => clearTimeout(timer));
  }

  // fetch sends the token along: the cookie goes to this site, the field to others. It waits for the token
  // as long as it takes.
  async function withToken(resource, options) {
    const token = await current();
    const request = new Request(resource, options);
    if (new URL(request.url).origin !== location.origin) request.headers.set("x-aws-waf-token", token);
    return fetch(request);
  }

  // saveReferrer keeps where the browser came from for the page that takes this one's place.
  function saveReferrer() {
    try { sessionStorage.setItem(kept, document.referrer); } catch { /* no storage */ }
  }
  try {
    const from = sessionStorage.getItem(kept);
    sessionStorage.removeItem(kept);
    if (from) Object.defineProperty(document, "referrer", { configurable: true, get: () => from });
  } catch { /* no storage */ }

  // Who fills in a form has a token that says so before it is sent.
  fastnessWAF.hooks.interacted = (n) => { if (n === enough) forceRefreshToken().catch(() => {}); };
  setInterval(() => { if (!fresh()) forceRefreshToken().catch(() => {}); }, 60000);
  current().catch(() => {});
  return { getToken, hasToken, fetch: withToken, forceRefreshToken, checkForceRefresh, saveReferrer };
})();
