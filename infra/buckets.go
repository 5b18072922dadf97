package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NewFailedRecords declares the bucket for stream records that a function cannot read
// or that Lambda gives up. A queue would only get references to the records that Lambda
// gives up; a bucket gets the records.
func NewFailedRecords(scope constructs.Construct, props Props) awss3.Bucket {
	return newBucket(scope, "FailedRecords", props.removal(), awss3.LifecycleRule{
		// The records name businesses and their owners. Keep them long enough to
		// investigate a failure, and no longer.
		Expiration: awscdk.Duration_Days(jsii.Number(30)),
	})
}

// NewResults declares the bucket for results that are too large for a response.
// They can be generated again at any time, so the bucket keeps them for the
// shortest time possible, one day.
//
// The API redirects a portal's script to this bucket. After the redirect, the
// browser sends the origin "null", so the CORS rule allows every origin. The signed
// link protects the file.
func NewResults(scope constructs.Construct, props Props) awss3.Bucket {
	bucket := newBucket(scope, "Results", awscdk.RemovalPolicy_DESTROY, awss3.LifecycleRule{
		Expiration:                          awscdk.Duration_Days(jsii.Number(1)),
		AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
	})
	if props.PortalOrigin != "" {
		bucket.AddCorsRule(&awss3.CorsRule{
			AllowedMethods: &[]awss3.HttpMethods{awss3.HttpMethods_GET},
			AllowedOrigins: jsii.Strings("*"),
			ExposedHeaders: jsii.Strings("Content-Disposition"),
			MaxAge:         jsii.Number(600),
		})
	}
	return bucket
}

// newBucket declares an encrypted bucket that is not public and requires TLS.
func newBucket(scope constructs.Construct, id string, removal awscdk.RemovalPolicy, lifecycle awss3.LifecycleRule) awss3.Bucket {
	return awss3.NewBucket(scope, &id, &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		LifecycleRules:    &[]*awss3.LifecycleRule{&lifecycle},
		RemovalPolicy:     removal,
	})
}
