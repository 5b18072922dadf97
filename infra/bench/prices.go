package main

// pricesOf is the day on which the prices below were looked up. They are list
// prices of us-east-1, without any free tier.
const pricesOf = "2026-11-23"

// Dollars for one of each.
const (
	million  = 1e6
	gigabyte = 1e9

	gatewayRequest = 3.50 / million      // REST API, the first 333 million: aws.amazon.com/api-gateway/pricing
	lambdaRequest  = 0.20 / million      // aws.amazon.com/lambda/pricing
	lambdaGBSecond = 0.0000133334        // arm64, same page
	writeUnit      = 0.625 / million     // on demand: aws.amazon.com/dynamodb/pricing/on-demand
	readUnit       = 0.125 / million     // same page
	storedByte     = (0.25 + 0.20) / 1e9 // a month, with point-in-time recovery, same page
	sqsRequest     = 0.40 / million      // standard queue, 64 KB begun: aws.amazon.com/sqs/pricing
	sqsFairRequest = 0.10 / million      // more, for messages with a group id, same page
	loggedByte     = 0.50 / gigabyte     // taken in: aws.amazon.com/cloudwatch/pricing
	sentByte       = 0.09 / gigabyte     // out to the internet: aws.amazon.com/ec2/pricing/on-demand
)
