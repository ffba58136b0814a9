# Reads addresses with Python's parser, and has curl ask for them: a line of JSON each. There is no network: curl tells
# which address it would have asked.
import json, re, socket, subprocess, sys, urllib.parse


def numeric(host):
    try:
        return [x[4][0] for x in socket.getaddrinfo(host.strip("[]"), 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)]
    except Exception:
        return []


def in_python(address):
    u = urllib.parse.urlsplit(address)
    host = u.hostname or ""
    return {"Client": "Python", "Scheme": u.scheme, "Host": host, "IPs": numeric(host)}


def in_curl(address):
    if "\0" in address or not address:
        return None
    r = subprocess.run(["/usr/bin/curl", "-q", "-sv", "-g", "--max-time", "5", "-o", "/dev/null", "--", address], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = r.stderr.decode("utf-8", "replace")
    ips = re.findall(r"^\*\s+Trying ([0-9a-fA-F.:\[\]]+?):\d+\.\.\.", said, re.M)
    host = re.search(r"Could not resolve host: (.*)", said)
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", address)
    known = scheme and "not supported" not in said and r.returncode not in (1, 3)
    return {"Client": "curl", "Scheme": scheme.group(0) if known else "", "Host": host.group(1) if host else "", "IPs": ips}


curls = re.search(r"Protocols: (.*)", subprocess.run(["/usr/bin/curl", "-q", "--version"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()).group(1).split()
for line in sys.stdin:
    q = json.loads(line)
    if "Schemes" in q:
        # urllib.request opens these, local_file by the name of a method of its opener.
        print(json.dumps(["file", "ftp", "data", "local_file", *curls]), flush=True)
        continue
    found = []
    for read in (in_python, in_curl):
        try:
            f = read(q["Address"])
        except ValueError:
            continue
        if f:
            found.append(f)
    print(json.dumps(found), flush=True)
