// Package client calls the batch-inquiries API from Go.
//
//	c, err := client.New("https://…", os.Getenv("BI_API_KEY"))
//	…
//	accepted, err := c.Submit(ctx, client.Submission{
//		Name:      "November renewals",
//		Inquiries: []client.InquiryInput{{BusinessName: "Kylderon Mist Valley LLC", ExternalID: "LOAN-1001"}},
//	})
//	…
//	batch, err := c.Wait(ctx, accepted.BatchID)
//	…
//	for inquiry, err := range c.Inquiries(ctx, batch.BatchID, client.InquiryFilter{}) { … }
//
// # Retries
//
// The client retries a call when the connection is lost or the API is busy. The
// pauses grow, have jitter, and are never shorter than the API's Retry-After.
// Every POST carries an Idempotency-Key that is the same for all its tries, so a
// lost response never creates two batches.
//
// # Errors
//
// When the API rejects a request, the error is a [*Problem] that lists everything
// wrong with it. Any other error comes from the connection or the context, or
// reports a response that is not the API's response to this request, for example
// because the address is wrong.
//
// This package does not read files: see package batchfile.
package client
