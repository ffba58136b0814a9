// Reads addresses with Node's two parsers: a line of JSON each.
const url = require('url');

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const q = JSON.parse(line);
  if (q.Schemes) return console.log(JSON.stringify(['http', 'https']));
  const found = [];
  for (const [client, parse] of [['Node, URL', (a) => new URL(a)], ['Node, url.parse', (a) => url.parse(a)]]) {
    try {
      const u = parse(q.Address);
      found.push({ Client: client, Scheme: (u.protocol || '').replace(/:$/, ''), Host: u.hostname || '', IPs: [] });
    } catch { /* it is no address */ }
  }
  console.log(JSON.stringify(found));
});
process.on('warning', () => {});
