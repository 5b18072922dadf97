package main

// pricesOf is the day on which these prices were looked up. They are list prices
// of us-east-1, without any free tier.
const pricesOf = "2026-11-23"

// Prices in dollars per unit.
const (
	million  = 1e6
	gigabyte = 1e9

	gatewayRequest = 3.50 / million      // REST API, the first 333 million: aws.amazon.com/api-gateway/pricing
	lambdaRequest  = 0.20 / million      // aws.amazon.com/lambda/pricing
	lambdaGBSecond = 0.0000133334        // arm64: same page
	writeUnit      = 0.625 / million     // on demand: aws.amazon.com/dynamodb/pricing/on-demand
	readUnit       = 0.125 / million     // same page
	storedByte     = (0.25 + 0.20) / 1e9 // per month, with point-in-time recovery: same page
	sqsRequest     = 0.40 / million      // standard queue, per 64 KB or part of it: aws.amazon.com/sqs/pricing
	sqsFairRequest = 0.10 / million      // surcharge for messages with a group ID: same page
	loggedByte     = 0.50 / gigabyte     // ingested: aws.amazon.com/cloudwatch/pricing
	sentByte       = 0.09 / gigabyte     // to the internet: aws.amazon.com/ec2/pricing/on-demand
)
