package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// benchTable is a table of its own in a real engine, with a stream.
type benchTable struct {
	endpoint, name string
	iterator       string         // where the next reading of the stream begins
	sizes          map[string]int // bytes by key, as far as the stream has been read
}

// newTable makes an empty table. Its shape is the one that infra declares.
func newTable(ctx context.Context, endpoint string) (*benchTable, error) {
	t := &benchTable{endpoint: endpoint, name: "bench-" + rand.Text(), sizes: map[string]int{}}
	text, number := types.ScalarAttributeTypeS, types.ScalarAttributeTypeN
	out, err := t.client(nil).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &t.name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: text}, {AttributeName: aws.String("SK"), AttributeType: text},
			{AttributeName: aws.String("openShard"), AttributeType: text}, {AttributeName: aws.String("nextCheckAt"), AttributeType: number},
		},
		KeySchema: keySchema("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("open"),
			KeySchema:  keySchema("openShard", "nextCheckAt"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		return nil, fmt.Errorf("making a table: %w", err)
	}
	return t, t.openStream(aws.ToString(out.TableDescription.LatestStreamArn))
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &partition, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}

// client returns a client of the engine whose calls the meter counts, if there
// is one.
func (t *benchTable) client(m *meter) *dynamodb.Client {
	options := dynamodb.Options{
		BaseEndpoint: &t.endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	if m != nil {
		options.APIOptions = append(options.APIOptions, m.install)
	}
	return dynamodb.New(options)
}

// size is how many bytes the table's items take, as DynamoDB bills storage: an
// item's own and a hundred more. It reads the stream to its end.
func (t *benchTable) size() (int, error) {
	if _, err := t.records(); err != nil {
		return 0, err
	}
	total := 0
	for _, size := range t.sizes {
		total += size + 100
	}
	return total, nil
}

// openStream finds the stream's one shard; this engine never splits it.
func (t *benchTable) openStream(arn string) error {
	var stream struct {
		StreamDescription struct {
			Shards []struct{ ShardId string }
		}
	}
	if err := t.streams("DescribeStream", map[string]any{"StreamArn": arn}, &stream); err != nil {
		return err
	}
	if len(stream.StreamDescription.Shards) != 1 {
		return errors.New("the table's stream has more than one shard, or none")
	}
	var opened struct{ ShardIterator string }
	err := t.streams("GetShardIterator", map[string]any{
		"StreamArn": arn, "ShardId": stream.StreamDescription.Shards[0].ShardId, "ShardIteratorType": "TRIM_HORIZON",
	}, &opened)
	t.iterator = opened.ShardIterator
	return err
}

// records returns what the stream says since the last call.
func (t *benchTable) records() ([]events.DynamoDBEventRecord, error) {
	var all []events.DynamoDBEventRecord
	for {
		var part struct {
			Records           []events.DynamoDBEventRecord
			NextShardIterator string
		}
		if err := t.streams("GetRecords", map[string]any{"ShardIterator": t.iterator}, &part); err != nil {
			return nil, err
		}
		t.iterator = part.NextShardIterator
		if len(part.Records) == 0 {
			return all, nil
		}
		for _, r := range part.Records {
			pk, sk := r.Change.Keys["PK"].String(), r.Change.Keys["SK"].String()
			keys := len("PK") + len(pk) + len("SK") + len(sk) // a record holds them twice
			t.sizes[pk+" "+sk] = int(r.Change.SizeBytes) - keys
		}
		all = append(all, part.Records...)
	}
}

// streams asks the engine in the service's own JSON: there, a record has the very
// form in which Lambda hands it to a function.
func (t *benchTable) streams(operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, t.endpoint, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"X-Amz-Target": "DynamoDBStreams_20120810." + operation, "Content-Type": "application/x-amz-json-1.0", "X-Amz-Date": "20260101T000000Z",
		"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", operation, resp.Status, reply)
	}
	return json.Unmarshal(reply, out)
}
