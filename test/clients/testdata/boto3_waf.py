"""AWS WAF, Elastic Load Balancing and ACM by boto3, against the server that AWS_ENDPOINT_URL names."""

import os
import socket
import ssl
import time

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
waf = boto3.client("wafv2", endpoint_url=endpoint)
elb = boto3.client("elbv2", endpoint_url=endpoint)
acm = boto3.client("acm", endpoint_url=endpoint)
port = int(os.environ["LISTENER_PORT"])


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"want {code}, got {got}: {e}"
        return e.response
    raise AssertionError(f"not refused: want {code}")


def visible(name):
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


# Validation errors carry the members of the model
bad = {"Name": "x", "Priority": 0, "Action": {"Block": {}}, "Statement": {"AndStatement": {"Statements": []}}, "VisibilityConfig": visible("x")}
e = refused("WAFInvalidParameterException", waf.check_capacity, Scope="REGIONAL", Rules=[bad])
assert e["Field"] == "AND_STATEMENT" and e["Parameter"] == "AndStatement", e
assert e["Error"]["Message"] == f"Error reason: {e['Reason']}, field: AND_STATEMENT, parameter: AndStatement", e

# Entities, references, tokens
sets = [waf.create_ip_set(Name=f"boto3-{n}", Scope="REGIONAL", IPAddressVersion="IPV6", Addresses=["2001:db8::/32"])["Summary"] for n in "bca"]
listed, marker = [], {}
while True:
    page = waf.list_ip_sets(Scope="REGIONAL", Limit=2, **marker)
    listed += [s["Name"] for s in page["IPSets"] if s["Name"].startswith("boto3-")]
    if "NextMarker" not in page:
        break
    marker = {"NextMarker": page["NextMarker"]}
assert listed == ["boto3-a", "boto3-b", "boto3-c"], listed
got = waf.get_ip_set(Name="boto3-a", Scope="REGIONAL", Id=sets[2]["Id"])
assert got["IPSet"]["Addresses"] == ["2001:0db8:0000:0000:0000:0000:0000:0000/32"], got
group = waf.create_rule_group(Name="boto3", Scope="REGIONAL", Capacity=10, VisibilityConfig=visible("g"), Rules=[{
    "Name": "r", "Priority": 0, "Action": {"Count": {}}, "RuleLabels": [{"Name": "seen"}], "VisibilityConfig": visible("r"),
    "Statement": {"NotStatement": {"Statement": {"IPSetReferenceStatement": {"ARN": sets[0]["ARN"]}}}},
}])["Summary"]
acl = waf.create_web_acl(Name="boto3", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible("a"), Rules=[
    {"Name": "g", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": visible("g"), "Statement": {"RuleGroupReferenceStatement": {"ARN": group["ARN"]}}},
    {"Name": "labelled", "Priority": 1, "Action": {"Block": {"CustomResponse": {"ResponseCode": 401, "CustomResponseBodyKey": "no"}}}, "VisibilityConfig": visible("l"),
     "Statement": {"AndStatement": {"Statements": [
         # A label of another context needs its whole name.
         {"LabelMatchStatement": {"Scope": "LABEL", "Key": f"awswaf:{group['ARN'].split(':')[4]}:rulegroup:boto3:seen"}},
         {"ByteMatchStatement": {"SearchString": b"/private", "FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "STARTS_WITH",
                                 "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}}]}}},
], CustomResponseBodies={"no": {"ContentType": "APPLICATION_JSON", "Content": '{"no": true}'}})["Summary"]
full = waf.get_web_acl(Name="boto3", Scope="REGIONAL", Id=acl["Id"])
assert full["WebACL"]["Capacity"] == 10 + 1 + 12, full["WebACL"]["Capacity"]
assert full["WebACL"]["Rules"][1]["Statement"]["AndStatement"]["Statements"][1]["ByteMatchStatement"]["SearchString"] == b"/private"
refused("WAFAssociatedItemException", waf.delete_rule_group, Name="boto3", Scope="REGIONAL", Id=group["Id"], LockToken=group["LockToken"])

# A listener with a certificate of the platform
certificate = acm.request_certificate(DomainName="shop.example.com", ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
acm.get_waiter("certificate_validated").wait(CertificateArn=certificate)
chain = acm.get_certificate(CertificateArn=certificate)["CertificateChain"]
balancer = elb.create_load_balancer(Name="boto3")["LoadBalancers"][0]
elb.get_waiter("load_balancer_available").wait(Names=["boto3"])
elb.create_listener(
    LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=port, Certificates=[{"CertificateArn": certificate}],
    DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "hello"}}],
)
waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=balancer["LoadBalancerArn"])
refused("ResourceInUseException", acm.delete_certificate, CertificateArn=certificate)


def ask(path):
    context = ssl.create_default_context(cadata=chain)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s, context.wrap_socket(s, server_hostname="shop.example.com") as t:
        t.sendall(f"GET {path} HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := t.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


deadline = time.monotonic() + 30  # a change takes less than a second; a busy machine is given more
while time.monotonic() < deadline:
    try:
        if ask("/Private/x")[0] == 401:
            break
    except OSError:
        pass
    time.sleep(0.02)
status, head, body = ask("/Private/x")
assert status == 401 and body == b'{"no": true}' and b"application/json" in head, (status, head, body)
assert ask("/public")[0] == 200

elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
acm.delete_certificate(CertificateArn=certificate)
waf.delete_web_acl(Name="boto3", Scope="REGIONAL", Id=acl["Id"], LockToken=full["LockToken"])
waf.delete_rule_group(Name="boto3", Scope="REGIONAL", Id=group["Id"], LockToken=group["LockToken"])
for s in sets:
    waf.delete_ip_set(Name=s["Name"], Scope="REGIONAL", Id=s["Id"], LockToken=s["LockToken"])
