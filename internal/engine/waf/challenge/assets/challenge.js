// The script for applications, with the names of AWS's: AwsWafIntegration.getToken, hasToken, fetch,
// forceRefreshToken.
window.AwsWafIntegration = window.AwsWafIntegration || (() => {
  "use strict";
  const inputs = "/__fastness-waf/inputs";
  const age = 240000; // milliseconds; the immunity time is 300 s unless a web ACL sets another
  const enough = 10;  // interactions that are worth a new token
  let earned = 0, running = null;

  async function acquire() {
    const answer = await fetch(inputs, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Error("no challenge: status " + answer.status);
    await fastnessWAF.earn(await answer.json(), true);
    earned = Date.now();
    if (!fastnessWAF.token()) throw new Error("the browser keeps no cookie");
    return fastnessWAF.token();
  }
  // One at a time: who asks meanwhile gets the same.
  const forceRefreshToken = () => running || (running = acquire().finally(() => { running = null; }));
  const hasToken = () => fastnessWAF.token() !== "";
  const fresh = () => hasToken() && Date.now() - earned < age && fastnessWAF.interactions() < enough;
  const getToken = async () => (fresh() ? fastnessWAF.token() : forceRefreshToken());

  // fetch sends the token along: the cookie goes to this site, the field to others.
  async function withToken(resource, options) {
    const token = await getToken();
    const request = new Request(resource, options);
    if (new URL(request.url).origin !== location.origin) request.headers.set("x-aws-waf-token", token);
    return fetch(request);
  }

  // Who fills in a form has a token that says so before it is sent.
  fastnessWAF.hooks.interacted = (n) => { if (n === enough) forceRefreshToken().catch(() => {}); };
  setInterval(() => { if (!fresh()) forceRefreshToken().catch(() => {}); }, 60000);
  getToken().catch(() => {});
  return { getToken, hasToken, fetch: withToken, forceRefreshToken };
})();
