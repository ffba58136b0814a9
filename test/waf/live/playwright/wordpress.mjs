// Somebody blogs with WordPress, and others comment.
import assert from "node:assert/strict";
import { launch, variable, watched } from "./browser.mjs";

const site = variable("SITE");
const browser = await launch();
const { context, seen } = await watched(browser);
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const picture = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const password = variable("PASSWORD");

async function follow(target) {
  const [answer] = await Promise.all([page.waitForNavigation(), target.click()]);
  assert.ok(answer.status() < 400, `${answer.status()} at ${answer.url()}`);
}

const code = `<!-- wp:paragraph -->
<p>It's <strong>new</strong>: "rock &amp; roll" -- see <a href="https://example.com/?a=1&amp;b=2#c" target="_blank" rel="noreferrer noopener">the list</a>; select from it, or order by price.</p>
<!-- /wp:paragraph -->

<!-- wp:code -->
<pre class="wp-block-code"><code>for (let i = 0; i &lt; 10 &amp;&amp; ok; i++) { list.push("it's " + i); }
SELECT name, price FROM products WHERE price &lt; 100 ORDER BY name;</code></pre>
<!-- /wp:code -->

<!-- wp:heading {"level":3,"style":{"color":{"text":"#aa0000"}}} -->
<h3 class="has-text-color" style="color:#aa0000">What's next?</h3>
<!-- /wp:heading -->

<!-- wp:table {"className":"is-style-stripes"} -->
<figure class="wp-block-table is-style-stripes"><table><tbody><tr><td>a &lt; b</td><td>c | d</td></tr></tbody></table><figcaption>A 'table'</figcaption></figure>
<!-- /wp:table -->

<!-- wp:list --><ul><li>one &amp; two</li><li>C++ &lt;vector&gt;</li></ul><!-- /wp:list -->`;

try {
  await page.goto(`${site}/wp-login.php?redirect_to=${encodeURIComponent(`${site}/wp-admin/options-general.php?tab=all&lang=en`)}&reauth=1`);
  await page.fill("#user_login", "anne.o");
  await page.fill("#user_pass", "not 'this' one; or is it?");
  await follow(page.locator("#wp-submit"));
  assert.ok(await page.$("#login_error"));
  // WordPress empties the field 200 ms after the page has come, and then puts the cursor there.
  await page.waitForFunction(() => document.activeElement?.id === "user_pass");
  await page.fill("#user_pass", password);
  await follow(page.locator("#wp-submit"));
  assert.ok(await page.$("#wpadminbar"));

  await page.goto(`${site}/wp-admin/options-general.php`);
  await page.fill("#blogdescription", "Rock 'n' roll & <more> -- since 1999; 100% \"true\"");
  await page.selectOption("#timezone_string", "Europe/Dublin");
  await page.check("input[name=date_format][value='\\\\c\\\\u\\\\s\\\\t\\\\o\\\\m']");
  await page.fill("#date_format_custom", "l, jS \\o\\f F Y");
  await follow(page.locator("#submit"));
  assert.equal(await page.inputValue("#blogdescription"), "Rock 'n' roll & <more> -- since 1999; 100% \"true\"");

  await page.goto(`${site}/wp-admin/`);
  if (await page.$("#quick-press #title")) {
    await page.fill("#quick-press #title", "Draft: what's <new> & \"hot\"?");
    await page.fill("#quick-press #content", "Union of ideas; select one from the table where it's written -- don't drop any!");
    await page.click("#quick-press #save-post");
    await page.waitForSelector("#dashboard_quick_press .drafts li");
  }

  await page.goto(`${site}/wp-admin/profile.php`);
  await page.fill("#first_name", "Anne-Marie");
  await page.fill("#last_name", "O'Neil-D'Arcy");
  await page.fill("#url", "https://anne.example.com/~anne/?lang=en&theme=dark");
  await page.fill("#description", "I write about SQL (SELECT, UNION & friends), shells and <html>. Mail me: anne@example.com; or don't.");
  await follow(page.locator("#submit"));
  assert.ok(await page.$("#message.updated"));

  await page.goto(`${site}/wp-admin/media-new.php?browser-uploader`);
  await page.setInputFiles("#async-upload", { name: "Anne's best (50%) picture & more.png", mimeType: "image/png", buffer: picture });
  await follow(page.locator("#html-upload"));

  // The block editor, which talks to the REST API.
  await page.goto(`${site}/wp-admin/post-new.php`);
  await page.waitForFunction(() => window.wp?.data?.select("core/editor")?.getCurrentPostId());
  const saved = await page.evaluate(async (content) => {
    const { dispatch, select } = window.wp.data;
    await dispatch("core/editor").editPost({ title: "What's new? \"C++\" & <b>SQL</b> -- part 1/2", content, excerpt: "It's short; isn't it?", status: "publish" });
    await dispatch("core/editor").savePost();
    return { link: select("core/editor").getPermalink(), ok: select("core/editor").didPostSaveRequestSucceed(), id: select("core/editor").getCurrentPostId() };
  }, code);
  assert.ok(saved.ok, "the post is saved");
  const tags = await page.evaluate(() => window.wp.apiFetch({ path: "/wp/v2/tags", method: "POST", data: { name: "rock & roll", description: "it's <loud>; really" } }).then((t) => t.name));
  assert.match(tags, /rock/);
  await page.evaluate(() => window.wp.apiFetch({ path: "/wp/v2/search?search=" + encodeURIComponent("it's & more") + "&per_page=20&type=post&_fields=id,title" }));

  await page.goto(`${site}/?p=${saved.id}`);
  assert.match(await page.textContent(".entry-content"), /SELECT name, price FROM products WHERE price < 100 ORDER BY name;/);
  let comments = 0;
  for (const comment of ["It's great! if (a < b && c > d) return x; -- or so.\n\nI'd <em>select</em> the 2nd from the list; 100%.", "Use std::map<int, std::string> m; and \"quotes\" & 'apostrophes'."]) {
    await page.goto(`${site}/?p=${saved.id}`);
    await page.fill("#comment", comment);
    await follow(page.locator("#commentform #submit"));
    assert.equal(await page.locator(".comment-list li.comment").count(), ++comments);
  }

  for (const q of ["rock & roll", "what's new", "c++ <vector> select", "\"exact\" -minus"]) {
    await page.goto(`${site}/?s=${encodeURIComponent(q).replaceAll("%20", "+")}`);
    assert.match(await page.title(), /Search Results|results/i);
  }
  await page.goto(`${site}/wp-admin/edit.php?s=it%27s+new&post_status=all&post_type=post&_wpnonce=abc&action=-1&m=0&cat=0&paged=1&action2=-1`);
  await page.goto(`${site}/wp-admin/options-permalink.php`);
  await page.check("input[name=selection][value='/%year%/%monthnum%/%day%/%postname%/'], input[name=selection][value*='%postname%']");
  await follow(page.locator("#submit"));
  await page.goto(`${site}/wp-admin/edit-comments.php`);
  await page.goto(`${site}/?feed=rss2`).catch(() => {});

  const refused = seen.refused.filter((r) => !/^404 GET/.test(r));
  assert.deepEqual(refused, []);
  console.log(`${seen.requests} requests, ${seen.pages.size} pages, ${seen.forms.size} forms and calls: no block`);
} catch (e) {
  for (const r of seen.refused) console.error("refused:", r);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/wordpress.png` });
  throw e;
} finally {
  await browser.close();
}
