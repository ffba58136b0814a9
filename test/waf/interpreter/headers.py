# Reads messages with Python's http.client and email: a line of JSON each.
import base64, email, email.errors, http.client, io, json, sys


class Connection:
    def __init__(self, raw):
        self.stream = io.BytesIO(raw)

    def makefile(self, *args):
        return self.stream


def whole(message):
    """A line that is no field is an error, though the reader goes on with a body."""
    if any(isinstance(d, email.errors.MissingHeaderBodySeparatorDefect) for d in message.defects):
        raise ValueError("a line is no field")


def response(raw):
    stream = Connection(raw)
    r = http.client.HTTPResponse(stream)
    r.begin()
    whole(r.headers)
    names = [k.lower() for k, _ in r.getheaders()]
    try:
        body = r.read()
    except http.client.IncompleteRead as e:
        body = e.partial
    return names, body, stream.stream


def request(raw):
    stream = io.BytesIO(raw)
    line = stream.readline(65537).decode("iso-8859-1").rstrip("\r\n")
    words = line.split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ValueError("no request line")
    headers = http.client.parse_headers(stream)
    whole(headers)
    return [k.lower() for k in headers.keys()], stream.read(int(headers.get("Content-Length") or 0)), stream


for line in sys.stdin:
    q = json.loads(line)
    raw = base64.b64decode(q["Raw"])
    a = {"Names": [], "Body": "", "More": 0, "Error": ""}
    try:
        if q["Kind"] == "mail":
            m = email.message_from_bytes(raw)
            whole(m)
            a["Names"] = [k.lower() for k in m.keys()]
            body = raw.split(b"\r\n\r\n", 1)[-1] if m.is_multipart() else m.get_payload().encode("utf-8", "surrogateescape")
        else:
            read = response if q["Kind"] == "response" else request
            a["Names"], body, stream = read(raw)
            rest = stream.read() if not stream.closed else b""
            while rest:
                try:
                    _, _, stream = read(rest)
                except Exception:
                    break
                a["More"] += 1
                rest = stream.read() if not stream.closed else b""
        a["Body"] = base64.b64encode(body).decode()
    except Exception as e:
        a["Error"] = repr(e)[:200] or "refused"
    a["Names"] = [n.encode("utf-8", "replace").decode() for n in a["Names"]]
    print(json.dumps(a), flush=True)
