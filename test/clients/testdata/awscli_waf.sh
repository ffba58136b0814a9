#!/usr/bin/env bash
# A load balancer with a web ACL by the AWS CLI, against the server that AWS_ENDPOINT_URL names. It runs
# in an empty working directory, with the root user's credentials in the environment; a web server
# listens on TARGET_PORT of the loopback address, and LISTENER_PORT is free.
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }

# same WHAT GOT WANT
same() { [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"; }

# refused CODE COMMAND...: the command must fail with that error code.
refused() {
	local code=$1 out
	shift
	if out=$("$@" 2>&1); then fail "$* succeeded"; fi
	case $out in *"($code)"*) printf '%s\n' "$out" ;; *) fail "$*: want $code, got: $out" ;; esac
}

# A CLI before 2.13 does not know AWS_ENDPOINT_URL.
elb() { command aws --endpoint-url "$AWS_ENDPOINT_URL" elbv2 "$@"; }
waf() { command aws --endpoint-url "$AWS_ENDPOINT_URL" wafv2 "$@"; }

# A load balancer that forwards to the web server
lb=$(elb create-load-balancer --name cli --tags Key=team,Value=cli --query 'LoadBalancers[0].LoadBalancerArn' --output text)
dns=$(elb describe-load-balancers --names cli --query 'LoadBalancers[0].DNSName' --output text)
group=$(elb create-target-group --name cli --protocol HTTP --port "$TARGET_PORT" --target-type ip --query 'TargetGroups[0].TargetGroupArn' --output text)
elb modify-target-group --target-group-arn "$group" --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2 >/dev/null
elb register-targets --target-group-arn "$group" --targets Id=127.0.0.1
listener=$(elb create-listener --load-balancer-arn "$lb" --protocol HTTP --port "$LISTENER_PORT" \
	--default-actions "Type=forward,TargetGroupArn=$group" --query 'Listeners[0].ListenerArn' --output text)
elb wait load-balancer-available --names cli
elb wait target-in-service --target-group-arn "$group"
site="http://$dns:$LISTENER_PORT"

# status URL-ARGUMENTS...: the status of an answer
status() { curl -s -o answer -w '%{http_code}' --noproxy '*' "$@"; }

# becomes WANT URL-ARGUMENTS...: the status after a change, which takes less than a second
becomes() {
	local want=$1 got i
	shift
	for i in $(seq 100); do
		got=$(status "$@")
		[ "$got" = "$want" ] && return
		sleep 0.05
	done
	fail "$*: status $got, want $want"
}

same "a page" "$(status "$site/")" 200
same "an attack without a web ACL" "$(status -G --data-urlencode "q=1' or 1=1--" "$site/")" 200

# The web ACL
cat >rules.json <<'JSON'
[{"Name": "injections", "Priority": 0, "Action": {"Block": {}},
  "Statement": {"SqliMatchStatement": {"FieldToMatch": {"AllQueryArguments": {}}, "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}]}},
  "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "injections"}}]
JSON
visible=SampledRequestsEnabled=true,CloudWatchMetricsEnabled=true,MetricName=cli
same capacity "$(waf check-capacity --scope REGIONAL --rules file://rules.json --query Capacity --output text)" 40
acl=$(waf create-web-acl --name cli --scope REGIONAL --default-action Allow={} --visibility-config $visible --rules file://rules.json --query Summary.ARN --output text)
refused WAFDuplicateItemException waf create-web-acl --name cli --scope REGIONAL --default-action Allow={} --visibility-config $visible >/dev/null
waf associate-web-acl --web-acl-arn "$acl" --resource-arn "$lb"
same "the web ACL of the load balancer" "$(waf get-web-acl-for-resource --resource-arn "$lb" --query WebACL.Name --output text)" cli
becomes 403 -G --data-urlencode "q=1' or 1=1--" "$site/"
same "rock & roll" "$(status -G --data-urlencode "q=rock & roll" "$site/")" 200

# What it blocked
from=$(date -u -d '-1 hour' +%FT%TZ) to=$(date -u -d '+1 hour' +%FT%TZ)
for i in $(seq 40); do
	sampled=$(waf get-sampled-requests --web-acl-arn "$acl" --rule-metric-name injections --scope REGIONAL --time-window "StartTime=$from,EndTime=$to" --max-items 10 \
		--query 'SampledRequests[0].Action' --output text)
	[ "$sampled" = BLOCK ] && break
	sleep 0.05
done
same "the sampled action" "$sampled" BLOCK

# An IP set in a second rule; a stale lock token
set=$(waf create-ip-set --name cli --scope REGIONAL --ip-address-version IPV4 --addresses 198.51.100.0/24 --query Summary.ARN --output text)
waf get-web-acl --name cli --scope REGIONAL --id "${acl##*/}" >current.json
token=$(jq -r .LockToken current.json)
jq --arg set "$set" '.WebACL.Rules + [{Name: "ours", Priority: 1, Action: {Block: {CustomResponse: {ResponseCode: 429}}},
	Statement: {IPSetReferenceStatement: {ARN: $set}}, VisibilityConfig: {SampledRequestsEnabled: true, CloudWatchMetricsEnabled: true, MetricName: "ours"}}]' current.json >rules.json
update() { waf update-web-acl --name cli --scope REGIONAL --id "${acl##*/}" --default-action Allow={} --visibility-config $visible --rules file://rules.json --lock-token "$token" >/dev/null; }
update
refused WAFOptimisticLockException update >/dev/null
same "an address that is not in the set" "$(status "$site/")" 200
waf get-ip-set --name cli --scope REGIONAL --id "${set##*/}" --query LockToken --output text >token
waf update-ip-set --name cli --scope REGIONAL --id "${set##*/}" --addresses 127.0.0.0/8 --lock-token "$(cat token)" >/dev/null
becomes 429 "$site/"
refused WAFAssociatedItemException waf delete-ip-set --name cli --scope REGIONAL --id "${set##*/}" --lock-token "$(waf get-ip-set --name cli --scope REGIONAL --id "${set##*/}" --query LockToken --output text)" >/dev/null
refused WAFAssociatedItemException waf delete-web-acl --name cli --scope REGIONAL --id "${acl##*/}" \
	--lock-token "$(waf get-web-acl --name cli --scope REGIONAL --id "${acl##*/}" --query LockToken --output text)" >/dev/null

# Without it
waf disassociate-web-acl --resource-arn "$lb"
becomes 200 "$site/"
waf delete-web-acl --name cli --scope REGIONAL --id "${acl##*/}" --lock-token "$(waf get-web-acl --name cli --scope REGIONAL --id "${acl##*/}" --query LockToken --output text)"
waf delete-ip-set --name cli --scope REGIONAL --id "${set##*/}" --lock-token "$(waf get-ip-set --name cli --scope REGIONAL --id "${set##*/}" --query LockToken --output text)"

# Rules of the listener
elb create-rule --listener-arn "$listener" --priority 10 --conditions Field=path-pattern,Values='/teapot*' \
	--actions 'Type=fixed-response,FixedResponseConfig={StatusCode=404,ContentType=text/plain,MessageBody=no tea}' >/dev/null
becomes 404 "$site/teapot/1"
same "the message" "$(cat answer)" "no tea"
refused PriorityInUse elb create-rule --listener-arn "$listener" --priority 10 --conditions Field=path-pattern,Values=/x --actions "Type=forward,TargetGroupArn=$group" >/dev/null
refused ResourceInUse elb delete-target-group --target-group-arn "$group" >/dev/null
refused DuplicateListener elb create-listener --load-balancer-arn "$lb" --protocol HTTP --port "$LISTENER_PORT" --default-actions "Type=forward,TargetGroupArn=$group" >/dev/null
elb delete-load-balancer --load-balancer-arn "$lb"
elb delete-target-group --target-group-arn "$group"
refused LoadBalancerNotFound elb describe-load-balancers --names cli >/dev/null
