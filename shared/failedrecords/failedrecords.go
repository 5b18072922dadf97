// Package failedrecords stores stream records that a function cannot use in the
// bucket of failed records. There they block nothing, and an operator can look at
// them. Which records these are, the function decides.
package failedrecords

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Client is the part of the S3 client that a Bucket calls.
type Client interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Bucket stores the records that one function sets aside.
type Bucket struct {
	client         Client
	name, function string
}

// New returns the Bucket with that name, for the records of a function.
func New(client Client, name, function string) *Bucket {
	return &Bucket{client: client, name: name, function: function}
}

// Put stores the record as JSON. The object's key has the function's name and the
// record's sequence number, and nothing about its content. A record that is put again
// replaces itself.
func (b *Bucket) Put(ctx context.Context, r events.DynamoDBEventRecord) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding stream record %s: %w", r.Change.SequenceNumber, err)
	}
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: aws.String(b.function + "/" + r.Change.SequenceNumber + ".json"),
		Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
	})
	if err != nil {
		return fmt.Errorf("setting stream record %s aside: %w", r.Change.SequenceNumber, err)
	}
	return nil
}
