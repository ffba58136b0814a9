// Reads messages with Node's parser: a line of JSON each.
const { HTTPParser } = require('_http_common');

function read(kind, raw, lenient) {
  const a = { Names: [], Body: '', More: -1, Error: '' };
  const body = [];
  const p = new HTTPParser();
  p.initialize(kind === 'response' ? HTTPParser.RESPONSE : HTTPParser.REQUEST, {}, 1 << 20, lenient);
  const take = (list) => {
    if (a.More < 0 && list) for (let i = 0; i < list.length; i += 2) a.Names.push(String(list[i]).toLowerCase());
  };
  p[HTTPParser.kOnHeaders] = take;
  p[HTTPParser.kOnHeadersComplete] = (major, minor, list) => { take(list); return 0; };
  p[HTTPParser.kOnBody] = (b, at, n) => { if (a.More < 0) body.push(Buffer.from(at === undefined ? b : b.subarray(at, at + n))); };
  p[HTTPParser.kOnMessageComplete] = () => { a.More++; };
  const r = p.execute(raw);
  p.finish();
  p.close();
  if (r instanceof Error && a.More < 0) a.Error = String(r.code || r.reason || 'refused');
  a.More = Math.max(a.More, 0);
  a.Body = Buffer.concat(body).toString('base64');
  return a;
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const q = JSON.parse(line);
  console.log(JSON.stringify(read(q.Kind, Buffer.from(q.Raw, 'base64'), q.Lenient ? HTTPParser.kLenientAll : HTTPParser.kLenientNone)));
});
