"""boto3 against the server that AWS_ENDPOINT_URL names."""

import json
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError


def client(service, **kw):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], **kw)


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"{call.__name__}: want {code}, got {got}: {e}"
        return e.response["Error"].get("Message", "")
    raise AssertionError(f"{call.__name__} succeeded")


kms, iam, sts, trail = client("kms"), client("iam"), client("sts"), client("cloudtrail")
who = sts.get_caller_identity()
account = who["Account"]
assert who["Arn"] == f"arn:aws:iam::{account}:root", who

# Everything that is encrypted can be decrypted, up to the limit and not beyond.
key = kms.create_key(Description="boto3")["KeyMetadata"]
for size in (1, 32, 4096):
    plain = os.urandom(size)
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=plain, EncryptionContext={"n": str(size)})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"n": str(size)})["Plaintext"] == plain
message = refused("ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x" * 4097)
assert "Member must have length less than or equal to 4096" in message, message

# Errors are the modelled classes.
try:
    kms.decrypt(CiphertextBlob=b"nonsense")
except kms.exceptions.InvalidCiphertextException as e:
    assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert e.response["ResponseMetadata"]["RequestId"]

signer = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
signature = kms.sign(KeyId=signer, Message=b"m", SigningAlgorithm="ECDSA_SHA_384")["Signature"]
assert kms.verify(KeyId=signer, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_384")["SignatureValid"]
refused("KMSInvalidSignatureException", kms.verify, KeyId=signer, Message=b"n", Signature=signature, SigningAlgorithm="ECDSA_SHA_384")

# Paginators
names = {f"alias/boto3-{i}" for i in range(7)}
for name in names:
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
pages = kms.get_paginator("list_aliases").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 3})
assert {a["AliasName"] for page in pages for a in page["Aliases"]} == names

# A user with a policy with a condition on the encryption context
iam.create_user(UserName="dave")
iam.put_user_policy(
    UserName="dave",
    PolicyName="own-tenant",
    PolicyDocument=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["kms:Encrypt", "kms:Decrypt"],
                    "Resource": key["Arn"],
                    "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "${aws:username}"}},
                }
            ],
        }
    ),
)
created = iam.create_access_key(UserName="dave")["AccessKey"]
dave = client("kms", aws_access_key_id=created["AccessKeyId"], aws_secret_access_key=created["SecretAccessKey"])
blob = dave.encrypt(KeyId=key["KeyId"], Plaintext=b"p", EncryptionContext={"tenant": "dave"})["CiphertextBlob"]
assert dave.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "dave"})["Plaintext"] == b"p"
message = refused("AccessDeniedException", dave.encrypt, KeyId=key["KeyId"], Plaintext=b"p", EncryptionContext={"tenant": "carol"})
assert message == (
    f"User: arn:aws:iam::{account}:user/dave is not authorized to perform: kms:Encrypt on resource: {key['Arn']} "
    "because no identity-based policy allows the kms:Encrypt action"
), message

# Grants with constraints
grant = kms.create_grant(
    KeyId=key["KeyId"],
    GranteePrincipal=f"arn:aws:iam::{account}:user/dave",
    Operations=["GenerateDataKey"],
    Constraints={"EncryptionContextSubset": {"project": "x"}},
)
data_key = {"KeyId": key["KeyId"], "KeySpec": "AES_256"}
dave.generate_data_key(**data_key, EncryptionContext={"project": "x", "more": "y"}, GrantTokens=[grant["GrantToken"]])
refused("AccessDeniedException", dave.generate_data_key, **data_key, EncryptionContext={"project": "z"})
kms.revoke_grant(KeyId=key["KeyId"], GrantId=grant["GrantId"])
refused("AccessDeniedException", dave.generate_data_key, **data_key, EncryptionContext={"project": "x"})

# The event history has it, without what is secret
events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}])["Events"]
record = json.loads(events[0]["CloudTrailEvent"])
assert record["errorCode"] == "AccessDenied" and record["userIdentity"]["userName"] == "dave", record
assert record["sourceIPAddress"] == "127.0.0.1" and "Boto3" in record["userAgent"], record

# A presigned request is proof of identity
url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
with urllib.request.urlopen(url) as answer:
    assert f"<Arn>arn:aws:iam::{account}:root</Arn>" in answer.read().decode()

print("all good")
