"""Parameter Store by boto3, against the server that AWS_ENDPOINT_URL names."""

import os

import boto3
from botocore.exceptions import ClientError

ssm = boto3.client("ssm", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"{call.__name__}: want {code}, got {got}: {e}"
        return e.response["Error"].get("Message", "")
    raise AssertionError(f"{call.__name__} succeeded")


# Versions and selectors
for i in range(3):
    assert ssm.put_parameter(Name="/boto3/v", Value=str(i), Type="String", Overwrite=True)["Version"] == i + 1
ssm.label_parameter_version(Name="/boto3/v", ParameterVersion=2, Labels=["good"])
for name, value in (("/boto3/v", "2"), ("/boto3/v:1", "0"), ("/boto3/v:good", "1")):
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == value, name
message = refused("ParameterVersionNotFound", ssm.get_parameter, Name="/boto3/v:9")
assert message == "Systems Manager could not find version 9 of /boto3/v. Verify the version and try again.", message

# Errors are the modelled classes, the one for what is missing without a message
try:
    ssm.get_parameter(Name="none")
except ssm.exceptions.ParameterNotFound as e:
    assert not e.response["Error"].get("Message"), e.response

# Secrets of both tiers
for tier, size in (("Standard", 4096), ("Advanced", 8192)):
    value = ("secret" * size)[:size]
    ssm.put_parameter(Name=f"/boto3/s/{tier}", Value=value, Type="SecureString", Tier=tier)
    assert ssm.get_parameter(Name=f"/boto3/s/{tier}", WithDecryption=True)["Parameter"]["Value"] == value
    assert "secret" not in ssm.get_parameter(Name=f"/boto3/s/{tier}")["Parameter"]["Value"]
refused("ValidationException", ssm.put_parameter, Name="/boto3/long", Value="x" * 4097, Type="String")

# Paginators
names = {f"/boto3/p/{i:02}" for i in range(23)}
for name in names:
    ssm.put_parameter(Name=name, Value="x", Type="String")
pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/boto3/p", PaginationConfig={"PageSize": 7})
assert {p["Name"] for page in pages for p in page["Parameters"]} == names
pages = ssm.get_paginator("describe_parameters").paginate(
    ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/boto3/p/"]}]
)
assert {p["Name"] for page in pages for p in page["Parameters"]} == names

todo = sorted(names) + ["/boto3/v", "/boto3/s/Standard", "/boto3/s/Advanced"]
for i in range(0, len(todo), 10):
    assert not ssm.delete_parameters(Names=todo[i : i + 10])["InvalidParameters"]
print("all good")
