#!/usr/bin/env bash
# What a web ACL logs and counts, by the AWS CLI, against the server that AWS_ENDPOINT_URL names. It runs
# in an empty working directory, with the root user's credentials in the environment; a web server
# listens on TARGET_PORT of the loopback address, and LISTENER_PORT is free.
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }
same() { [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"; }
refused() {
	local code=$1 out
	shift
	if out=$("$@" 2>&1); then fail "$* succeeded"; fi
	case $out in *"($code)"*) printf '%s\n' "$out" ;; *) fail "$*: want $code, got: $out" ;; esac
}

# A CLI before 2.13 does not know AWS_ENDPOINT_URL.
elb() { command aws --endpoint-url "$AWS_ENDPOINT_URL" elbv2 "$@"; }
waf() { command aws --endpoint-url "$AWS_ENDPOINT_URL" wafv2 "$@"; }
cloudwatch() { command aws --endpoint-url "$AWS_ENDPOINT_URL" cloudwatch "$@"; }
logs() { command aws --endpoint-url "$AWS_ENDPOINT_URL" logs "$@"; }

# Metrics outlive what they count: the name is of this run alone.
webacl=logged$LISTENER_PORT

lb=$(elb create-load-balancer --name logged --query 'LoadBalancers[0].LoadBalancerArn' --output text)
dns=$(elb describe-load-balancers --names logged --query 'LoadBalancers[0].DNSName' --output text)
group=$(elb create-target-group --name logged --protocol HTTP --port "$TARGET_PORT" --target-type ip --query 'TargetGroups[0].TargetGroupArn' --output text)
elb modify-target-group --target-group-arn "$group" --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2 >/dev/null
elb register-targets --target-group-arn "$group" --targets Id=127.0.0.1
elb create-listener --load-balancer-arn "$lb" --protocol HTTP --port "$LISTENER_PORT" --default-actions "Type=forward,TargetGroupArn=$group" >/dev/null
elb wait target-in-service --target-group-arn "$group"
site="http://$dns:$LISTENER_PORT"

# Every 403 is one more blocked request that the metrics have to show.
refusals=0
status() { curl -s -o answer -w '%{http_code}' --noproxy '*' "$@"; }
becomes() {
	local want=$1 got i
	shift
	for i in $(seq 100); do
		got=$(status "$@")
		[ "$got" != 403 ] || refusals=$((refusals + 1))
		[ "$got" = "$want" ] && return
		sleep 0.05
	done
	fail "$*: status $got, want $want"
}

cat >rules.json <<'JSON'
[{"Name": "injections", "Priority": 0, "Action": {"Block": {}}, "RuleLabels": [{"Name": "attack:sql"}],
  "Statement": {"SqliMatchStatement": {"FieldToMatch": {"AllQueryArguments": {}}, "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}]}},
  "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "injections"}}]
JSON
acl=$(waf create-web-acl --name "$webacl" --scope REGIONAL --default-action Allow={} --rules file://rules.json --query Summary.ARN --output text \
	--visibility-config SampledRequestsEnabled=true,CloudWatchMetricsEnabled=true,MetricName="$webacl")
waf associate-web-acl --web-acl-arn "$acl" --resource-arn "$lb"

# A log group that is not there takes nothing
name=aws-waf-logs-cli
destination=${lb%:loadbalancer/*}
destination=${destination/elasticloadbalancing/logs}:log-group:$name
configuration() {
	jq -n --arg acl "$acl" --arg to "$destination" '{ResourceArn: $acl, LogDestinationConfigs: [$to], RedactedFields: [{SingleHeader: {Name: "authorization"}}]}'
}
configuration >logging.json
refused WAFLogDestinationPermissionIssueException waf put-logging-configuration --logging-configuration file://logging.json >/dev/null
logs create-log-group --log-group-name "$name" --tags team=cli
logs put-retention-policy --log-group-name "$name" --retention-in-days 7
waf put-logging-configuration --logging-configuration file://logging.json >/dev/null
same "who may write" "$(logs describe-resource-policies --query 'resourcePolicies[].policyName' --output text)" AWSLogDeliveryWrite20150319

becomes 403 -G --data-urlencode "q=1' or 1=1--" -H 'Authorization: secret' "$site/"
becomes 200 -G --data-urlencode "q=rock & roll" "$site/shop"
for i in $(seq 100); do
	blocked=$(logs filter-log-events --log-group-name "$name" --filter-pattern '{ $.action = "BLOCK" }' --query 'events[0].message' --output text)
	[ "$blocked" != None ] && break
	becomes 403 -G --data-urlencode "q=1' or 1=1--" -H 'Authorization: secret' "$site/"
	sleep 0.1
done
printf '%s' "$blocked" >blocked.json
of() { jq -r "$1" blocked.json; }
same action "$(of .action)" BLOCK
same "the web ACL" "$(of .webaclId)" "$acl"
same "the rule" "$(of .terminatingRuleId)" injections
same "what it found" "$(of '.terminatingRuleMatchDetails[0] | "\(.conditionType) \(.location) \(.matchedFieldName)"')" "SQL_INJECTION ALL_QUERY_ARGS q"
same "the method" "$(of .httpRequest.httpMethod)" GET
same "the address" "$(of .httpRequest.clientIp)" 127.0.0.1
same "a redacted field" "$(of '.httpRequest.headers[] | select(.name | ascii_downcase == "authorization").value')" REDACTED
same "the label" "$(of '.labels[0].name' | sed 's/.*:webacl/webacl/')" "webacl:$webacl:attack:sql"
same "the source" "$(of .httpSourceName)" ALB
same "secrets in the log" "$(logs filter-log-events --log-group-name "$name" --filter-pattern secret --query 'length(events)' --output text)" 0

stream=$(logs describe-log-streams --log-group-name "$name" --query 'logStreams[].logStreamName' --output text)
same "the stream" "$stream" "${AWS_DEFAULT_REGION:-${AWS_REGION:-us-east-1}}_${webacl}_0"
[ "$(logs get-log-events --log-group-name "$name" --log-stream-name "$stream" --start-from-head --query 'length(events)' --output text)" -ge 1 ] || fail "the stream has no events"

# Only what was blocked from now on
configuration | jq '.LoggingFilter = {DefaultBehavior: "DROP", Filters: [{Behavior: "KEEP", Requirement: "MEETS_ANY", Conditions: [{ActionCondition: {Action: "BLOCK"}}]}]}' >logging.json
waf put-logging-configuration --logging-configuration file://logging.json >/dev/null
found() { logs filter-log-events --log-group-name "$name" --filter-pattern "{ \$.httpRequest.uri = \"$1\" }" --query 'length(events)' --output text; }
for round in $(seq 20); do # until the proxy has the filter
	becomes 200 "$site/dropped$round"
	becomes 403 -G --data-urlencode "q=1' or 1=1--" "$site/kept$round"
	for i in $(seq 100); do
		kept=$(found "/kept$round")
		[ "$kept" = 1 ] && break
		sleep 0.1
	done
	same "a blocked request" "$kept" 1
	dropped=$(found "/dropped$round")
	[ "$dropped" = 0 ] && break
done
same "an allowed request" "$dropped" 0

# Metrics: of the rule, the web ACL, the label
region=${stream%%_*}
sum() { # METRIC DIMENSIONS...
	local metric=$1
	shift
	cloudwatch get-metric-statistics --namespace AWS/WAFV2 --metric-name "$metric" --dimensions Name=Region,Value="$region" "$@" --statistics Sum --period 3600 \
		--start-time "$(date -u -d '-1 hour' +%FT%TZ)" --end-time "$(date -u -d '+1 hour' +%FT%TZ)" --query 'sum(Datapoints[].Sum)' --output text
}
counted() { # WHAT DIMENSIONS...: as many as were refused, once all of them have arrived
	local what=$1 got i
	shift
	for i in $(seq 60); do
		got=$(sum BlockedRequests "$@")
		[ "${got%.*}" = "$refusals" ] && return
		sleep 0.5
	done
	fail "$what: $got counted, $refusals refused"
}
counted "blocked by the rule" Name=WebACL,Value="$webacl" Name=Rule,Value=injections
counted "blocked in all" Name=WebACL,Value="$webacl" Name=Rule,Value=ALL
for i in $(seq 60); do
	[ "$(sum AllowedRequests Name=WebACL,Value="$webacl" Name=Rule,Value=Default_Action)" != 0.0 ] && break
	[ "$i" -lt 60 ] || fail "no allowed requests are counted"
	sleep 0.5
done
namespace=$(of '.labels[0].name' | sed 's/:sql$//')
counted "blocked with the label" Name=WebACL,Value="$webacl" Name=LabelNamespace,Value="$namespace" Name=LabelName,Value=sql
same "the metrics of the rule" "$(cloudwatch list-metrics --namespace AWS/WAFV2 --dimensions Name=WebACL,Value="$webacl" Name=Rule,Value=injections --query 'Metrics[].MetricName' --output text)" BlockedRequests

waf disassociate-web-acl --resource-arn "$lb"
waf delete-logging-configuration --resource-arn "$acl"
waf delete-web-acl --name "$webacl" --scope REGIONAL --id "${acl##*/}" --lock-token "$(waf get-web-acl --name "$webacl" --scope REGIONAL --id "${acl##*/}" --query LockToken --output text)"
elb delete-load-balancer --load-balancer-arn "$lb"
elb delete-target-group --target-group-arn "$group"
logs delete-log-group --log-group-name "$name"
refused ResourceNotFoundException logs describe-log-streams --log-group-name "$name" >/dev/null
