# Reads documents of XML with libxml2 and expat, and tells what they load or declare: a line of JSON each.
import base64, json, sys, xml.parsers.expat

from lxml import etree


class Loads(etree.Resolver):
    def __init__(self):
        self.asked = []

    def resolve(self, url, public, context):
        self.asked.append(url)
        return None


def libxml(raw):
    loads = Loads()
    parser = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=True, huge_tree=False, recover=False)
    parser.resolvers.add(loads)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as e:
        if loads.asked:
            return "carried out", "libxml2, loads", loads.asked[0]
        if "entity reference loop" in str(e) or "amplification" in str(e):
            return "carried out", "libxml2, expands without an end", ""
        return None
    text = etree.tostring(root, encoding="unicode")
    if "root:x:0:0" in text:
        return "shown", "libxml2, shows a file", ""
    if loads.asked:
        return "carried out", "libxml2, loads", loads.asked[0]
    if b"XInclude" in raw:
        try:
            root.getroottree().xinclude()
        except etree.XIncludeError:
            return "carried out", "libxml2, includes", ""
        if "root:x:0:0" in etree.tostring(root, encoding="unicode"):
            return "shown", "libxml2, includes a file", ""
        if etree.tostring(root, encoding="unicode") != text:
            return "carried out", "libxml2, includes", ""
    return None


def expat(raw):
    seen = []
    p = xml.parsers.expat.ParserCreate()
    p.EntityDeclHandler = lambda name, parameter, value, base, system, public, notation: seen.append(("carried out", "expat, declares an entity of outside", system) if system else ("possible", "expat, declares an entity", name))
    p.ExternalEntityRefHandler = lambda *a: seen.append(("carried out", "expat, refers to outside", "")) or 1
    p.StartDoctypeDeclHandler = lambda name, system, public, internal: seen.append(("carried out", "expat, a document type of outside", system)) if system and "w3.org" not in system else None
    p.SetParamEntityParsing(xml.parsers.expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
    try:
        p.Parse(raw, True)
    except xml.parsers.expat.ExpatError:
        pass  # what was declared before is
    except ValueError:
        return None
    return max(seen, key=lambda s: s[0] == "carried out", default=None)


for line in sys.stdin:
    raw = base64.b64decode(json.loads(line)["Value"])
    found = []
    if b"<" in raw or b"\0" in raw:
        for text in (raw, b"<a>" + raw + b"</a>", raw + b"<a>&xxe;</a>", b"<!DOCTYPE a [" + raw + b"]><a/>"):
            for read in (libxml, expat):
                r = read(text.lstrip())
                if r:
                    found.append({"Verdict": r[0], "Kind": r[1], "How": str(r[2])[:100].encode("utf-8", "replace").decode()})
    print(json.dumps(found), flush=True)
