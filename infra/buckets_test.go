package main

import (
	"testing"
)

func TestNewResults(t *testing.T) {
	t.Parallel()

	t.Run("results are kept for a day", func(t *testing.T) {
		t.Parallel()

		bucket := dev().one(t, "AWS::S3::Bucket", "Results").Properties
		rule := at(bucket, "LifecycleConfiguration", "Rules", 0)
		same(t, "expiry in days", at(rule, "ExpirationInDays"), 1.0)
		same(t, "expiry of incomplete uploads, in days", at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"), 1.0)
		same(t, "status", at(rule, "Status"), "Enabled")
		same(t, "encryption", at(bucket, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"), "AES256")
		same(t, "public access", at(bucket, "PublicAccessBlockConfiguration", "RestrictPublicBuckets"), true)
	})
}
