package main

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// processInquirySeconds bounds one delivery of up to ten inquiries. The queue's
// visibility timeout follows it.
const processInquirySeconds = 60

// failExhaustedSeconds bounds one delivery of up to ten dead letters. Their
// queue's visibility timeout follows it.
const failExhaustedSeconds = 30

const (
	// sweepInterval is how often unfinished batches are looked for. One that
	// nothing happens to is open for at most this much longer than its deadline.
	sweepInterval = 5 * time.Minute

	// sweepSeconds is shorter, so that one sweep has ended when the next begins.
	// Two at once would only send more messages twice.
	sweepSeconds = 240
)

// Key patterns, as shared/store draws them. A role sees no item whose partition
// key does not match.
const (
	lenderKeys = "LENDER#*" // and all that lies below a lender
	batchKeys  = "LENDER#*#BATCH#*"
	bucketKeys = "LENDER#*#BATCH#*#*"
	userKeys   = "USER#*"
	apiKeyKeys = "APIKEY#*"
)

// openShards are the partition keys of the index of unfinished batches.
const openShards = "0"

// Functions are all functions of the system.
type Functions struct {
	API, AuthorizeRequest, DispatchBatch, ProcessInquiry, TallyStatuses, FailExhausted, SweepOpenBatches awslambda.Function
}

func (f Functions) byName() map[string]awslambda.Function {
	return map[string]awslambda.Function{
		"api":                f.API,
		"authorize-request":  f.AuthorizeRequest,
		"dispatch-batch":     f.DispatchBatch,
		"process-inquiry":    f.ProcessInquiry,
		"tally-statuses":     f.TallyStatuses,
		"fail-exhausted":     f.FailExhausted,
		"sweep-open-batches": f.SweepOpenBatches,
	}
}

// NewFunctions declares them, each with exactly what it may do.
func NewFunctions(scope constructs.Construct, props Props, r Resources) Functions {
	readMasterKey := func() awsiam.PolicyStatement {
		return allow([]string{"secretsmanager:GetSecretValue"}, r.MasterKey.SecretArn())
	}
	// Lambda reads the stream, and sets records aside that were given up on, in
	// the function's name.
	consumeStream := func(own ...awsiam.PolicyStatement) []awsiam.PolicyStatement {
		return append(own,
			allow([]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, r.Table.TableStreamArn()),
			allow([]string{"dynamodb:ListStreams"}, jsii.String(*r.Table.TableArn()+"/stream/*")),
			allow([]string{"s3:PutObject"}, r.FailedRecords.ArnForObjects(jsii.String("*"))),
			allow([]string{"s3:ListBucket"}, r.FailedRecords.BucketArn()),
		)
	}
	consumeQueue := func(queue awssqs.Queue) awsiam.PolicyStatement {
		return allow([]string{
			"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
		}, queue.QueueArn())
	}
	// With a batch's end its lender gets room for another: of the lender's item it
	// may change that number, and nothing that the lender is.
	giveRoom := func() awsiam.PolicyStatement {
		return except(onAttributes(onKeys(r.Table, []string{lenderKeys}, "dynamodb:UpdateItem"), "PK", "SK", "open"), batchKeys)
	}
	deadline := jsii.String(props.BatchDeadline.String())
	return Functions{
		API: newFunction(scope, props, functionSpec{
			Name:        "api",
			Description: "Answers lenders: takes batches in, shows batches, inquiries and API keys",
			Seconds:     26, // a caller may wait for 20; API Gateway gives up after 29
			MB:          512,
			Env: map[string]*string{
				"TABLE_NAME":            r.Table.TableName(),
				"MASTER_KEY_SECRET_ARN": r.MasterKey.SecretArn(),
				"PORTAL_ORIGIN":         &props.PortalOrigin,
				"RESULTS_BUCKET":        r.Results.BucketName(),
			},
			May: []awsiam.PolicyStatement{
				readMasterKey(),
				// Reading is for the links that it signs.
				allow([]string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"}, r.Results.ArnForObjects(jsii.String("results/*"))),
				onKeys(r.Table, []string{lenderKeys, userKeys, apiKeyKeys},
					"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
				// Transactions are allowed by their parts.
				onKeys(r.Table, []string{lenderKeys, apiKeyKeys},
					"dynamodb:PutItem", "dynamodb:UpdateItem"),
				// Of a user it may note the API key, not the lender or the role.
				onAttributes(onKeys(r.Table, []string{userKeys}, "dynamodb:UpdateItem"), "PK", "SK", "apiKeyId"),
			},
		}),
		AuthorizeRequest: newFunction(scope, props, functionSpec{
			Name:        "authorize-request",
			Description: "Says which lender and user a request's credential stands for",
			Seconds:     10,
			MB:          256,
			Env: map[string]*string{
				"TABLE_NAME":            r.Table.TableName(),
				"MASTER_KEY_SECRET_ARN": r.MasterKey.SecretArn(),
				"USER_POOL_ID":          r.Identity.Pool.UserPoolId(),
				"USER_POOL_CLIENT_ID":   r.Identity.Client.UserPoolClientId(),
			},
			May: []awsiam.PolicyStatement{
				readMasterKey(),
				except(onKeys(r.Table, []string{lenderKeys, userKeys, apiKeyKeys},
					"dynamodb:GetItem", "dynamodb:BatchGetItem"), batchKeys),
			},
		}),
		DispatchBatch: newFunction(scope, props, functionSpec{
			Name:        "dispatch-batch",
			Description: "Puts every inquiry of a submitted batch on the queue, and stops cancelled ones",
			Seconds:     60,
			MB:          256,
			Env: map[string]*string{
				"TABLE_NAME": r.Table.TableName(),
				"QUEUE_URL":  r.Inquiries.Queue.QueueUrl(),
			},
			May: consumeStream(
				except(onKeys(r.Table, []string{batchKeys}, "dynamodb:Query"), bucketKeys),
				// A cancelled inquiry is put where no worker's is.
				onKeys(r.Table, []string{bucketKeys}, "dynamodb:PutItem"),
				allow([]string{"sqs:SendMessage"}, r.Inquiries.Queue.QueueArn()),
			),
		}),
		ProcessInquiry: newFunction(scope, props, functionSpec{
			Name:        "process-inquiry",
			Description: "Looks businesses up at the sources and keeps what they say",
			Seconds:     processInquirySeconds,
			MB:          512,
			Env: map[string]*string{
				"TABLE_NAME":     r.Table.TableName(),
				"MAX_RECEIVES":   jsii.String(strconv.Itoa(maxReceives)),
				"BATCH_DEADLINE": deadline,
			},
			May: []awsiam.PolicyStatement{
				// Inquiries only: a worker cannot touch a batch's counters.
				onKeys(r.Table, []string{bucketKeys}, "dynamodb:UpdateItem"),
				consumeQueue(r.Inquiries.Queue),
			},
		}),
		TallyStatuses: newFunction(scope, props, functionSpec{
			Name:        "tally-statuses",
			Description: "Keeps a batch's counters true to its inquiries",
			Seconds:     30,
			MB:          256,
			Env:         map[string]*string{"TABLE_NAME": r.Table.TableName()},
			May: consumeStream(
				// Headers only: it counts inquiries and cannot change them.
				except(onKeys(r.Table, []string{batchKeys}, "dynamodb:GetItem", "dynamodb:UpdateItem"), bucketKeys),
				giveRoom(),
			),
		}),
		FailExhausted: newFunction(scope, props, functionSpec{
			Name:        "fail-exhausted",
			Description: "Gives up inquiries whose message was delivered in vain too often",
			Seconds:     failExhaustedSeconds,
			MB:          256,
			Env:         map[string]*string{"TABLE_NAME": r.Table.TableName()},
			May: []awsiam.PolicyStatement{
				onKeys(r.Table, []string{bucketKeys}, "dynamodb:UpdateItem"),
				consumeQueue(r.Inquiries.DeadLetters),
			},
		}),
		SweepOpenBatches: newFunction(scope, props, functionSpec{
			Name:        "sweep-open-batches",
			Description: "Mends unfinished batches, whatever was lost on their way",
			Seconds:     sweepSeconds,
			MB:          512,
			Env: map[string]*string{
				"TABLE_NAME":     r.Table.TableName(),
				"QUEUE_URL":      r.Inquiries.Queue.QueueUrl(),
				"BATCH_DEADLINE": deadline,
			},
			May: []awsiam.PolicyStatement{
				onOpenBatches(r.Table),
				except(onKeys(r.Table, []string{batchKeys}, "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"), bucketKeys),
				onKeys(r.Table, []string{bucketKeys}, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
				giveRoom(),
				allow([]string{"sqs:SendMessage"}, r.Inquiries.Queue.QueueArn()),
			},
		}),
	}
}

// onKeys allows the actions on items whose partition key matches a pattern.
func onKeys(table awsdynamodb.Table, patterns []string, actions ...string) awsiam.PolicyStatement {
	s := allow(actions, table.TableArn())
	s.AddCondition(jsii.String("ForAllValues:StringLike"), map[string][]string{"dynamodb:LeadingKeys": patterns})
	return s
}

// onOpenBatches allows looking for unfinished batches in their index.
func onOpenBatches(table awsdynamodb.Table) awsiam.PolicyStatement {
	s := allow([]string{"dynamodb:Query"}, jsii.String(*table.TableArn()+"/index/"+openIndex))
	s.AddCondition(jsii.String("ForAllValues:StringLike"), map[string][]string{"dynamodb:LeadingKeys": {openShards}})
	return s
}

// except narrows what onKeys allows to keys that do not match the pattern.
func except(s awsiam.PolicyStatement, pattern string) awsiam.PolicyStatement {
	s.AddCondition(jsii.String("ForAllValues:StringNotLike"), map[string][]string{"dynamodb:LeadingKeys": {pattern}})
	return s
}

// onAttributes narrows what onKeys allows to requests that name no others.
func onAttributes(s awsiam.PolicyStatement, names ...string) awsiam.PolicyStatement {
	s.AddCondition(jsii.String("ForAllValues:StringEquals"), map[string][]string{"dynamodb:Attributes": names})
	return s
}
