"""CloudWatch Logs and the metrics of CloudWatch by boto3, against the server that AWS_ENDPOINT_URL names."""

import datetime
import os
import time

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
logs = boto3.client("logs", endpoint_url=endpoint)
cloudwatch = boto3.client("cloudwatch", endpoint_url=endpoint)


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"want {code}, got {got}: {e}"
        return e.response["Error"]["Message"]
    raise AssertionError(f"not refused: want {code}")


# Groups and streams
logs.create_log_group(logGroupName="/boto3/app", tags={"team": "boto3"})
assert refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/boto3/app") == "The specified log group already exists"
assert refused("ResourceNotFoundException", logs.create_log_stream, logGroupName="none", logStreamName="s") == "The specified log group does not exist."
refused("InvalidParameterException", logs.create_log_group, logGroupName="not allowed")
logs.put_retention_policy(logGroupName="/boto3/app", retentionInDays=30)
group = logs.describe_log_groups(logGroupNamePrefix="/boto3/")["logGroups"][0]
assert group["retentionInDays"] == 30 and group["arn"].endswith(":log-group:/boto3/app:*"), group
assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "boto3"}
for name in ("web", "db"):
    logs.create_log_stream(logGroupName="/boto3/app", logStreamName=name)

# Events: in order, by pages, forwards and backwards
now = int(time.time() * 1000)
for name, offset in (("web", 0), ("db", 1)):
    for batch in range(3):
        events = [{"timestamp": now - 60_000 + batch * 1000 + i * 10 + offset, "message": f'{{"stream": "{name}", "n": {batch * 100 + i}}}'} for i in range(100)]
        answer = logs.put_log_events(logGroupName="/boto3/app", logStreamName=name, logEvents=events)
        assert "rejectedLogEventsInfo" not in answer, answer
rejected = logs.put_log_events(logGroupName="/boto3/app", logStreamName="web", logEvents=[{"timestamp": now - 15 * 86_400_000, "message": "old"}, {"timestamp": now, "message": "new"}])
assert rejected["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}, rejected
refused("InvalidParameterException", logs.put_log_events, logGroupName="/boto3/app", logStreamName="web", logEvents=[{"timestamp": now, "message": "b"}, {"timestamp": now - 1, "message": "a"}])

pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/boto3/app", filterPattern="{ $.n >= 50 }", PaginationConfig={"PageSize": 70})
found = [e for page in pages for e in page["events"]]
assert len(found) == 500 and [e["timestamp"] for e in found] == sorted(e["timestamp"] for e in found), len(found)
assert len({e["eventId"] for e in found}) == 500 and {e["logStreamName"] for e in found} == {"web", "db"}

seen, token = [], None
while True:
    page = logs.get_log_events(logGroupName="/boto3/app", logStreamName="db", startFromHead=True, limit=90, **({"nextToken": token} if token else {}))
    seen += page["events"]
    if page["nextForwardToken"] == token:
        break
    token = page["nextForwardToken"]
assert len(seen) == 300
last = logs.get_log_events(logGroupName="/boto3/app", logStreamName="db", limit=10)
assert [e["message"] for e in last["events"]] == [e["message"] for e in seen[-10:]]
before = logs.get_log_events(logGroupName="/boto3/app", logStreamName="db", limit=10, nextToken=last["nextBackwardToken"])
assert [e["message"] for e in before["events"]] == [e["message"] for e in seen[-20:-10]]
streams = logs.describe_log_streams(logGroupName="/boto3/app", orderBy="LastEventTime", descending=True)["logStreams"]
assert [s["logStreamName"] for s in streams] == ["web", "db"] and streams[0]["lastEventTimestamp"] == now, streams
tested = logs.test_metric_filter(filterPattern="[ip, ..., code = 4*]", logEventMessages=["10.0.0.1 x 404", "10.0.0.1 x 200"])["matches"]
assert len(tested) == 1 and tested[0]["extractedValues"]["$code"] == "404", tested
assert "term 'a-b'" in refused("InvalidParameterException", logs.filter_log_events, logGroupName="/boto3/app", filterPattern="a-b")
logs.delete_log_stream(logGroupName="/boto3/app", logStreamName="web")
assert len(logs.filter_log_events(logGroupName="/boto3/app", filterPattern="stream")["events"]) == 300
logs.delete_log_group(logGroupName="/boto3/app")
refused("ResourceNotFoundException", logs.filter_log_events, logGroupName="/boto3/app")

# Metrics
at = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - datetime.timedelta(minutes=10)
host = [{"Name": "Host", "Value": "a"}]
cloudwatch.put_metric_data(Namespace="Boto3", MetricData=[{"MetricName": "latency", "Dimensions": host, "Timestamp": at + datetime.timedelta(minutes=i), "Value": float(v), "Unit": "Milliseconds"} for i in range(5) for v in (10 + i, 20 + i)])
points = cloudwatch.get_metric_statistics(Namespace="Boto3", MetricName="latency", Dimensions=host, StartTime=at, EndTime=at + datetime.timedelta(minutes=5), Period=60, Statistics=["Average", "SampleCount"], ExtendedStatistics=["p100"])
assert points["Label"] == "latency" and [(p["Average"], p["SampleCount"], p["Unit"], p["ExtendedStatistics"]["p100"]) for p in points["Datapoints"]] == [(15.0 + i, 2.0, "Milliseconds", 20.0 + i) for i in range(5)], points
assert points["Datapoints"][0]["Timestamp"] == at
query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "Boto3", "MetricName": "latency", "Dimensions": host}, "Period": 60, "Stat": "Sum"}}
data = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=at, EndTime=at + datetime.timedelta(minutes=5), ScanBy="TimestampAscending")["MetricDataResults"][0]
assert data["Values"] == [30.0 + 2 * i for i in range(5)] and data["StatusCode"] == "Complete", data
assert [m["Dimensions"] for m in cloudwatch.list_metrics(Namespace="Boto3")["Metrics"]] == [host]
refused("InvalidParameterValue", cloudwatch.put_metric_data, Namespace="AWS/Mine", MetricData=[{"MetricName": "x", "Value": 1.0}])
refused("InvalidParameterCombination", cloudwatch.get_metric_statistics, Namespace="Boto3", MetricName="latency", StartTime=at, EndTime=at, Period=60, Statistics=["Sum"])
refused("ValidationError", cloudwatch.get_metric_data, MetricDataQueries=[{"Id": "e", "Expression": "1 + 1"}], StartTime=at, EndTime=at + datetime.timedelta(minutes=5))
