package handler

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// partBytes is how much of a file is kept in memory. S3 requires parts of at least
	// 5 MB.
	partBytes = 8 << 20

	// linkLife is how long the link to a file works. The bucket deletes the file after
	// a day.
	linkLife = 5 * time.Minute
)

// Exports stores large results as files in a bucket. A file's name contains the
// lender's id and nothing about the content.
type Exports struct {
	client  *s3.Client
	presign *s3.PresignClient
	bucket  string
}

// NewExports returns the Exports of a bucket.
func NewExports(client *s3.Client, bucket string) *Exports {
	return &Exports{client: client, presign: s3.NewPresignClient(client), bucket: bucket}
}

// Create starts a file.
func (e *Exports) Create(ctx context.Context, lender inquiry.LenderID, contentType, disposition string) (httpapi.Export, error) {
	key := fmt.Sprintf("results/%s/%s", lender, rand.Text())
	out, err := e.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &e.bucket, Key: &key, ContentType: &contentType, ContentDisposition: &disposition,
	})
	if err != nil {
		return nil, err
	}
	return &upload{Exports: e, ctx: ctx, key: key, id: *out.UploadId}, nil
}

// upload is one file, sent in parts.
type upload struct {
	*Exports
	ctx   context.Context // of the request, which the upload does not outlive
	key   string
	id    string
	part  bytes.Buffer
	parts []types.CompletedPart
}

func (u *upload) Write(p []byte) (int, error) {
	n, _ := u.part.Write(p) // a bytes.Buffer never fails
	if u.part.Len() < partBytes {
		return n, nil
	}
	return n, u.send()
}

func (u *upload) send() error {
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := u.client.UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: number, Body: bytes.NewReader(u.part.Bytes()),
	})
	if err != nil {
		return err
	}
	u.parts = append(u.parts, types.CompletedPart{
		ETag: out.ETag, PartNumber: number, ChecksumCRC32: out.ChecksumCRC32,
	})
	u.part.Reset()
	return nil
}

// Close completes the file and returns a link to it.
func (u *upload) Close() (string, error) {
	if u.part.Len() > 0 {
		if err := u.send(); err != nil {
			return "", err
		}
	}
	_, err := u.client.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	if err != nil {
		return "", err
	}
	link, err := u.presign.PresignGetObject(u.ctx, &s3.GetObjectInput{Bucket: &u.bucket, Key: &u.key}, s3.WithPresignExpires(linkLife))
	if err != nil {
		return "", err
	}
	return link.URL, nil
}

// Abort deletes the parts that were sent. It ignores errors, because the bucket
// deletes incomplete uploads by itself.
func (u *upload) Abort() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 2*time.Second)
	defer cancel()
	_, _ = u.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
}
