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
// A call is sent again, with growing and jittered pauses and no sooner than the
// API asks for, when the connection is lost or the API is busy. Every POST goes
// out under an Idempotency-Key that stays the same over its tries, so that a
// lost reply never makes two batches.
//
// What the API refuses is a [*Problem], with everything that is wrong in one
// answer. Any other error is of the connection, or of the context; or an answer
// came that is not about what was asked, as from an address that is not the API's.
//
// Package client knows the routes and how to be patient with them. Reading a
// batch from a file is package batchfile's business.
package client
