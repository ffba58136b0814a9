// The Challenge action in a browser: a proof of work for who has scripts, a puzzle for who has none.
import assert from "node:assert/strict";
import { agent, launch, variable } from "./browser.mjs";

const port = { challenge: variable("CHALLENGE"), shared: variable("SHARED") };
const browser = await launch();

// visit opens a page in a context of its own.
async function visit(options, steps) {
  const context = await browser.newContext({ userAgent: agent, ...options });
  context.setDefaultTimeout(30_000);
  const errors = [];
  context.on("weberror", (e) => errors.push(e.error().message));
  context.on("console", (m) => { if (m.type() === "error" && !/Failed to load resource/.test(m.text())) errors.push(m.text()); });
  try {
    const page = await context.newPage();
    const statuses = [];
    page.on("response", (r) => { if (r.request().isNavigationRequest()) statuses.push(r.status()); });
    await steps(page, context, statuses);
    assert.deepEqual(errors, [], "scripts and policies complain");
  } finally {
    await context.close();
  }
}

const tokens = async (context) => (await context.cookies()).filter((c) => c.name === "aws-waf-token");

try {
  for (const [name, host] of [["with WebCrypto", "localhost"], ["with its own SHA-256, since the page has no TLS", "www.shop.example"]]) {
    await visit({}, async (page, context, statuses) => {
      const origin = `http://${host}:${port.challenge}`;
      await page.goto(`${origin}/private/page?q=rock+%26+roll&x=1#part`);
      await page.waitForSelector("#where");
      assert.equal(await page.textContent("#where"), "/private/page?q=rock+%26+roll&x=1");
      assert.equal(await page.textContent("#inserted"), "CHALLENGE", "the rule inserts its field when the token is good");
      assert.equal(page.url(), `${origin}/private/page?q=rock+%26+roll&x=1#part`);
      assert.deepEqual(statuses, [202, 200]);
      const [token, ...more] = await tokens(context);
      assert.equal(more.length, 0);
      assert.equal(token.domain, host, "of this host alone");
      assert.equal(token.sameSite, "Lax");
      assert.equal(token.path, "/");

      // The token counts from now on, for forms too.
      await page.goto(`${origin}/order`);
      await page.fill("textarea", "Tea, for two & \"more\"");
      await page.click("button");
      assert.equal(await page.textContent("#ordered"), "Tea, for two & \"more\"");
      assert.deepEqual(statuses.slice(2), [200, 200]);
    });
    console.log(`ok a challenge is solved ${name}`);
  }

  await visit({}, async (page, context, statuses) => {
    const origin = `http://localhost:${port.challenge}`;
    await page.goto(`${origin}/order`);
    await page.waitForSelector("textarea");
    await page.fill("textarea", "written for an hour");
    await context.clearCookies(); // as when the token has expired
    await page.click("button");
    await page.waitForFunction(() => document.readyState === "complete" && !document.querySelector("textarea"));
    assert.equal(statuses.at(-1), 202, "a form is not answered with a page, which would lose what was written");
    // Any page earns a token, and then Back is the form as it was.
    const other = await context.newPage();
    await other.goto(`${origin}/`);
    await other.waitForSelector("#where");
    await page.goBack();
    await page.waitForSelector("textarea");
    assert.equal(await page.inputValue("textarea"), "written for an hour");
    await page.click("button");
    assert.equal(await page.textContent("#ordered"), "written for an hour");
  });
  console.log("ok a form whose token has expired is not lost, and is sent again after another page was loaded");

  await visit({}, async (page, context) => {
    const origin = `http://localhost:${port.challenge}`;
    await page.goto(`${origin}/order`);
    await page.waitForSelector("textarea");
    await context.clearCookies();
    // What a script does: it sees what it lacks, has a frame earn it, and sends again.
    const got = await page.evaluate(async () => {
      const send = () => fetch("/order", { method: "POST", body: new URLSearchParams({ wish: "by a script" }) });
      const first = await send();
      const frame = document.createElement("iframe");
      frame.src = "/";
      document.body.append(frame);
      await new Promise((done) => {
        const look = setInterval(() => { if (frame.contentDocument?.querySelector("#where")) { clearInterval(look); done(); } }, 20);
      });
      const second = await send();
      return [first.status, first.headers.get("x-amzn-waf-action"), await first.text(), second.status, (await second.text()).includes("by a script")];
    });
    assert.deepEqual(got, [202, "challenge", "", 200, true]);
  });
  console.log("ok a script learns that it is challenged, has a frame solve it, and posts again");

  await visit({}, async (page, context) => {
    // A browser that keeps no cookies.
    await page.addInitScript(() => Object.defineProperty(Document.prototype, "cookie", { get: () => "", set: () => {} }));
    await context.route("**/__fastness-waf/verify", async (route) => {
      const answer = await route.fetch();
      const headers = answer.headers();
      delete headers["set-cookie"];
      await route.fulfill({ response: answer, headers });
      await context.clearCookies();
    });
    await page.goto(`http://localhost:${port.challenge}/`);
    await page.waitForFunction(() => /allow cookies/.test(document.getElementById("state").textContent));
    let loads = 0;
    page.on("request", (r) => { if (r.isNavigationRequest()) loads++; });
    assert.equal(await page.getByRole("status").textContent(), "Please allow cookies for this site and load the page again.");
    assert.equal(loads, 0);
  });
  console.log("ok without cookies the page says so, and does not load itself again and again");

  await visit({}, async (page, context) => {
    await context.route("**/__fastness-waf/verify", (route) => route.fulfill({ status: 403 }));
    await page.goto(`http://localhost:${port.challenge}/there?a=b`);
    const instead = page.getByRole("button", { name: "Solve a puzzle instead" });
    await instead.waitFor();
    await instead.click();
    await page.getByLabel("letters of the picture").waitFor();
    const sealed = await page.inputValue("input[name=p]");
    await page.fill("#answer", await (await fetch(`${variable("SOLVER")}/see?p=${sealed}`)).text());
    await page.click("button");
    assert.equal(await page.textContent("#where"), "/there?a=b");
  });
  console.log("ok who cannot pass by a script can solve a puzzle instead");

  await visit({ javaScriptEnabled: false }, async (page, context, statuses) => {
    await page.goto(`http://localhost:${port.challenge}/private?x=%3Cb%3E`);
    assert.match(await page.innerText("main"), /Without JavaScript, please solve a puzzle/);
    assert.equal(await page.getByRole("button", { name: "Solve a puzzle instead" }).isVisible(), false);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/noscript.png` });
    await page.getByRole("button", { name: "Go to the puzzle" }).click();
    const sealed = await page.inputValue("input[name=p]");
    await page.fill("#answer", await (await fetch(`${variable("SOLVER")}/see?p=${sealed}`)).text());
    await page.getByRole("button", { name: "Continue" }).click();
    assert.equal(await page.textContent("#where"), "/private?x=%3Cb%3E");
    assert.deepEqual(statuses, [202, 200, 303, 200]);
  });
  console.log("ok without JavaScript a puzzle stands in, and leads to the page");

  await visit({}, async (page, context, statuses) => {
    // A token of one host, and without token domains, is none of another, whoever puts it there.
    await page.goto(`http://a.shop.example:${port.challenge}/`);
    await page.waitForSelector("#where");
    const [token] = await tokens(context);
    statuses.length = 0;
    await page.goto(`http://b.shop.example:${port.challenge}/`);
    await page.waitForSelector("#where");
    assert.deepEqual(statuses, [202, 200], "it was not sent");
    const taken = { name: token.name, value: token.value, path: "/", sameSite: "Lax" };
    await context.clearCookies();
    await context.addCookies([{ ...taken, domain: "b.shop.example" }]);
    statuses.length = 0;
    await page.goto(`http://b.shop.example:${port.challenge}/`);
    await page.waitForSelector("#where");
    assert.deepEqual(statuses, [202, 200], "it was sent, and did not count");
    await context.clearCookies();
    await context.addCookies([{ ...taken, domain: "a.shop.example" }]);
    statuses.length = 0;
    await page.goto(`http://a.shop.example:${port.challenge}/`);
    assert.deepEqual(statuses, [200], "it still counts where it is for");
    // Nor for another browser.
    await visit({ userAgent: agent.replace("Linux x86_64", "Linux armv8l") }, async (page, context, statuses) => {
      await context.addCookies([{ ...taken, domain: "a.shop.example" }]);
      await page.goto(`http://a.shop.example:${port.challenge}/`);
      await page.waitForSelector("#where");
      assert.deepEqual(statuses, [202, 200]);
    });
  });
  console.log("ok a token is bound to its host and its browser");

  await visit({}, async (page, context, statuses) => {
    await page.goto(`http://a.shop.example:${port.shared}/`);
    await page.waitForSelector("#where");
    const [token] = await tokens(context);
    assert.equal(token.domain, ".shop.example");
    await page.goto(`http://b.shop.example:${port.shared}/`);
    await page.goto(`http://shop.example:${port.shared}/`);
    assert.deepEqual(statuses, [202, 200, 200, 200]);
  });
  console.log("ok a token of a token domain counts on all its hosts");
} finally {
  await browser.close();
}
