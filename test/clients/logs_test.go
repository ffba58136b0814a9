package clients

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

func TestLogsAndMetricsByBoto3(t *testing.T) {
	succeed(t, t.TempDir(), server.environment(server.credentials), pythonWithBoto3(t), absolute(t, "testdata", "boto3_logs.py"))
}

// The SDK for Go speaks CBOR with CloudWatch.
func TestLogsAndMetricsByTheGoSDK(t *testing.T) {
	ctx := t.Context()
	config := server.config(server.credentials, region)
	logs, metrics := cloudwatchlogs.NewFromConfig(config), cloudwatch.NewFromConfig(config)
	group, stream := aws.String("/go/app"), aws.String("s")
	must[*cloudwatchlogs.CreateLogGroupOutput](t)(logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))
	must[*cloudwatchlogs.CreateLogStreamOutput](t)(logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}))
	now := time.Now()
	var events []logtypes.InputLogEvent
	for range 25 {
		events = append(events, logtypes.InputLogEvent{Timestamp: aws.Int64(now.UnixMilli()), Message: aws.String("event")})
	}
	must[*cloudwatchlogs.PutLogEventsOutput](t)(logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: events}))
	n := 0
	for p := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, Limit: aws.Int32(10)}); p.HasMorePages(); {
		n += len(must[*cloudwatchlogs.FilterLogEventsOutput](t)(p.NextPage(ctx)).Events)
	}
	if n != 25 {
		t.Errorf("%d events by pages, want 25", n)
	}
	n = 0
	for p := cloudwatchlogs.NewGetLogEventsPaginator(logs, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: stream, StartFromHead: aws.Bool(true), Limit: aws.Int32(10)}, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) {
		o.StopOnDuplicateToken = true
	}); p.HasMorePages(); {
		n += len(must[*cloudwatchlogs.GetLogEventsOutput](t)(p.NextPage(ctx)).Events)
	}
	if n != 25 {
		t.Errorf("%d events of the stream, want 25", n)
	}
	_, err := logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("none")})
	if _, ok := errors.AsType[*logtypes.ResourceNotFoundException](err); !ok {
		t.Errorf("%v", err)
	}

	must[*cloudwatch.PutMetricDataOutput](t)(metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Go"), MetricData: []cwtypes.MetricDatum{
		{MetricName: aws.String("m"), Timestamp: &now, Values: []float64{1, 2}, Counts: []float64{3, 1}, Unit: cwtypes.StandardUnitCount},
	}}))
	out := must[*cloudwatch.GetMetricStatisticsOutput](t)(metrics.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Go"), MetricName: aws.String("m"), StartTime: aws.Time(now.Add(-time.Minute)), EndTime: aws.Time(now.Add(time.Minute)), Period: aws.Int32(60), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum, cwtypes.StatisticMaximum},
	}))
	if len(out.Datapoints) != 1 || *out.Datapoints[0].Sum != 5 || *out.Datapoints[0].Maximum != 2 || out.Datapoints[0].Unit != cwtypes.StandardUnitCount {
		t.Errorf("%+v", out.Datapoints)
	}
	_, err = metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/Go"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidParameterValue" && api.ErrorCode() != "InvalidParameterValueException" {
		t.Errorf("%v", err)
	}
}
