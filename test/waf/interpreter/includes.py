# Has nginx show pages with a value, and tells whether it was shown as it is: a line of JSON each. nginx listens on a socket of
# files: there is no network.
import base64, json, os, re, socket, subprocess, sys, time

os.makedirs("/tmp/pages", exist_ok=True)
with open("/tmp/nginx.conf", "w") as f:
    f.write("""
daemon off; master_process off; pid /tmp/nginx.pid; error_log /tmp/error.log info;
events { worker_connections 64; }
http {
    access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
    types { text/html html; }
    server { listen unix:/tmp/nginx.sock; root /tmp/pages; ssi on; ssi_silent_errors off; }
}
""")
nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", "/tmp/error.log", "-c", "/tmp/nginx.conf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
EDGE = re.compile(r"<\s*esi:(?:include|inline|vars|remove|try|choose|when|otherwise|attempt|except|comment|debug|assign|text)\b|<!--esi\b", re.I)

# Directives of Apache's mod_include and of nginx, by their manuals.
DIRECTIVES = "block endblock config echo elif else endif exec fsize flastmod if include perl printenv set".split()


def get(name):
    while True:
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect("/tmp/nginx.sock")
            break
        except OSError:
            if nginx.poll() is not None:
                raise SystemExit("nginx ended: " + open("/tmp/error.log").read()[-500:])
            time.sleep(0.01)
    s.sendall(b"GET /" + name + b" HTTP/1.0\r\nHost: a\r\n\r\n")
    said = b""
    while part := s.recv(65536):
        said += part
    s.close()
    return said.partition(b"\r\n\r\n")[2]


n = 0
for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["Value"])
    found = []
    if b"<" in value:
        n += 1
        page = b"<html><p>Hello " + value + b"</p>\n</html>\n"
        with open("/tmp/pages/%d.html" % n, "wb") as f:
            f.write(page)
        shown = get(b"%d.html" % n)
        os.unlink("/tmp/pages/%d.html" % n)
        if shown != page:
            there = all(n.decode("latin-1") in DIRECTIVES for n in re.findall(rb"<!--#\s*(\w*)", value))
            found.append({"Verdict": "carried out" if there else "possible", "Kind": "nginx" if there else "nginx, unknown", "How": "a directive"})
        elif EDGE.search(value.decode("utf-8", "replace")):
            found.append({"Verdict": "possible", "Kind": "edge-side", "How": "an element"})
    print(json.dumps(found), flush=True)
